"""Whom the HTTP session trusts and through which proxy it goes: TLS, trust stores, ca_file, proxy variables."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import (
    ConfigurationInvalid,
    NotReadable,
    TlsFailed,
    Unreachable,
)
from docker_credential_harbor.transport import Transport
from docker_credential_harbor.trust_store import TrustStore
from tests.conftest import need
from tests.lab.certificates import Authority, Kind, context_of
from tests.unit.loopback import Answers, raw_server, sends

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = 65534  # the user ID that owns nothing, on Debian and most others


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


def test_ca_file_is_trusted(authority: Authority) -> None:
    with raw_server(sends(OK), context_of(authority.server())) as port:
        answer = Transport(10, ca_file=authority.ca_file).request("GET", f"https://127.0.0.1:{port}/")
    assert answer.json_object() == {"a": 1}


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


def test_tls_to_a_server_without() -> None:
    def greet(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 smtp.example.com ESMTP\r\n")
            connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        with pytest.raises(Unreachable, match="no TLS connection") as caught:
            Transport(10).request("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert not isinstance(caught.value, TlsFailed)


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
        assert http.count == 2

    @pytest.mark.parametrize("bundle", ["absent", "no certificate"])
    def test_a_bundle_that_is_of_no_use(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundle: str) -> None:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
        monkeypatch.setattr("docker_credential_harbor.trust_store.FOLDERS", ())
        monkeypatch.setattr("docker_credential_harbor.trust_store.BUNDLES", ())
        if bundle == "no certificate":
            (tmp_path / "bundle.pem").write_text(bundle)
        trust = TrustStore()
        assert trust.context.get_ca_certs() == []
        assert not trust.read_on()


# --- Proxies ----------------------------------------------------------------------------------------------------------


def proxy_to(target: list[int], seen: list[bytes]) -> Callable[[socket.socket, bytes], None]:
    """A proxy that knows CONNECT (RFC 9110 9.3.6) and leads every name to one port."""

    def serve(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        with socket.create_connection(("127.0.0.1", target[0])) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")

            def back() -> None:
                while data := upstream.recv(65536):
                    connection.sendall(data)

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            while data := connection.recv(65536):
                upstream.sendall(data)

    return serve


def test_the_usual_proxy_variables(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    target: list[int] = []
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=["harbor.example.com"]))) as port,
        raw_server(proxy_to(target, seen)) as proxy,
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
        raw_server(proxy_to(target, seen), context_of(authority.server())) as proxy,
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
    with pytest.raises(Unreachable, match="the proxy: connection refused"):
        Transport(10).request("GET", "https://harbor.example.com/")
    monkeypatch.setenv("NO_PROXY", "harbor.example.com")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(Unreachable) as caught:
        Transport(10).request("GET", "https://harbor.example.com/")
    assert "proxy:" not in str(caught.value)


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(sends(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        with pytest.raises(Unreachable, match="the proxy refused"):
            Transport(10).request("GET", "https://harbor.example.com/")
