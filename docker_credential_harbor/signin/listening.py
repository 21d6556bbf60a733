"""Where the loopback server listens, and how many connections it has at once."""

from __future__ import annotations

import socket
import socketserver
import sys
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.errors import PortBusy
from docker_credential_harbor.signin.browser_request import BrowserRequest
from docker_credential_harbor.signin.connections import Connections

if TYPE_CHECKING:
    from docker_credential_harbor.signin.loopback import CallbackServer

MOST_CONNECTIONS = 32


def listen(host: str, port: int | None) -> Server:
    try:
        return Server(("127.0.0.1" if host == "localhost" else host, port or 0))
    except OSError as error:
        raise PortBusy(port=port or "any") from error


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Not http.server's own, which looks its name up in the DNS."""

    daemon_threads = True
    block_on_close = False
    # On Windows it would let two programs listen at once.
    allow_reuse_address = sys.platform != "win32"
    request_queue_size = socket.SOMAXCONN
    owner: CallbackServer

    def __init__(self, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.connections = Connections(MOST_CONNECTIONS)
        super().__init__(address, BrowserRequest)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.connections.admit(request):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread is to be had
            self.connections.leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.leave(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Browsers that go away; http.server would print a traceback."""
