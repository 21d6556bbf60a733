"""What went wrong below HTTP, in plain words, at servers and proxies on loopback that do it."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import (
    ClientCertificateWanted,
    HandshakeFailed,
    HttpsWanted,
    NotTls,
    ProxyFailed,
    ProxyUnusable,
    ProxyWantsPassword,
    TlsFailed,
    TlsTooOld,
    Unreachable,
)
from docker_credential_harbor.remote.web.transport import Transport
from tests.conftest import need
from tests.lab import nginx
from tests.lab.accepting import accepting
from tests.lab.certificates import Authority, context_of
from tests.lab.keycloak import free_port
from tests.lab.processes import end
from tests.unit.loopback import OK, Answers, connect_proxy, raw_server, sends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker_credential_harbor.remote.web.answer import Answer


def get(port: int, timeout_seconds: float = 10) -> Answer:
    return Transport(timeout_seconds).request("GET", f"http://127.0.0.1:{port}/")


# --- No connection ----------------------------------------------------------------------------------------------------


def test_closed_without_an_answer() -> None:
    with raw_server(sends(b"")) as port, pytest.raises(Unreachable, match="connection closed without an answer"):
        get(port)


def test_refused() -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} cannot be reached \(connection refused\)"):
        get(port)


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"harbor\.example\.com cannot be reached \(name not found\)"):
        Transport(10).request("GET", "https://harbor.example.com/")


# --- TLS --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def openssl_server(files: tuple[str, str], *options: str) -> Iterator[int]:
    """OpenSSL's own server, with options of s_server(1)."""
    need("openssl", "apt-get install openssl", shutil.which("openssl"))
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", files[0], "-key", files[1]]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    server = subprocess.Popen([*command, *options], stdin=pipe, stdout=pipe, stderr=nowhere)
    try:
        assert server.stdout
        accepting = next(line for line in server.stdout if line.startswith(b"ACCEPT "))
        yield int(accepting.rpartition(b":")[2])
    finally:
        end(server)
        for stream in (server.stdin, server.stdout):
            assert stream
            stream.close()


OLD_CIPHERS = ("-cipher", "ALL:@SECLEVEL=0")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (("-tls1", *OLD_CIPHERS), TlsTooOld, "offers no TLS version that is still safe"),
        (("-tls1_1", *OLD_CIPHERS), TlsTooOld, "has to switch on TLS 1.2 or newer"),
        (
            ("-Verify", "1", "-tls1_2"),
            ClientCertificateWanted,
            "a client certificate, for which there is no setting",
        ),
        (
            ("-Verify", "1", "-tls1_3"),
            ClientCertificateWanted,
            "a client certificate, for which there is no setting",
        ),
        (("-tls1_2", "-cipher", "AES128-SHA"), HandshakeFailed, "it has no cipher in common"),
    ],
    ids=str,
)
def test_servers_that_want_another_tls(
    authority: Authority, options: tuple[str, ...], error: type[Unreachable], said: str
) -> None:
    with openssl_server(authority.server(), *options) as port, pytest.raises(error, match=said):
        Transport(10, ca_file=authority.ca_file).request("GET", f"https://127.0.0.1:{port}/")


def test_a_server_that_does_not_know_the_name(authority: Authority) -> None:
    context = context_of(authority.server())
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with raw_server(sends(OK), context) as port, pytest.raises(HandshakeFailed, match="does not know that host name"):
        Transport(10, ca_file=authority.ca_file).request("GET", f"https://localhost:{port}/")


def says(data: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.sendall(data)
        while connection.recv(65536):  # a close with something unread would be a reset
            pass

    return say


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


@pytest.mark.parametrize(
    ("serve", "error", "said"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NotTls, "does not speak TLS: check host and port of the .* url"),
        (says(b"220 smtp.example.com ESMTP\r\n"), NotTls, "does not speak TLS"),
        (reset, Unreachable, "connection reset by peer"),
        (hang_up, HandshakeFailed, "it closed the connection in the handshake"),
    ],
    ids=["http", "smtp", "reset", "hang up"],
)
def test_tls_to_a_server_without(serve: Callable[[socket.socket], None], error: type[Unreachable], said: str) -> None:
    with accepting(serve) as port, pytest.raises(error, match=said) as caught:
        Transport(10).request("GET", f"https://127.0.0.1:{port}/")
    assert type(caught.value) is error


# What servers say to plain http where they speak TLS: Go, nginx, Apache, a redirecting front, an alert (RFC 8446 6).
HTTPS_WANTED = [
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 50\r\n\r\nThe plain HTTP request was sent to HTTPS port</html>",
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nYou're speaking plain HTTP to an SSL-enabled server port.",
    b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: https://127.0.0.1:8443/v2/\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46",
]


