"""Whom the HTTP session trusts and through which proxy it goes: TLS, trust stores, ca_file, proxy variables."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import (
    ClientCertificateWanted,
    ConfigurationInvalid,
    HandshakeFailed,
    HttpsWanted,
    NotReadable,
    NotTls,
    ProxyFailed,
    ProxyUnusable,
    ProxyWantsPassword,
    TlsFailed,
    TlsTooOld,
    Unreachable,
)
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.remote.web.trust_store import TrustStore
from tests.conftest import need
from tests.lab import nginx
from tests.lab.certificates import Authority, Kind, context_of
from tests.lab.processes import end
from tests.unit.loopback import Answers, connect_proxy, raw_server, sends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534  # the user ID that owns nothing, on Debian and most others


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


def test_ca_file_is_trusted(authority: Authority) -> None:
    with raw_server(sends(OK), context_of(authority.server())) as port:
        answer = Transport(10, ca_file=authority.ca_file).request("GET", f"https://127.0.0.1:{port}/")
    assert answer.json_object().value("a") == 1


def test_the_systems_trust_store_is_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))  # OpenSSL's own way to name it
    with raw_server(sends(OK), context_of(authority.server())) as port:
        assert Transport(10).request("GET", f"https://127.0.0.1:{port}/").status == 200


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


@pytest.mark.parametrize(
    ("host", "kind", "trusted", "reason"),
    [
        ("127.0.0.1", "expired", True, "expired"),
        ("127.0.0.1", "valid", False, "unknown authority"),
        ("127.0.0.2", "valid", True, "another address"),
        ("other.example.com", "valid", True, "another"),
    ],
)
def test_certificates_that_are_not_trusted(
    authority: Authority, host: str, kind: Kind, trusted: bool, reason: str
) -> None:
    with raw_server(sends(OK), context_of(authority.server(kind, [host]))) as port:
        http = Transport(10, ca_file=authority.ca_file if trusted else None)
        with pytest.raises(TlsFailed, match=reason) as caught:
            http.request("GET", f"https://127.0.0.1:{port}/")
    assert caught.value.__cause__ is not None


def test_another_name(authority: Authority) -> None:
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=["other.example.com"]))) as port,
        pytest.raises(TlsFailed, match="made out to another name"),
    ):
        Transport(10, ca_file=authority.ca_file).request("GET", f"https://localhost:{port}/")


def test_ca_file_with_an_intermediate_authority(tmp_path: Path, authority: Authority) -> None:
    """What somebody names is trusted as it stands; who signed it need not be known."""
    intermediate = Authority(tmp_path, "Intermediate", issuer=authority)
    with raw_server(sends(OK), context_of(intermediate.server())) as port:
        url = f"https://127.0.0.1:{port}/"
        assert Transport(10, ca_file=intermediate.ca_file).request("GET", url).status == 200
        with pytest.raises(TlsFailed, match="unknown authority"):
            Transport(10, ca_file=authority.ca_file).request("GET", url)  # the server does not send the intermediate


def test_ca_file_with_the_servers_own_certificate(authority: Authority) -> None:
    own = authority.server(hosts=["127.0.0.1"])
    http = Transport(10, ca_file=Path(own[0]))
    with raw_server(sends(OK), context_of(own)) as port:
        assert http.request("GET", f"https://127.0.0.1:{port}/").status == 200
        with pytest.raises(TlsFailed, match="another name"):
            http.request("GET", f"https://localhost:{port}/")
    another = context_of(authority.server(hosts=["localhost"]))
    with raw_server(sends(OK), another) as port, pytest.raises(TlsFailed, match="unknown authority"):
        http.request("GET", f"https://localhost:{port}/")


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


@contextlib.contextmanager
def bare_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Hands a connection over as it comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])


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
    with bare_server(serve) as port, pytest.raises(error, match=said) as caught:
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


def test_ca_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(NotReadable):
        Transport(10, ca_file=tmp_path / "none.pem").request("GET", "https://127.0.0.1:1/")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigurationInvalid, match=r"text\.pem"):
        Transport(10, ca_file=tmp_path / "text.pem").request("GET", "https://127.0.0.1:1/")


def test_a_ca_file_in_a_closed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    is_root = os.geteuid() == 0
    if is_root:  # who may enter every folder
        os.seteuid(NOBODY)
    try:
        with pytest.raises(NotReadable, match="permission denied"):
            TrustStore(folder / "ca.pem")
    finally:
        if is_root:
            os.seteuid(0)


def hashed_folder(authority: Authority, folder: Path) -> Path:
    """As `openssl rehash` makes one."""
    need("openssl", "apt-get install openssl", shutil.which("openssl"))
    folder.mkdir()
    shutil.copyfile(authority.ca_file, folder / "authority.pem")
    subprocess.run(["openssl", "rehash", folder], check=True)
    return folder


class TestLinuxTrustStore:
    """OpenSSL's two forms: a folder by hashes, of which only what is needed is read, and one bundle."""

    def test_an_authority_in_the_folder(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed_folder(authority, tmp_path / "certs")))
        trust = TrustStore()
        assert trust.context.get_ca_certs() == [], "nothing is read beforehand"
        with raw_server(sends(OK), context_of(authority.server())) as port:
            assert Transport(10).request("GET", f"https://127.0.0.1:{port}/").status == 200

    def test_one_that_was_added_to_the_bundle_alone(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other")
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed_folder(other, tmp_path / "certs")))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
        with raw_server(sends(OK), context_of(authority.server())) as port:
            http = Transport(10)
            for _ in range(2):
                assert http.request("GET", f"https://127.0.0.1:{port}/").status == 200

    @pytest.mark.parametrize("bundle", ["absent", "no certificate"])
    def test_a_bundle_that_is_of_no_use(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: str) -> None:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
        monkeypatch.setattr("docker_credential_harbor.remote.web.trust_store.FOLDERS", ())
        monkeypatch.setattr("docker_credential_harbor.remote.web.trust_store.BUNDLES", ())
        if bundle == "no certificate":
            (tmp_path / "bundle.pem").write_text(bundle)
        trust = TrustStore()
        assert trust.context.get_ca_certs() == []
        assert not trust.read_on()


# --- Proxies ----------------------------------------------------------------------------------------------------------


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

    with bare_server(hang) as port:
        error = through(monkeypatch, f"{scheme}://127.0.0.1:{port}", timeout_seconds=3)
    assert isinstance(error, ProxyFailed)
    assert "no answer within 3 s" in str(error)


def test_a_proxy_by_tls_that_has_none_or_an_unknown_one(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    with bare_server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
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
    with bare_server(hang_up) as port, raw_server(connect_proxy([port], [])) as proxy:
        error = through(monkeypatch, f"http://127.0.0.1:{proxy}")
    assert isinstance(error, HandshakeFailed)
