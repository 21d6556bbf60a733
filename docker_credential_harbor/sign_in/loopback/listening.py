"""Where the loopback server listens, and how many connections it has at once."""

from __future__ import annotations

import errno
import socket
import socketserver
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.errors import PortBusy
from docker_credential_harbor.sign_in.loopback.browser_request import BrowserRequest
from docker_credential_harbor.sign_in.loopback.connections import Connections

if TYPE_CHECKING:
    from docker_credential_harbor.sign_in.loopback.awaited_callback import Awaited

MOST_CONNECTIONS = 32
POLL_SECONDS = 0.05  # in which a server ends
LOCALHOST = ("127.0.0.1", "::1")  # either may be what a browser takes the name for (RFC 6761 6.3)
NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # where there is no IPv6
PORTS_TRIED = 20  # one that is free at the first address may be taken at the second


def listen(host: str, port: int | None) -> list[Server]:
    """On each address that the host may stand for: else another user of the machine could wait there. Raises PortBusy.

    ``port`` None: any one that is free.
    """
    for left in reversed(range(1 if port else PORTS_TRIED)):
        try:
            return _on_one_port(LOCALHOST if host == "localhost" else (host,), port or 0)
        except OSError as error:
            if not left:
                where = f"{in_url(host)}:{port}" if port else f"any port of {in_url(host)}"
                raise PortBusy(where=where, reason=(error.strerror or "unknown").lower()) from error
    raise AssertionError


def in_url(host: str) -> str:
    """RFC 3986 3.2.2."""
    return f"[{host}]" if ":" in host else host


def _on_one_port(addresses: tuple[str, ...], port: int) -> list[Server]:
    """0: any one that is free at the first of them, which there must be. Raises OSError."""
    servers: list[Server] = []
    connections = Connections(MOST_CONNECTIONS)
    with ExitStack() as stack:
        for address in addresses:
            try:
                servers.append(stack.enter_context(Server((address, port), connections)))
            except OSError as error:
                if not servers or error.errno not in NO_SUCH_ADDRESS:
                    raise
            port = int(servers[0].server_address[1])
        stack.pop_all()
    return servers


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Not http.server's own, which looks its name up in the DNS."""

    daemon_threads = True
    block_on_close = False
    # On Windows it would let two programs listen at once.
    allow_reuse_address = sys.platform != "win32"
    request_queue_size = socket.SOMAXCONN
    owner: Awaited

    def __init__(self, address: tuple[str, int], connections: Connections) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.connections = connections
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
