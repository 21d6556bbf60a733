"""Addresses are tried side by side; those that drop packets are in tests/flows/test_networks.py."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.remote.web.connecting import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "harbor.example.com"
V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, str]) -> None:
    """What the resolver gives for every name."""

    def look_up(_: str, port: int, **__: object) -> list[object]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "before",
    [[], ["127.0.0.2"], ["127.0.0.2", "127.0.0.3", "127.0.0.4"], ["255.255.255.255"]],
    ids=["one", "refused", "all refused", "not allowed"],
)
def test_the_first_that_answers(monkeypatch: pytest.MonkeyPatch, listener: socket.socket, before: list[str]) -> None:
    resolve(monkeypatch, *((V4, address) for address in [*before, "127.0.0.1"]))
    with connect(NAME, listener.getsockname()[1], 10) as connection:
        assert connection.getpeername() == listener.getsockname()
        assert connection.gettimeout() == 10


def test_the_families_take_turns(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    tried: list[str] = []
    really = socket.socket.connect_ex

    def connect_ex(self: socket.socket, place: tuple[str, int]) -> int:
        tried.append(place[0])
        return errno.ENETUNREACH if place[0] != "127.0.0.1" else really(self, place)

    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex, raising=False)
    resolve(monkeypatch, (V6, "2001:db8::1"), (V6, "2001:db8::2"), (V6, "2001:db8::3"), (V4, "127.0.0.1"))
    connect(NAME, listener.getsockname()[1], 10).close()
    assert tried == ["2001:db8::1", "127.0.0.1"]


def test_what_the_last_one_said(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    resolve(monkeypatch, (V4, "255.255.255.255"), (V4, "127.0.0.2"))
    with pytest.raises(ConnectionRefusedError):
        connect(NAME, listener.getsockname()[1], 10)


def test_no_address_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch)
    with pytest.raises(OSError, match="address"):
        connect(NAME, 443, 10)


def test_one_that_hangs(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    """A queue that is full: packets to it vanish."""
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(listener.getsockname())
    resolve(monkeypatch, (V4, "127.0.0.1"))
    with pytest.raises(TimeoutError):
        connect(NAME, listener.getsockname()[1], 0.3)
    for each in waiting:
        each.close()


def test_options_are_set(listener: socket.socket) -> None:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    with connect("127.0.0.1", listener.getsockname()[1], 10, options) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("name", ["a..example.com", f"{'a' * 64}.example.com"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(socket.gaierror):
        connect(name, 443, 10)
