"""SOCKS proxies: a real one, and bytes that none should send."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import ProxyFailed, ProxyWantsPassword, TlsFailed
from docker_credential_harbor.remote.web import socks5
from docker_credential_harbor.remote.web.proxies import ProxyError
from docker_credential_harbor.remote.web.transport import Transport
from tests.conftest import need
from tests.lab import socks
from tests.lab.accepting import accepting
from tests.lab.certificates import Authority, context_of
from tests.lab.keycloak import free_port
from tests.lab.socks import socks_server
from tests.unit.loopback import raw_server, sends

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HARBOR = "harbor.example.com"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


# --- A real proxy, to which alone Harbor's name is known --------------------------------------------------------------


@pytest.fixture
def a_proxy() -> None:
    need("SOCKS server", "apt-get install microsocks util-linux", not socks.missing())
    need("root, for the server's own names", "run the tests as root", os.geteuid() == 0)


@pytest.mark.usefixtures("a_proxy")
@pytest.mark.parametrize(
    ("name", "scheme"),
    [("HTTPS_PROXY", "socks5"), ("https_proxy", "socks5h"), ("HTTPS_PROXY", "socks"), ("ALL_PROXY", "socks")],
)
def test_harbor_is_asked_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str) -> None:
    authority = Authority(tmp_path)
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=[HARBOR]))) as port,
        socks_server(tmp_path, HARBOR) as proxy,
    ):
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{proxy}/")
        http = Transport(10, ca_file=authority.ca_file)
        assert [http.request("GET", f"https://{HARBOR}:{port}/").status for _ in range(2)] == [200, 200]
        with pytest.raises(TlsFailed, match=f"certificate of {HARBOR}"):
            Transport(10).request("GET", f"https://{HARBOR}:{port}/")


@pytest.mark.usefixtures("a_proxy")
def test_one_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    with (
        raw_server(sends(OK), context_of(authority.server(hosts=[HARBOR]))) as port,
        socks_server(tmp_path, HARBOR, "-u", "user", "-P", "p:ä") as proxy,
    ):
        http = Transport(10, ca_file=authority.ca_file)
        monkeypatch.setenv("HTTPS_PROXY", f"socks5://user:p%3A%C3%A4@127.0.0.1:{proxy}")
        assert http.request("GET", f"https://{HARBOR}:{port}/").status == 200
        for user in ("", "user:hidden@"):
            monkeypatch.setenv("HTTPS_PROXY", f"socks5://{user}127.0.0.1:{proxy}")
            with pytest.raises(ProxyWantsPassword, match=f"USER:PASSWORD@127.0.0.1:{proxy}") as caught:
                http.request("GET", f"https://{HARBOR}:{port}/")
            assert "hidden" not in str(caught.value)


@pytest.mark.usefixtures("a_proxy")
@pytest.mark.parametrize("host", [HARBOR, "other.invalid"])
def test_what_it_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    closed = free_port()
    with socks_server(tmp_path, HARBOR) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"socks5://127.0.0.1:{proxy}")
        with pytest.raises(ProxyFailed, match=rf"through the proxy 127\.0\.0\.1:{proxy} \(") as caught:
            Transport(10).request("GET", f"https://{host}:{closed}/")
    assert caught.value.facts["reason"] in socks5.REPLIES.values()


def test_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ProxyFailed, match=r"the proxy 127\.0\.0\.1:1 \(connection refused\)"):
        Transport(10).request("GET", f"https://{HARBOR}/")


def test_it_is_imported_for_such_a_proxy_alone() -> None:
    code = (
        "import sys; from docker_credential_harbor.remote.web.transport import Transport\n"
        "try: Transport(5).request('GET', 'https://127.0.0.1:1/')\n"
        "except Exception as error: print(error)\n"
        "print('docker_credential_harbor.remote.web.socks5' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


# --- The protocol, byte by byte (RFC 1928, RFC 1929) ------------------------------------------------------------------

GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


@contextlib.contextmanager
def scripted(*replies: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Answers each message with the next reply and then closes; gives its URL and what it was sent."""
    got: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        for reply in replies:
            got.append(connection.recv(1024))
            connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1024)

    with accepting(serve) as port:
        yield f"127.0.0.1:{port}", got


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("harbor.example.com", b"\x03\x12harbor.example.com"),
        ("192.0.2.7", b"\x01\xc0\x00\x02\x07"),
        ("2001:db8::7", b"\x04\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x07"),
    ],
)
@pytest.mark.parametrize(
    "bound", [b"\x01\0\0\0\0\0\0", b"\x03\x05proxy\0\0", b"\x04" + b"\0" * 18], ids=["ipv4", "name", "ipv6"]
)
def test_what_is_sent_and_what_comes_after_the_reply(host: str, address: bytes, bound: bytes) -> None:
    with (
        scripted(b"\x05\x00", b"\x05\x00\x00" + bound + b"of the host") as (place, got),
        socks5.connect(f"socks5h://{place}", host, 443, 10) as connection,
    ):
        assert connection.recv(1024) == b"of the host"
    assert got == [b"\x05\x01\x00", b"\x05\x01\x00" + address + b"\x01\xbb"]


def test_user_name_and_password() -> None:
    with scripted(b"\x05\x02", b"\x01\x00", GRANTED) as (place, got):
        socks5.connect(f"socks5h://us%40er:pw@{place}", "192.0.2.7", 443, 10).close()
    assert got[:2] == [b"\x05\x02\x00\x02", b"\x01\x05us@er\x02pw"]


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ((b"\x05\xff",), "user name and password"),
        ((b"\x05\x02",), "user name and password"),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "it does not speak SOCKS 5"),
        ((b"\x04\x5b",), "it does not speak SOCKS 5"),
        ((b"",), "it closed the connection without an answer"),
        ((b"\x05\x00", b"\x05\x00\x00"), "it closed the connection without an answer"),
        ((b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"), "the connection from there was refused"),
        ((b"\x05\x00", b"\x05\x02\x00\x01\0\0\0\0\0\0"), "it does not allow the connection"),
        ((b"\x05\x00", b"\x05\x63\x00\x01\0\0\0\0\0\0"), "its reply was 99"),
    ],
)
def test_answers_that_lead_nowhere(replies: tuple[bytes, ...], words: str) -> None:
    with scripted(*replies) as (place, _), pytest.raises(ProxyError, match=words):
        socks5.connect(f"socks5h://{place}", "harbor.example.com", 443, 10)


def test_a_name_that_is_too_long() -> None:
    with scripted(b"\x05\x00") as (place, _), pytest.raises(ProxyError, match="longer than SOCKS knows"):
        socks5.connect(f"socks5h://{place}", f"{'a.' * 200}example.com", 443, 10)
