"""Every way in which Docker and its relatives write a registry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from docker_credential_harbor.warm_get import server_url

USER = "it has user information in it"
CONTROL = "it has white space or control characters in it"
LONG = "it is longer than 4 KiB"
HOST = "it names no host"
PORT = "its port is not a number from 1 to 65535"
CLOSED = "its IPv6 address is not closed"
BRACKETS = "its IPv6 address needs brackets"


@pytest.mark.parametrize(
    ("url", "name", "scheme"),
    [
        ("h", "h", ""),
        ("h:443", "h", ""),
        ("https://h", "h", "https"),
        ("https://h:443/", "h", "https"),
        ("https://h/v2/", "h", "https"),
        ("h/project/repo", "h", ""),
        ("H.Example.COM", "h.example.com", ""),
        ("HTTPS://H", "h", "https"),
        ("https://h?a=b", "h", "https"),
        ("h:8443", "h:8443", ""),
        ("h:08443", "h:8443", ""),
        ("h:00000065535", "h:65535", ""),
        ("h:1", "h:1", ""),
        ("FOX.example", "fox.example", ""),
        ("https://h/a://b", "h", "https"),
        ("https://h/#a?b", "h", "https"),
        ("https://h#a", "h", "https"),
        ("ü" * 2048, "ü" * 2048, ""),
        ("h" * 4096, "h" * 4096, ""),
        ("http://h", "h", "http"),
        ("http://h:80", "h", "http"),
        ("https://h:80", "h:80", "https"),
        ("[2001:DB8::1]", "[2001:db8::1]", ""),
        ("https://[::1]:5000/v2/", "[::1]:5000", "https"),
        ("[::1]:443", "[::1]", ""),
        ("h/project@sha256:abc", "h", ""),
        ("https://index.docker.io/v1/", "index.docker.io", "https"),
        ("oci://h", "", "oci"),
        ("bücher.example", "bücher.example", ""),
    ],
)
def test_names_one_registry(url: str, name: str, scheme: str) -> None:
    assert server_url.parse(url) == (name, scheme)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://alice:pw@h", USER),
        ("alice@h", USER),
        ("h\nx", CONTROL),
        ("h\x00", CONTROL),
        ("h\x7f", CONTROL),
        ("h\u202e", CONTROL),
        ("a b", CONTROL),
        ("h" * 4097, LONG),
        ("ü" * 2048 + "h", LONG),
        ("\udc80" * 1366, LONG),
        ("h\xa0", CONTROL),
        ("h\x9b", CONTROL),
        ("https://", HOST),
        ("https:///v2/", HOST),
        (":5000", HOST),
        ("h:port", PORT),
        ("h:0", PORT),
        ("h:65536", PORT),
        ("h:0655350", PORT),
        ("h:000", PORT),
        ("h:-1", PORT),
        ("h:X80", PORT),
        ("h:99999999999999999999", PORT),
        ("h:٣", PORT),
        ("[::1", CLOSED),
        ("[::1]x", CLOSED),
        ("[::1]x]", CLOSED),
        ("::1", BRACKETS),
        ("https://h\\@evil.example", ""),
    ],
)
def test_is_refused_with_a_reason(url: str, reason: str) -> None:
    if not reason:  # a backslash ends the host for browsers, so it must not hide user information
        assert server_url.parse(url)[0] == "h"
        return
    with pytest.raises(ValueError, match=f"^{reason}$"):
        server_url.parse(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5000", "localhost:5000", "[::1]:5000", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert server_url.is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1.example.com", "h", "localhost.example.com:1", "[::2]:1", "128.0.0.1", "127.999.1", "X127.0.0.1X"],
)
def test_not_loopback(host: str) -> None:
    assert not server_url.is_loopback(host)


@pytest.mark.parametrize("host", ["harbor.example.com", "localhost", "localhost.example.com", "h1.example", ""])
def test_a_name_is_not_read_as_an_address(host: str) -> None:
    """Reading addresses takes long to import."""
    asks = f"import sys; from {server_url.__name__} import is_loopback_host as it; "
    shows = f"print(it({host!r}), 'ipaddress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks + shows], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(host == "localhost"), "False"]
