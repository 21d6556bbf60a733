"""A listener at which a thread waits for connections, and how both end.

A thread that still waits in accept(2) after the listener is closed has nothing but its number, which the next one that
is opened gets: once the process was stopped for a moment (SIGCONT, a frozen machine), it would take that one's.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


class Accepting:
    """Hands every connection of a listener to ``serve``, each in a thread of its own, until `close`."""

    def __init__(
        self, listener: socket.socket, serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None
    ) -> None:
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._serve = serve
        self._tls = tls
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Nobody waits at the listener any more, and every connection is at its end."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            with connection:
                self._serve(connection)


@contextmanager
def accepting(serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """At a free loopback port, which it gives."""
    server = Accepting(socket.create_server(("127.0.0.1", 0)), serve, tls)
    try:
        yield server.port
    finally:
        server.close()
