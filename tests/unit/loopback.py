"""Small real servers on loopback for the tests of the parties: one scripted by bytes, one by answers."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.lab.accepting import accepting

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


def sends(data: bytes) -> Callable[[socket.socket, bytes], None]:
    """For `raw_server`: these bytes, whatever was asked."""
    return lambda connection, _: connection.sendall(data)


@contextlib.contextmanager
def raw_server(serve: Callable[[socket.socket, bytes], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Hands every connection, with the request's head already read, to ``serve``; gives the port."""

    def after_head(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        serve(connection, head)
        connection.shutdown(socket.SHUT_RDWR)

    with accepting(after_head, tls) as port:
        yield port


def connect_proxy(target: list[int], seen: list[bytes]) -> Callable[[socket.socket, bytes], None]:
    """A proxy that knows CONNECT (RFC 9110 9.3.6) and leads every name to one port."""

    def serve(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        with socket.create_connection(("127.0.0.1", target[0])) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")

            def back() -> None:
                with contextlib.suppress(OSError):
                    while data := upstream.recv(65536):
                        connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            while data := connection.recv(65536):
                upstream.sendall(data)

    return serve


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str  # with its query
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


Reply = tuple[int, dict[str, str], Any]


@dataclass
class Answers:
    """Answers by path: a reply, or a function of the request that makes one. Anything else is 404."""

    url: str = ""
    replies: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = self.replies.get(urlsplit(asked.path).path, (404, {}, ""))
        return reply(asked) if callable(reply) else reply


@contextlib.contextmanager
def answers_server() -> Iterator[Answers]:
    """An HTTP server that gives its answers; bodies that are no text are written as JSON."""
    answers = Answers()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            status, headers, content = answers.answer(asked)
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET  # noqa: N815 - http.server's own names

        def log_message(self, *_: object) -> None:
            """Keeps the terminal for the tests."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    answers.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
