"""The connections of a small server, so many at most: whoever comes and says nothing does not keep others out."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.sign_in.loopback import peer

if TYPE_CHECKING:
    from collections.abc import Iterable

PLACE_SECONDS = 1.0  # for one of those that are being answered to go; none but a callback takes as long


class Connections:
    """Where all places are taken, other users' connections go, and else the oldest one whose request is not whole.

    Where all are being answered, the next one waits for the first that is.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[socket.socket] = set()
        self._coming_in: dict[socket.socket, None] = {}  # oldest first
        self._changed = threading.Condition()

    def admit(self, connection: socket.socket) -> bool:
        """Whether there is a place for it."""
        with self._changed:
            if self._is_full() and self._coming_in:
                self._drop(peer.strangers(self._coming_in))
            if self._is_full():
                self._drop(list(self._coming_in)[:1])
            if not self._changed.wait_for(lambda: not self._is_full(), PLACE_SECONDS):
                return False
            self._open.add(connection)
            self._coming_in[connection] = None
            return True

    def came_in(self, connection: socket.socket) -> bool:
        """Its request is whole, so it stays until it is answered; False where it was dropped already."""
        with self._changed:
            self._coming_in.pop(connection, None)
            return connection in self._open

    def leave(self, connection: socket.socket) -> None:
        """It is at its end."""
        with self._changed:
            self._coming_in.pop(connection, None)
            self._open.discard(connection)
            self._changed.notify()

    def _is_full(self) -> bool:
        return len(self._open) >= self._most

    def _drop(self, connections: Iterable[socket.socket]) -> None:
        for connection in connections:
            del self._coming_in[connection]
            self._open.remove(connection)
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
