"""The HTTP session against real servers on loopback that refuse, hang, drip, lie and break off."""

from __future__ import annotations

import base64
import gzip
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import __version__
from docker_credential_harbor.errors import BrokenAnswer, ConfigurationInvalid, Failure, NoAnswer, Unreachable
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.remote.web.transport import MAXIMUM_BYTES, Transport, is_secure_url
from docker_credential_harbor.warm_get.server_url import is_loopback_host
from tests.lab.keycloak import free_port
from tests.unit.loopback import Answers, raw_server, sends

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.remote.web.answer import Answer

BOMB = gzip.compress(b"\0" * 50 * MAXIMUM_BYTES, 9)


def get(port: int, timeout_seconds: float = 10) -> Answer:
    return Transport(timeout_seconds).request("GET", f"http://127.0.0.1:{port}/")


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_a_plain_request(server: Answers) -> None:
    server.replies["/x"] = (200, {"X-Thing": "Value"}, {"a": 1})
    answer = Transport(10).request("GET", f"{server.url}/x?q=1")
    assert (answer.status, answer.headers["x-thing"], answer.json_object().value("a")) == (200, "Value", 1)
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
    told: list[str] = []
    with pytest.raises(ConfigurationInvalid):
        Transport(10, trace=told.append).request("GET", url, basic=Credentials("u", "s"))
    assert told == [], "no request was made"
    assert not is_secure_url(url)


def test_loopback_hosts() -> None:
    assert all(is_loopback_host(host) for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"))
    assert not any(is_loopback_host(host) for host in ("localhost.example.com", "128.0.0.1", "::2", "", None))


# --- What comes back --------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "encoding", ["gzip", "x-gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip"]
)
@pytest.mark.parametrize("status", ["200 OK", "302 Found\r\nLocation: /", "401 No", "500 Broken"])
def test_what_was_compressed_without_being_asked_is_refused_unread(encoding: str, status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(BOMB)}\r\n\r\n".encode()
    with (
        raw_server(sends(head + BOMB)) as port,
        pytest.raises(BrokenAnswer, match="compressed, which was not asked for"),
    ):
        get(port)


def test_compressed_by_the_second_of_two_headers() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    with raw_server(sends(head)) as port, pytest.raises(BrokenAnswer, match="compressed"):
        get(port)


@pytest.mark.parametrize("header", ["Content-Encoding: identity", "content-encoding:  Identity ", "Content-Encoding:"])
def test_identity_is_no_compression(header: str) -> None:
    with raw_server(sends(f"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 8\r\n\r\n".encode() + b'{"a": 1}')) as port:
        assert get(port).json_object().value("a") == 1


@pytest.mark.parametrize(
    "data",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 2_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"x" * 2_000_000,
        b"HTTP/1.1 " + b"9" * 5000 + b" OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=[
        *("length", "chunk", "bad-chunk", "long-chunk", "long-chunk-line", "negative-chunk", "long-trailer"),
        *("long-status", "two-lengths", "many-headers", "ssh", "headers", "header"),
    ],
)
def test_broken_answers(data: bytes) -> None:
    with raw_server(sends(data)) as port, pytest.raises(BrokenAnswer):
        get(port)


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


@pytest.mark.parametrize("part", [b"0\r\n" + b"X: y\r\n" * 1000, b"1;x=" + b"y" * 9000 + b"\r\nz\r\n"])
def test_chunks_without_an_end_are_bounded(part: bytes) -> None:
    def endless(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(part)

    with raw_server(endless) as port, pytest.raises((NoAnswer, BrokenAnswer)):
        get(port, 1)


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
    told: list[str] = []
    with raw_server(hangs) as port:
        http = Transport(10, deadline_at=time.monotonic() + 60, trace=told.append)
        http.request("GET", server.url)
        http.deadline_at = time.monotonic() + 0.4  # nearly all of it has passed
        with pytest.raises(NoAnswer):
            http.request("GET", f"http://127.0.0.1:{port}/")
        with pytest.raises(Unreachable, match="no time was left") as caught:
            http.request("GET", server.url)
        assert not isinstance(caught.value, NoAnswer)
        assert (len(told), len(server.asked)) == (2, 1)


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
    http.timeout_seconds = 30
    assert http.request("GET", server.url).status == 404


# --- Trace ------------------------------------------------------------------------------------------------------------


def test_the_trace_has_no_secret(server: Answers) -> None:
    lines: list[str] = []
    http = Transport(10, trace=lines.append)
    http.request("POST", f"{server.url}/token?code=SECRET#SECRET", bearer="SECRET", form={"refresh_token": "SECRET"})
    port = free_port()
    with pytest.raises(Unreachable):
        http.request("GET", f"http://127.0.0.1:{port}/x", basic=Credentials("u", "SECRET"))
    assert lines[0].startswith(f"POST {server.url}/token -> 404 in ")
    assert lines[1].startswith(f"GET http://127.0.0.1:{port}/x -> connection refused in ")
    assert all(line.endswith(" ms") and "SECRET" not in line for line in lines)


# --- Cost -------------------------------------------------------------------------------------------------------------


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys; from docker_credential_harbor.remote.web import transport as t; "
        "t.Transport(1); print('requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
