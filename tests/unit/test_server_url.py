"""Every way in which Docker and its relatives write a registry."""

from __future__ import annotations

import pytest

from docker_credential_harbor import server_url


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
        ("https://alice:pw@h", "user information"),
        ("alice@h", "user information"),
        ("h\nx", "control"),
        ("h\x00", "control"),
        ("h\x7f", "control"),
        ("h\u202e", "control"),
        ("a b", "white space"),
        ("h" * 5000, "4 KiB"),
        ("ü" * 3000, "4 KiB"),
        ("https://", "no host"),
        ("https:///v2/", "no host"),
        (":5000", "no host"),
        ("h:port", "port"),
        ("h:0", "port"),
        ("h:65536", "port"),
        ("h:99999999999999999999", "port"),
        ("h:٣", "port"),
        ("[::1", "not closed"),
        ("[::1]x", "not closed"),
        ("::1", "brackets"),
        ("https://h\\@evil.example", ""),
    ],
)
def test_is_refused_with_a_reason(url: str, reason: str) -> None:
    if not reason:  # a backslash ends the host for browsers, so it must not hide user information
        assert server_url.parse(url)[0] == "h"
        return
    with pytest.raises(ValueError, match=reason):
        server_url.parse(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5000", "localhost:5000", "[::1]:5000", "[::1]", "localhost"])
def test_loopback(host: str) -> None:
    assert server_url.is_loopback(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.example.com", "h", "localhost.example.com:1", "[::2]:1", "128.0.0.1", "127.999.1"]
)
def test_not_loopback(host: str) -> None:
    assert not server_url.is_loopback(host)
