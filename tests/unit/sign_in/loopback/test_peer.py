"""Whose the other end of a loopback connection is: the kernel's tables, and connections of this and of another user."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.sign_in.loopback import peer
from tests.lab import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {} {} 01 00000000:00000000 00:00000000 00000000  {}        0 {} 1 0000000000000000 20 4 30 10 -1\n"
WHOLE_MAP = "         0          0 4294967295\n"
CONTAINER_MAP = "         0       1000          1\n         1     100000      65536\n"


def test_what_stands_in_a_table() -> None:
    ours, theirs = "0100007F:1F90", "0100007F:C350"
    table = HEAD + ROW.format(theirs, ours, 1000, 4711) + ROW.format(ours, theirs, 0, 4712) + "odd line\n"
    assert peer.user_in(table, theirs, ours) == 1000
    assert peer.user_in(table, ours, theirs) == 0
    assert peer.user_in(table, ours, ours) is None
    assert peer.user_in(HEAD + ROW.format(theirs, ours, 0, 0), theirs, ours) == peer.NOBODY
    assert peer.user_in(f"   0: {theirs} {ours} 01\n", theirs, ours) is None
    assert peer.user_in("", theirs, ours) is None


@pytest.mark.skipif(sys.byteorder != "little", reason="the words are this machine's")
def test_addresses_as_the_kernel_writes_them() -> None:
    assert peer.as_written("127.0.0.1", 8080) == ["0100007F:1F90", "0000000000000000FFFF00000100007F:1F90"]
    assert peer.as_written("::1", 80) == ["00000000000000000000000001000000:0050"]


def test_who_is_no_stranger() -> None:
    def welcome(uid: int, environ: dict[str, str], login: int = peer.NO_LOGIN, uid_map: str = WHOLE_MAP) -> set[int]:
        return peer.welcome({uid}, environ, login, uid_map, 65534)

    assert welcome(1000, {}) == {0, 1000}
    assert welcome(1000, {"SUDO_UID": "1001"}, 1002) == {0, 1000, 1001, 1002}
    assert welcome(0, {"SUDO_UID": "1001"}, 1002) == {0, 1001, 1002}
    assert welcome(0, {"SUDO_UID": "x"}) == {0}
    assert welcome(1000, {}, uid_map=CONTAINER_MAP) == {0, 1000, 65534}


@contextlib.contextmanager
def listening(address: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listener = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with listener:
        yield listener


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_user_is_no_stranger(address: str) -> None:
    with listening(address) as listener, socket.create_connection(listener.getsockname()[:2]):
        connection, _ = listener.accept()
        with connection:
            assert peer._owner(peer._tables.fresh(), connection) == os.getuid()  # noqa: SLF001
            assert not peer.is_strangers(connection)
            assert peer.strangers([connection]) == []


def test_a_socket_of_both_families_too() -> None:
    with listening() as listener, socket.socket(socket.AF_INET6) as client:
        try:
            client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        except OSError:
            pytest.skip("this machine has no IPv6")
        connection, _ = listener.accept()
        with connection:
            assert peer._owner(peer._tables.fresh(), connection) == os.getuid()  # noqa: SLF001


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_whoever_has_gone_is_a_stranger(reset: bool) -> None:
    """They need no answer, and the table would call them root, or nothing at all."""
    with listening() as listener:
        client = socket.create_connection(listener.getsockname())
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100), "what they said has come in all the same"
            assert peer.is_strangers(connection)


def test_where_nothing_is_told_nobody_is_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "TABLES", ("/nonexistent",))
    with listening() as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert not peer.is_strangers(connection)
            assert connection.gettimeout() is None


def test_a_crowd_costs_few_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    all_have_come = threading.Barrier(30)

    def text(path: str) -> str:
        time.sleep(0.02)
        read.append(path)
        return ""

    def come() -> None:
        all_have_come.wait(30)
        tables.fresh()

    monkeypatch.setattr(peer, "_text", text)
    tables = peer._Tables()  # noqa: SLF001
    crowd = [threading.Thread(target=come) for _ in range(30)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(30)
    assert 0 < len(read) <= 10 * len(peer.TABLES)


def test_whoever_comes_during_a_reading_gets_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of their connection may not stand in the one that has begun."""
    began, may_end = threading.Event(), threading.Event()
    readings = iter(["first", "second"])

    def text(_: str) -> str:
        reading = next(readings)
        began.set()
        may_end.wait(30)
        return reading

    monkeypatch.setattr(peer, "TABLES", ("one",))
    monkeypatch.setattr(peer, "_text", text)
    tables, got = peer._Tables(), list[str]()  # noqa: SLF001
    first = threading.Thread(target=tables.fresh)
    first.start()
    assert began.wait(30)
    threading.Timer(0.1, may_end.set).start()
    got.append(tables.fresh())
    first.join(30)
    assert got == ["second"]


STAY = "import socket, sys; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); sys.stdin.read()"


def test_another_user_is_one() -> None:
    command = ordinary_user.command()
    with listening() as listener:
        address = [str(part) for part in listener.getsockname()]
        stranger = subprocess.Popen([*command, sys.executable, "-c", STAY, *address], stdin=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection:
            assert peer.is_strangers(connection)
            assert peer.strangers([connection]) == [connection]
        stranger.communicate(timeout=30)
