"""The adapter of requests as it is used here: our trust store alone, proxies, connections that are kept."""

from __future__ import annotations

import socket

import pytest

from docker_credential_harbor.errors import ProxyFailed, TlsFailed, Unreachable
from docker_credential_harbor.remote.web.transport import Transport
from tests.lab.certificates import Authority, context_of
from tests.unit.loopback import OK, Answers, connect_proxy, raw_server, sends


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundles_of_requests_are_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.ca_file))
    with raw_server(sends(OK), context_of(authority.server())) as port, pytest.raises(TlsFailed):
        Transport(10).request("GET", f"https://127.0.0.1:{port}/")


def test_the_bundle_of_certifi_is_not_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority.ca_file), raising=False)
    monkeypatch.setattr("requests.certs.where", lambda: str(authority.ca_file))
    with raw_server(sends(OK), context_of(authority.server())) as port, pytest.raises(TlsFailed):
        Transport(10).request("GET", f"https://127.0.0.1:{port}/")


def test_the_usual_proxy_variables(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    target: list[int] = []
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=["harbor.example.com"]))) as port,
        raw_server(connect_proxy(target, seen)) as proxy,
    ):
        target.append(port)
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:p@127.0.0.1:{proxy}")
        http = Transport(10, ca_file=authority.ca_file)
        assert http.request("GET", "https://harbor.example.com/", bearer="a.b.c").status == 200
        with pytest.raises(TlsFailed):
            Transport(10).request("GET", "https://harbor.example.com/", bearer="a.b.c")
    assert seen[0].startswith(b"CONNECT harbor.example.com:443 ")
    assert b"Proxy-Authorization: Basic " in seen[0]
    assert b"a.b.c" not in seen[0]


def test_a_proxy_that_is_reached_by_tls(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    target: list[int] = []
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=["harbor.example.com"]))) as port,
        raw_server(connect_proxy(target, seen), context_of(authority.server())) as proxy,
    ):
        target.append(port)
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy}")
        http = Transport(10, ca_file=authority.ca_file)
        assert http.request("GET", "https://harbor.example.com/").status == 200
        with pytest.raises(TlsFailed):
            Transport(10).request("GET", "https://harbor.example.com/")
    assert len(seen) == 1


def test_no_proxy_for_names_in_no_proxy_and_for_loopback(server: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert Transport(10).request("GET", server.url).status == 404
    with pytest.raises(
        ProxyFailed, match=r"through the proxy 127\.0\.0\.1:1 \(connection refused\): check HTTPS_PROXY"
    ):
        Transport(10).request("GET", "https://harbor.example.com/")
    monkeypatch.setenv("NO_PROXY", "*.example.com")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(Unreachable) as caught:
        Transport(10).request("GET", "https://harbor.example.com/")
    assert "proxy" not in str(caught.value)


def test_connections_are_kept_between_requests(server: Answers) -> None:
    http = Transport(10)
    http.request("GET", server.url)
    adapter = http._open()  # noqa: SLF001 - what is counted is inside
    (pool,) = adapter.poolmanager.pools._container.values()  # noqa: SLF001
    http.request("GET", server.url)
    assert (pool.num_connections, pool.num_requests) == (1, 2)
    http.close()
