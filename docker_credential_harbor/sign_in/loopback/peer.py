"""Whose program is at the other end of a loopback connection, as far as Linux tells.

Both ends of it stand in one network's tables, so an end that is not there has been closed, or it is none of this
kernel's (Windows around a WSL). Source: proc(5), user_namespaces(7).
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
UID, INODE, COLUMNS = 4, 6, 7  # behind the two addresses
NOBODY = -1  # whose socket is closed: the table then says 0, as if it had been root's
NO_LOGIN = 2**32 - 1  # /proc/self/loginuid where nobody has logged in
ALL_USERS = ["0", "0", str(2**32 - 1)]  # /proc/self/uid_map outside of user namespaces
READINGS = 2  # a table is not read at one moment, and a line that has moved meanwhile may be missed
CLOSING_SECONDS = 0.1  # in which an end that has just been closed shows at ours


def is_strangers(connection: socket.socket) -> bool:
    """Whether another user's program has the other end, or nobody any more: a browser waits for its answer.

    False where the system does not tell. To be called once the request has been read.
    """
    for _ in range(READINGS if sys.platform == "linux" else 0):
        uid = _owner(_tables.fresh(), connection)
        if uid is not None:
            return uid not in _not_strangers()
        if not _is_open(connection):
            return True
    return False


def strangers(connections: Iterable[socket.socket]) -> list[socket.socket]:
    """Those whose other end is another user's, or nobody's."""
    tables, welcome = _tables.fresh(), _not_strangers()
    owners = {connection: _owner(tables, connection) for connection in connections}
    return [connection for connection, uid in owners.items() if uid is not None and uid not in welcome]


def user_in(tables: str, own: str, other: str) -> int | None:
    """Of the connected socket with these ends; None where it is not there. Thousands of lines are not taken apart."""
    _, found, rest = tables.partition(f" {own} {other} ")
    columns = rest.partition("\n")[0].split()
    if not found or len(columns) < COLUMNS:
        return None
    return int(columns[UID]) if int(columns[INODE]) else NOBODY


def as_written(address: str, port: int) -> list[str]:
    """An address as the kernel writes it: words of 32 bits in its own order. One of IPv4 may be a socket of IPv6."""
    packed = ipaddress.ip_address(address).packed
    forms = [packed] if len(packed) == 16 else [packed, b"\0" * 10 + b"\xff\xff" + packed]
    return [f"{''.join(_words(form))}:{port:04X}" for form in forms]


def welcome(own: set[int], environ: Mapping[str, str], login: int, uid_map: str, unknown: int) -> set[int]:
    """Users who are no strangers.

    Root, who can do anything: port forwards are often root's. The person who runs this as another user (``login``,
    sudo), whose browser it is. In a user namespace the number that stands for all who are not in it: it tells nobody.
    """
    found = {0, *own} | {int(uid) for uid in (environ.get("SUDO_UID", ""), str(login)) if uid.isdecimal()} - {NO_LOGIN}
    return found if uid_map.split() == ALL_USERS else found | {unknown}


def _words(packed: bytes) -> Iterable[str]:
    return (f"{int.from_bytes(packed[at : at + 4], sys.byteorder):08X}" for at in range(0, len(packed), 4))


class _Tables:
    """Read once for all threads that asked before it began, so that strangers who come in crowds cost one reading."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = 0
        self._read: tuple[int, str] = (0, "")

    def fresh(self) -> str:
        """What the tables say from now on; empty where this system has none."""
        wanted = self._begun + 1
        with self._lock:
            if self._read[0] < wanted:
                self._begun += 1
                self._read = (self._begun, "".join(map(_text, TABLES)))
            return self._read[1]


_tables = _Tables()


def _owner(tables: str, connection: socket.socket) -> int | None:
    """The user of the other end, whose own address is our other one; None where it is not in the tables."""
    try:
        ours, theirs = as_written(*connection.getsockname()[:2]), as_written(*connection.getpeername()[:2])
    except OSError:  # it is closed at our end
        return NOBODY
    users = (user_in(tables, own, other) for own, other in zip(theirs, ours, strict=True))
    return next((uid for uid in users if uid is not None), None)


def _is_open(connection: socket.socket) -> bool:
    """Whether the other end still waits: it neither closes nor sends anything after its one request."""
    before = connection.gettimeout()
    connection.settimeout(CLOSING_SECONDS)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(before)
    return False


@functools.cache
def _not_strangers() -> set[int]:
    if sys.platform == "win32":
        return set()
    login = _text("/proc/self/loginuid").strip()
    return welcome(
        {os.getuid(), os.geteuid()},
        os.environ,
        int(login) if login.isdecimal() else NO_LOGIN,
        _text("/proc/self/uid_map"),
        int(_text("/proc/sys/kernel/overflowuid").strip() or 65534),
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
