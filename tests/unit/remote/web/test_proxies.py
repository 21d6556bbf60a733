"""The proxy variables, read as Docker reads them. What Go makes of each NO_PROXY was asked of Go."""

from __future__ import annotations

import pytest

from docker_credential_harbor.errors import ProxyUnusable
from docker_credential_harbor.remote.web.proxies import VARIABLES, Proxy, is_exempt, proxy_for

URL = "https://harbor.example.com/v2/"


# --- NO_PROXY ---------------------------------------------------------------------------------------------------------

# Its value, a host and a port, and what golang.org/x/net/http/httpproxy v0.42.0 answers: whether that goes directly.
DIRECTLY = [
    ("", "harbor.example.com", 443, False),
    ("*", "harbor.example.com", 443, True),
    ("other.org,*", "192.0.2.7", 443, True),
    ("**", "harbor.example.com", 443, False),
    ("harbor.example.com", "harbor.example.com", 443, True),
    ("example.com", "harbor.example.com", 443, True),
    ("example.com", "example.com", 443, True),
    ("example.com", "badexample.com", 443, False),
    (".example.com", "harbor.example.com", 443, True),
    (".example.com", "example.com", 443, False),
    (".example.com", "a.b.example.com", 443, True),
    ("*.example.com", "harbor.example.com", 443, True),
    ("*.example.com", "example.com", 443, False),
    ("*example.com", "harbor.example.com", 443, False),
    ("har*.example.com", "harbor.example.com", 443, False),
    (" other.org , harbor.example.com ", "harbor.example.com", 443, True),
    ("other.org harbor.example.com", "harbor.example.com", 443, False),
    ("other.org;harbor.example.com", "harbor.example.com", 443, False),
    ("\tharbor.example.com", "harbor.example.com", 443, True),
    ("HARBOR.Example.COM", "harbor.example.com", 443, True),
    ("harbor.example.com", "HARBOR.example.com", 443, True),
    ("harbor.example.com:443", "harbor.example.com", 443, True),
    ("harbor.example.com:8443", "harbor.example.com", 443, False),
    ("harbor.example.com:8443", "harbor.example.com", 8443, True),
    ("harbor.example.com", "harbor.example.com", 8443, True),
    (".example.com:443", "harbor.example.com", 443, True),
    (".example.com:443", "harbor.example.com", 8443, False),
    ("*.example.com:8443", "harbor.example.com", 8443, True),
    ("harbor.example.com:", "harbor.example.com", 8443, True),
    ("harbor.example.com:https", "harbor.example.com", 443, False),
    (":443", "harbor.example.com", 443, False),
    ("192.0.2.7", "192.0.2.7", 443, True),
    ("192.0.2.7", "192.0.2.70", 443, False),
    ("192.0.2.7:8443", "192.0.2.7", 443, False),
    ("192.0.2.7:8443", "192.0.2.7", 8443, True),
    ("192.0.2.0/24", "192.0.2.7", 443, True),
    ("192.0.2.0/24", "198.51.100.7", 443, False),
    ("192.0.2.99/24", "192.0.2.7", 443, True),
    ("192.0.2.0/24", "harbor.example.com", 443, False),
    ("192.0.2.0/255.255.255.0", "192.0.2.7", 443, False),
    ("192.0.2.0/33", "192.0.2.7", 443, False),
    ("192.0.2", "192.0.2.7", 443, False),
    ("192.0.2.*", "192.0.2.7", 443, False),
    ("0.0.0.0/0", "192.0.2.7", 443, True),
    ("0.0.0.0/0", "2001:db8::7", 443, False),
    ("2001:db8::7", "2001:db8::7", 443, True),
    ("2001:db8:0::7", "2001:db8::7", 443, True),
    ("[2001:db8::7]", "2001:db8::7", 443, False),
    ("[2001:db8::7]:443", "2001:db8::7", 443, True),
    ("[2001:db8::7]:8443", "2001:db8::7", 443, False),
    ("2001:db8::/32", "2001:db8::7", 443, True),
    ("::ffff:192.0.2.7", "192.0.2.7", 443, True),
    ("192.0.2.7", "::ffff:192.0.2.7", 443, True),
    ("192.0.2.0/24", "::ffff:192.0.2.7", 443, True),
    ("::/0", "192.0.2.7", 443, False),
    ("::/0", "2001:db8::7", 443, True),
    ("bücher.example", "bücher.example", 443, True),
    ("xn--bcher-kva.example", "bücher.example", 443, True),
    ("bücher.example", "harbor.xn--bcher-kva.example", 443, True),
    (",,", "harbor.example.com", 443, False),
    (".", "harbor.example.com", 443, False),
    ("harbor.example.com.", "harbor.example.com", 443, False),
    ("com", "harbor.example.com", 443, True),
    ("localhost", "harbor.example.com", 443, False),
    ("https://harbor.example.com", "harbor.example.com", 443, False),
    ("harbor.example.com/v2", "harbor.example.com", 443, False),
    ("example.com,!harbor.example.com", "harbor.example.com", 443, True),
    ("example.com", "192.0.2.7", 443, False),
    ("7", "192.0.2.7", 443, False),
    ("192.0.2.7/32", "192.0.2.7", 443, True),
    ("192.0.2.7/32:443", "192.0.2.7", 443, False),
    ("010.0.0.1", "10.0.0.1", 443, False),
    ("*.", "harbor.example.com", 443, False),
    ("*:443", "harbor.example.com", 443, False),
]


