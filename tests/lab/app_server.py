"""Serves a WSGI application at a free loopback port; it can go down, and come up again at the same one."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class _Quiet(WSGIRequestHandler):
    # One request a connection, so that nothing is left open when the server goes down.
    protocol_version = "HTTP/1.0"

    def log(self, *_: Any) -> None:
        """Says nothing on standard error."""


class AppServer:
    """Running until `close`. `tls`: certificate and key files."""

    def __init__(self, app: WSGIApplication, tls: tuple[str, str] | None = None) -> None:
        self._app = app
        self._tls = tls
        self._placeholder: socket.socket | None = None
        self._server = self._serve(0)
        self.port = self._server.port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = self._start()

    def down(self) -> None:
        """Refuses connections from now on; the port stays ours: bound, but not listening."""
        if self._placeholder is None:
            self._stop()
            self._placeholder = socket.socket()
            self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._placeholder.bind(("127.0.0.1", self.port))

    def up(self) -> None:
        """Answers again on the same port."""
        if self._placeholder is not None:
            self._server = self._serve(self.port)
            self._placeholder.close()
            self._placeholder = None
            self._thread = self._start()

    def close(self) -> None:
        """Ends the server."""
        if self._placeholder is None:
            self._stop()
        else:
            self._placeholder.close()

    def _serve(self, port: int) -> BaseWSGIServer:
        return make_server("127.0.0.1", port, self._app, threaded=True, request_handler=_Quiet, ssl_context=self._tls)

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        return thread

    def _stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