@pytest.mark.parametrize("answer", HTTPS_WANTED)
def test_plain_http_to_a_server_with_tls(answer: bytes) -> None:
    with raw_server(sends(answer)) as port, pytest.raises(HttpsWanted, match="write https:// in the configured url"):
        Transport(10).request("GET", f"http://127.0.0.1:{port}/v2/")


def test_harbors_redirects_to_its_provider_on_the_same_host_are_answers() -> None:
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://127.0.0.1:8443/realms/dev\r\n\r\n"
    with raw_server(sends(answer)) as port:
        assert Transport(10).request("GET", f"http://127.0.0.1:{port}/c/oidc/login").status == 302


@pytest.mark.parametrize(
    ("scheme", "error", "said"),
    [
        ("https", ClientCertificateWanted, "a client certificate, for which there is no setting"),
        ("http", HttpsWanted, "speaks TLS and was asked by http"),
    ],
)
def test_an_nginx_that_wants_a_client_certificate(
    server: Answers, authority: Authority, tmp_path: Path, scheme: str, error: type[Unreachable], said: str
) -> None:
    """It takes the connection and says what it wants by HTTP, as Harbor's own front does."""
    need("nginx", nginx.INSTALL, nginx.program())
    server.replies["/api/v2.0/systeminfo"] = (200, {}, {})
    with nginx.in_front_of(server.url, tmp_path / "nginx", authority.server(), authority.ca_file) as url:
        http = Transport(10, ca_file=authority.ca_file)
        with pytest.raises(error, match=said):
            http.request("GET", url.replace("https", scheme))


@pytest.mark.parametrize("host", ["a..example.com", f"{'a' * 64}.example.com", "*.example.com", "ä" * 64 + ".com"])
def test_names_that_are_none(host: str) -> None:
    with pytest.raises(Unreachable, match=r"\((name not found|its name is no host name)\)"):
        Transport(10).request("GET", f"https://{host}/")


# --- Proxies ----------------------------------------------------------------------------------------------------------


def through(monkeypatch: pytest.MonkeyPatch, proxy: str, timeout_seconds: float = 10) -> Unreachable:
    """What is raised where Harbor is asked through that proxy."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Unreachable) as caught:
        Transport(timeout_seconds).request("GET", "https://harbor.example.com/")
    return caught.value


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", r"\(it answered with status 503\): check HTTPS_PROXY"),
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", r"\(it answered with status 403\)"),
        (b"\5\xff", r"\(not HTTP\)"),
        (b"", r"\(connection closed without an answer\)"),
    ],
)
def test_a_proxy_that_does_not_lead_there(monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str) -> None:
    with raw_server(sends(answer)) as port:
        error = through(monkeypatch, f"http://127.0.0.1:{port}")
    assert isinstance(error, ProxyFailed)
    assert re.search(
        rf"harbor\.example\.com cannot be reached through the proxy 127\.0\.0\.1:{port} {said}", str(error)
    )


def test_a_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(sends(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as port:
        error = through(monkeypatch, f"http://user:hidden@127.0.0.1:{port}")
    assert isinstance(error, ProxyWantsPassword)
    assert f"put them into HTTPS_PROXY before the host: USER:PASSWORD@127.0.0.1:{port}" in str(error)
    assert "hidden" not in str(error)


def test_a_proxy_whose_name_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    error = through(monkeypatch, "http://proxy.invalid:3128")
    assert isinstance(error, ProxyFailed)
    assert "the proxy proxy.invalid:3128 (" in str(error)
    assert "name" in error.facts["reason"]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_is_silent(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    def hang(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with accepting(hang) as port:
        error = through(monkeypatch, f"{scheme}://127.0.0.1:{port}", timeout_seconds=3)
    assert isinstance(error, ProxyFailed)
    assert "no answer within 3 s" in str(error)


def test_a_proxy_by_tls_that_has_none_or_an_unknown_one(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    with accepting(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        error = through(monkeypatch, f"https://127.0.0.1:{port}")
    assert isinstance(error, ProxyFailed)
    assert "(it does not speak TLS)" in str(error)
    with raw_server(sends(b""), context_of(authority.server())) as port:
        error = through(monkeypatch, f"https://127.0.0.1:{port}")
    assert isinstance(error, TlsFailed)
    assert f"certificate of the proxy 127.0.0.1:{port} is not trusted" in str(error)


def test_a_variable_that_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    error = through(monkeypatch, "socks4://127.0.0.1:1080")
    assert isinstance(error, ProxyUnusable)
    assert str(error).startswith("harbor.example.com cannot be asked: what HTTPS_PROXY names is no proxy")


def test_a_server_behind_a_proxy_is_not_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with accepting(hang_up) as port, raw_server(connect_proxy([port], [])) as proxy:
        error = through(monkeypatch, f"http://127.0.0.1:{proxy}")
    assert isinstance(error, HandshakeFailed)