@pytest.mark.parametrize(("listed", "host", "port", "directly"), DIRECTLY)
def test_no_proxy_is_read_as_go_reads_it(listed: str, host: str, port: int, directly: bool) -> None:
    assert is_exempt(host, port, listed) is directly


@pytest.mark.parametrize(
    ("variables", "directly"),
    [
        ({"NO_PROXY": "*.example.com"}, True),
        ({"no_proxy": "other.org, .example.com"}, True),
        ({"NO_PROXY": "other.org", "no_proxy": "harbor.example.com"}, False),
        ({"NO_PROXY": "", "no_proxy": "harbor.example.com"}, True),
        ({"NO_PROXY": "harbor.example.com:8443"}, False),
        ({}, False),
    ],
)
def test_the_variables_of_no_proxy(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], directly: bool) -> None:
    for name, value in {"HTTPS_PROXY": "http://proxy:3128", **variables}.items():
        monkeypatch.setenv(name, value)
    assert (proxy_for(URL) is None) is directly


def test_what_is_on_this_machine_is_never_asked_through_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert [proxy_for(f"https://{host}/") for host in ("localhost", "127.0.0.2:8443", "[::1]")] == [None] * 3
    assert proxy_for(URL)


# --- The proxy itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://proxy", "http://proxy:80"),
        ("https://proxy/", "https://proxy:443"),
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:80"),
        (" HTTP://Proxy:3128 ", "http://proxy:3128"),
        ("http://user:p%40ss@proxy:3128/", "http://user:p%40ss@proxy:3128"),
        ("user:pass@proxy:3128", "http://user:pass@proxy:3128"),
        ("[2001:db8::7]:3128", "http://[2001:db8::7]:3128"),
        ("socks5://proxy:1080", "socks5h://proxy:1080"),
        ("socks5h://proxy", "socks5h://proxy:1080"),
        ("socks://proxy:9050/", "socks5h://proxy:9050"),
    ],
)
def test_a_proxy(monkeypatch: pytest.MonkeyPatch, value: str, url: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert proxy_for(URL) == Proxy(url, "HTTPS_PROXY")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("socks4://proxy:1080", "its scheme is none of http, https, socks5"),
        ("ftp://proxy:21", "its scheme"),
        ("http://", "it names no host"),
        ("http://:3128", "it names no host"),
        ("http://pro xy:3128", "it names no host"),
        ("http://proxy:99999", "its host or port"),
        ("http://proxy:port", "its host or port"),
        ("http://[::1", "its host or port"),
        ("http://user:hidden#x@proxy:3128", "must be written as %2F, %3F or %23"),
        ("http://user:12#hidden@proxy:3128", "must be written as"),
        ("http://hidden/x@proxy:3128", "must be written as"),
        ("http://user:12?hidden@proxy:3128", "must be written as"),
        ("hidden:12/x@proxy", "must be written as"),
        ("http://user:12@hidden/x@proxy:3128", "must be written as"),
        ("http:proxy:3128", "its host or port"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy"])
def test_one_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ProxyUnusable, match=reason) as caught:
        proxy_for(URL)
    assert f"what {name} names" in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "goes_first"),
    [
        (VARIABLES, "HTTPS_PROXY"),
        (("https_proxy", "ALL_PROXY"), "https_proxy"),
        (("ALL_PROXY", "all_proxy"), "ALL_PROXY"),
        (("all_proxy",), "all_proxy"),
    ],
)
def test_which_variable_goes_first(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], goes_first: str) -> None:
    for name in names:
        monkeypatch.setenv(name, f"http://{name.lower().replace('_', '-')}:3128")
    proxy = proxy_for(URL)
    assert proxy
    assert proxy.named_by == goes_first


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", " ")
    assert proxy_for(URL) is None
    monkeypatch.setenv("all_proxy", "socks://proxy:9050")
    assert proxy_for(URL) == Proxy("socks5h://proxy:9050", "all_proxy")


def test_a_password_stays_out_of_repr() -> None:
    assert "hidden" not in repr(Proxy("http://user:hidden@proxy:3128", "HTTPS_PROXY"))
