"""The HTTP session against real servers on loopback that refuse, hang, drip, lie and break off."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from docker_credential_harbor import __version__
from docker_credential_harbor.errors import (
    BrokenAnswer,
    ConfigurationInvalid,
    Failure,
    NoAnswer,
    NotReadable,
    ServerFault,
    TlsFailed,
    Unreachable,
)
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.server_url import is_loopback_host
from docker_credential_harbor.transport import MAXIMUM_BYTES, Answer, Transport, is_secure_url
from tests.unit.loopback import Answers, answers_server, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


def sends(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(data)


def get(port: int, timeout_seconds: float = 10) -> Answer:
    return Transport(timeout_seconds).request("GET", f"http://127.0.0.1:{port}/")


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_a_plain_request(server: Answers) -> None:
    server.replies["/x"] = (200, {"X-Thing": "Value"}, {"a": 1})
    answer = Transport(10).request("GET", f"{server.url}/x?q=1")
    assert (answer.status, answer.headers["x-thing"], answer.json_object()) == (200, "Value", {"a": 1})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/x?q=1")
    assert asked.headers["user-agent"] == f"docker-credential-harbor/{__version__}"
    assert "authorization" not in asked.headers


def test_basic_is_utf_8(server: Answers) -> None:
    Transport(10).request("GET", server.url, basic=Credentials("jörg", "pä:ss"))
    scheme, _, value = server.asked[0].headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", "jörg:pä:ss")


def test_bearer_form_and_json(server: Answers) -> None:
    http = Transport(10)
    http.request("GET", server.url, bearer="a.b.c")
    http.request("POST", server.url, form={"code": "a b&c", "x": "ü"})
    http.request("PUT", server.url, json={"secret": "S"})
    bearer, form, json = server.asked
    assert bearer.headers["authorization"] == "Bearer a.b.c"
    assert (form.form, form.headers["content-type"]) == (
        {"code": "a b&c", "x": "ü"},
        "application/x-www-form-urlencoded",
    )
    assert (json.body, json.headers["content-type"]) == (b'{"secret": "S"}', "application/json")
    assert http.count == 3


def test_a_secret_that_is_no_header_value_is_not_sent(server: Answers) -> None:
    with pytest.raises(Failure):
        Transport(10).request("GET", server.url, bearer="a\r\nX-Other: b")
    assert not server.asked


def test_cookies_are_never_kept(server: Answers) -> None:
    server.replies["/"] = (200, {"Set-Cookie": "sid=1; Path=/"}, {})
    http = Transport(10)
    http.request("GET", f"{server.url}/")
    http.request("GET", f"{server.url}/")
    assert all("cookie" not in asked.headers for asked in server.asked)


def test_redirects_are_answers(server: Answers) -> None:
    server.replies["/"] = (302, {"Location": f"{server.url}/other"}, "moved")
    answer = Transport(10).request("GET", f"{server.url}/", bearer="a.b.c")
    assert (answer.status, answer.headers["location"]) == (302, f"{server.url}/other")
    assert len(server.asked) == 1


def test_netrc_is_not_used(server: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    http = Transport(10)
    http.request("GET", server.url)
    http.request("GET", server.url, bearer="a.b.c")
    assert [asked.headers.get("authorization") for asked in server.asked] == [None, "Bearer a.b.c"]


@pytest.mark.parametrize(
    "url",
    [
        "http://harbor.example.com/",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "https://user:pw@harbor.example.com/",
        "https:///x",
        "https://h:99999/",
        "https://[::1/",
        "http://127.evil.example/",
        "https://h/a b",
        "",
    ],
)
def test_what_is_never_asked(url: str) -> None:
    http = Transport(10)
    with pytest.raises(ConfigurationInvalid):
        http.request("GET", url, basic=Credentials("u", "s"))
    assert http.count == 0
    assert not is_secure_url(url)


def test_loopback_hosts() -> None:
    assert all(is_loopback_host(host) for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"))
    assert not any(is_loopback_host(host) for host in ("localhost.example.com", "128.0.0.1", "::2", "", None))


# --- What comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["", "no json", "[1]", '"text"', '{"cut": ', "\xff", "[" * 100_000])
def test_anything_but_a_json_object(server: Answers, body: str) -> None:
    server.replies["/"] = (200, {}, body)
    with pytest.raises(BrokenAnswer):
        Transport(10).request("GET", f"{server.url}/").json_object()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_server_faults(server: Answers, status: int) -> None:
    server.replies["/"] = (status, {}, "")
    answer = Transport(10).request("GET", f"{server.url}/")
    with pytest.raises(ServerFault, match=str(status)):
        answer.raise_for_server_fault()


def test_other_statuses_are_no_server_fault(server: Answers) -> None:
    Transport(10).request("GET", f"{server.url}/").raise_for_server_fault()


def test_secrets_stay_out_of_repr(server: Answers) -> None:
    server.replies["/"] = (200, {"X-Secret": "hidden"}, {"token": "hidden"})
    assert "hidden" not in repr(Transport(10).request("GET", f"{server.url}/?code=hidden"))


def test_exactly_the_bound_is_taken() -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {MAXIMUM_BYTES}\r\n\r\n".encode()
    with raw_server(sends(head + b"x" * MAXIMUM_BYTES)) as port:
        assert len(get(port).body) == MAXIMUM_BYTES


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /", b"401 No", b"500 Broken"])
def test_too_much_is_refused_whatever_the_status(status: bytes) -> None:
    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with raw_server(endless) as port, pytest.raises(BrokenAnswer, match="1 MiB"):
        get(port)


def test_a_compression_bomb_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 50 * MAXIMUM_BYTES, 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with raw_server(sends(head + bomb)) as port, pytest.raises(BrokenAnswer, match="1 MiB"):
        get(port)


def test_compressed_without_being_asked_is_read_all_the_same() -> None:
    body = gzip.compress(b'{"a": 1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with raw_server(sends(head + body)) as port:
        assert get(port).json_object() == {"a": 1}


@pytest.mark.parametrize(
    "data",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=["length", "chunk", "bad-chunk", "gzip", "ssh", "headers", "header"],
)
def test_broken_answers(data: bytes) -> None:
    with raw_server(sends(data)) as port, pytest.raises(BrokenAnswer):
        get(port)


def test_closed_without_an_answer() -> None:
    with raw_server(sends(b"")) as port, pytest.raises(Unreachable, match="connection closed without an answer"):
        get(port)


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} cannot be reached \(connection refused\)"):
        get(port)


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"harbor\.example\.com cannot be reached \(name not found\)"):
        Transport(10).request("GET", "https://harbor.example.com/")


# --- Time -------------------------------------------------------------------------------------------------------------


def hangs(connection: socket.socket, _: bytes) -> None:
    connection.recv(1)


def drips(part: bytes) -> Callable[[socket.socket, bytes], None]:
    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(part)
            time.sleep(0.05)

    return drip


@pytest.mark.parametrize("serve", [hangs, drips(b"X"), drips(b"X: y\r\n"), drips(b"\r\nx")], ids=lambda _: "")
def test_the_whole_request_is_bounded(serve: Callable[[socket.socket, bytes], None]) -> None:
    with raw_server(serve) as port:
        started_at = time.monotonic()
        with pytest.raises(NoAnswer, match=r"no answer within 0\.4 s"):
            get(port, 0.4)
        assert time.monotonic() - started_at < 5


def test_continue_for_ever_is_bounded() -> None:
    def encourages(connection: socket.socket, _: bytes) -> None:
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with raw_server(encourages) as port, pytest.raises(NoAnswer):
        get(port, 0.4)


def test_name_resolution_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(30))
    with pytest.raises(NoAnswer):
        Transport(0.3).request("GET", "https://harbor.example.com/")
    never.set()


def test_the_deadline_bounds_all_requests_together(server: Answers) -> None:
    with raw_server(hangs) as port:
        http = Transport(10, deadline_at=time.monotonic() + 0.4)
        http.request("GET", server.url)
        with pytest.raises(NoAnswer):
            http.request("GET", f"http://127.0.0.1:{port}/")
        with pytest.raises(Unreachable, match="no time was left") as caught:
            http.request("GET", server.url)
        assert not isinstance(caught.value, NoAnswer)
        assert (http.count, len(server.asked)) == (2, 1)


def test_what_must_not_be_cut_short_needs_a_quarter_of_the_time() -> None:
    url = "https://sso.example.com/token"
    Transport(10).check_time_left(url)
    Transport(10, deadline_at=time.monotonic() + 8).check_time_left(url)
    with pytest.raises(Unreachable, match=r"sso\.example\.com cannot be reached \(no time was left"):
        Transport(10, deadline_at=time.monotonic() + 2).check_time_left(url)


def test_a_request_after_a_slow_one(server: Answers) -> None:
    http = Transport(0.3)
    with raw_server(hangs) as port, pytest.raises(NoAnswer):
        http.request("GET", f"http://127.0.0.1:{port}/")
    assert http.request("GET", server.url).status == 404


def test_connections_are_kept_between_requests(server: Answers) -> None:
    http = Transport(10)
    http.request("GET", server.url)
    adapter = http._open()  # noqa: SLF001 - what is counted is inside
    (pool,) = adapter.poolmanager.pools._container.values()  # noqa: SLF001
    http.request("GET", server.url)
    assert (pool.num_connections, pool.num_requests) == (1, 2)
    http.close()


# --- Trace ------------------------------------------------------------------------------------------------------------


def test_the_trace_has_no_secret(server: Answers) -> None:
    lines: list[str] = []
    http = Transport(10, trace=lines.append)
    http.request("POST", f"{server.url}/token?code=SECRET#SECRET", bearer="SECRET", form={"refresh_token": "SECRET"})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable):
        http.request("GET", f"http://127.0.0.1:{port}/x", basic=Credentials("u", "SECRET"))
    assert lines[0].startswith(f"POST {server.url}/token -> 404 in ")
    assert lines[1].startswith(f"GET http://127.0.0.1:{port}/x -> connection refused in ")
    assert all(line.endswith(" ms") and "SECRET" not in line for line in lines)


# --- TLS --------------------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of its own, and the certificates that it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        self.certificate = self._builder(self.name, 1, self.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = folder / "ca.pem"
        signed = self.certificate.sign(self.key, hashes.SHA256())
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name: x509.Name, days: float, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.timezone.utc)
        end = now + dt.timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end) - dt.timedelta(days=2))
            .not_valid_after(end)
        )

    def server_context(self, host: str, days: float = 1) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]), days, key)
        signed = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False).sign(
            self.key, hashes.SHA256()
        )
        file = self.folder / f"{host}{days}.pem"
        file.write_bytes(
            signed.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


def test_ca_file_is_trusted(authority: Authority) -> None:
    with raw_server(sends(OK), authority.server_context("127.0.0.1")) as port:
        answer = Transport(10, ca_file=authority.file).request("GET", f"https://127.0.0.1:{port}/")
    assert answer.json_object() == {"a": 1}


def test_the_systems_trust_store_is_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))  # OpenSSL's own way to name it
    with raw_server(sends(OK), authority.server_context("127.0.0.1")) as port:
        assert Transport(10).request("GET", f"https://127.0.0.1:{port}/").status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundles_of_requests_are_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    with raw_server(sends(OK), authority.server_context("127.0.0.1")) as port, pytest.raises(TlsFailed):
        Transport(10).request("GET", f"https://127.0.0.1:{port}/")


def test_the_bundle_of_certifi_is_not_used(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(authority.file), raising=False)
    monkeypatch.setattr("requests.certs.where", lambda: str(authority.file))
    with raw_server(sends(OK), authority.server_context("127.0.0.1")) as port, pytest.raises(TlsFailed):
        Transport(10).request("GET", f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    ("host", "days", "trusted", "reason"),
    [
        ("127.0.0.1", -1, True, "expired"),
        ("127.0.0.1", 1, False, "unknown authority"),
        ("127.0.0.2", 1, True, "another address"),
        ("other.example.com", 1, True, "another"),
    ],
)
def test_certificates_that_are_not_trusted(
    authority: Authority, host: str, days: float, trusted: bool, reason: str
) -> None:
    with raw_server(sends(OK), authority.server_context(host, days)) as port:
        http = Transport(10, ca_file=authority.file if trusted else None)
        with pytest.raises(TlsFailed, match=reason) as caught:
            http.request("GET", f"https://127.0.0.1:{port}/")
    assert caught.value.__cause__ is not None


def test_another_name(authority: Authority) -> None:
    with (
        raw_server(sends(OK), authority.server_context("other.example.com")) as port,
        pytest.raises(TlsFailed, match="made out to another name"),
    ):
        Transport(10, ca_file=authority.file).request("GET", f"https://localhost:{port}/")


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
        raw_server(sends(OK), authority.server_context("harbor.example.com")) as port,
        raw_server(proxy_to(target, seen)) as proxy,
    ):
        target.append(port)
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:p@127.0.0.1:{proxy}")
        http = Transport(10, ca_file=authority.file)
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
        raw_server(sends(OK), authority.server_context("harbor.example.com")) as port,
        raw_server(proxy_to(target, seen), authority.server_context("127.0.0.1")) as proxy,
    ):
        target.append(port)
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy}")
        http = Transport(10, ca_file=authority.file)
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


# --- Cost -------------------------------------------------------------------------------------------------------------


def test_importing_it_is_cheap() -> None:
    code = "import sys, docker_credential_harbor.transport as t; t.Transport(1); print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
