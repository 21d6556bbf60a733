"""One request that comes in at the loopback server: looked at, and answered.

What is not a request of ours in this person's browser gets a page that says so, and changes nothing.
"""

from __future__ import annotations

import http.client
import http.server
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote, urlsplit

from docker_credential_harbor.sign_in.loopback import pages, peer
from docker_credential_harbor.sign_in.loopback.awaited_callback import OUTCOME_PATH, REFUSALS, Refusal
from docker_credential_harbor.warm_get.server_url import is_loopback_host

if TYPE_CHECKING:
    from io import BufferedIOBase

    from docker_credential_harbor.sign_in.loopback.awaited_callback import Awaited, Callback
    from docker_credential_harbor.sign_in.loopback.connections import Connections

REQUEST_SECONDS = 10  # for a whole request to come in
REQUEST_BYTES = 2**18  # of a whole one: loopback servers of all ports share their cookies
ANSWER_SECONDS = 90  # for the waiting side to say what is answered: two requests to the provider at most
# By these a browser says that nobody looks at what it asks for, yet (Fetch; before it each browser had one of its own).
AHEAD_OF_TIME = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


class _Bounded:
    """A request's lines up to so many bytes in all; http.server bounds each one, and would keep 6 MB of a hundred."""

    def __init__(self, file: BufferedIOBase, size: int) -> None:
        self._file = file
        self._left = size

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("request")
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Server(Protocol):
    """What takes the connection in: what is awaited, and the connections that are open."""

    owner: Awaited
    connections: Connections


class BrowserRequest(http.server.BaseHTTPRequestHandler):
    server: Server  # type: ignore[assignment] # of which no more is used here
    timeout = REQUEST_SECONDS  # for each part of a request; the timer is for all of it

    def setup(self) -> None:
        super().setup()
        self.rfile = cast("Any", _Bounded(self.rfile, REQUEST_BYTES))
        self._timer = threading.Timer(REQUEST_SECONDS, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def finish(self) -> None:
        self._timer.cancel()
        super().finish()

    def do_GET(self) -> None:
        self._timer.cancel()
        owner = self.server.owner
        path, _, query = self.path.partition("?")
        if not self.server.connections.came_in(self.connection):
            self.close_connection = True
        elif not self._is_for_us(path):
            self._refuse(Refusal.OTHER_HOST)
        elif peer.is_strangers(self.connection):
            self._refuse(Refusal.OTHER_USER)
        elif owner.is_link(path):
            self._visit(path)
        elif path == owner.path:
            self._callback(owner.take(query))
        elif path == OUTCOME_PATH and (page := owner.outcome()) is not None:
            self._page(200, page)
            owner.outcome_was_sent()
        else:
            self._refuse(REFUSALS.get(path, Refusal.NO_SUCH_PAGE))

    def _is_for_us(self, path: str) -> bool:
        """The one-time address, which no page of another name can know, also by what a port forward calls us."""
        owner = self.server.owner
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and owner.is_link(path):
            with suppress(ValueError):
                return is_loopback_host(urlsplit(f"//{hosts[0]}").hostname)
        return hosts in [[host] for host in owner.hosts]

    def _visit(self, path: str) -> None:
        owner = self.server.owner
        if any(self.headers.get(name) for name in AHEAD_OF_TIME):
            self._refuse(Refusal.AHEAD_OF_TIME)
        elif url := owner.visit(path):
            self._redirect(url)
        else:
            try:
                self._page(410, pages.link_used(ended=owner.ended))
            finally:
                if owner.ended:
                    owner.opened_twice.set()

    def _callback(self, taken: Callback | Refusal) -> None:
        if isinstance(taken, Refusal):
            self._refuse(taken)
            return
        try:
            if taken.answered.wait(ANSWER_SECONDS):
                self._redirect(taken.location[0])
            else:
                self._refuse(Refusal.TOO_LONG)
        finally:
            taken.sent.set()

    def _only_get(self) -> None:
        self._refuse(Refusal.NO_GET)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _only_get  # noqa: N815 - http.server's names

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What http.server itself refuses: its own page would repeat the request."""
        self._page(code, pages.refused(Refusal.NOT_UNDERSTOOD.reason))

    def _refuse(self, refusal: Refusal) -> None:
        if self.command == "GET" and "?" in self.path:
            self._redirect(refusal.path)
        else:
            self._page(refusal.status, pages.refused(refusal.reason))

    def _redirect(self, url: str) -> None:
        self.send_response(302)
        self.send_header("Location", "".join(c if c.isascii() else quote(c) for c in url))
        self._end(b"")

    def _page(self, status: int, page: str) -> None:
        self.send_response(status)
        for name, value in pages.HEADERS.items():
            self.send_header(name, value)
        self._end(page.encode())

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True

    def _give_up(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    def version_string(self) -> str:
        return "docker-credential-harbor"

    def log_message(self, *_: object) -> None:
        """Requests hold the code: nothing of them is written anywhere."""
