"""A small threaded HTTP/1.1 server and a streaming forwarder, on which the stand-in, the faults and the demo stand.

Source: RFC 9112 as far as `http.server` leaves it to us (chunked bodies, connections that stay open). No framework,
because recorded answers must come out header by header and image layers must stream through.
"""

import contextlib
import http.client
import http.server
import json
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.lab.certificates import context_of

Headers = Sequence[tuple[str, str]]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BLOCK = 65536
# What belongs to one connection and is not passed on (RFC 9110 7.6.1); Expect was answered by http.server already.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"}


class Exchange:
    """One request and the answer to it; exactly one of `answer`, `stream` and `drop` ends it."""

    def __init__(self, handler: "_Handler") -> None:
        self._handler = handler
        self.method = handler.command
        self.target = handler.path
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)
        self.headers = handler.headers
        self.server = handler.web
        self.status: int | None = None
        self.extra_headers: list[tuple[str, str]] = []
        # Set by a server that has looked at a Basic pair and vouches for it to the registry behind.
        self.registry_token = ""
        self._chunks = self._read_chunks()
        self._body: bytes | None = None

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; empty when there is none."""
        return self.query.get(name, [""])[0]

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that came along."""
        try:
            return {name: morsel.value for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()}
        except CookieError:
            return {}

    @property
    def has_body(self) -> bool:
        """Whether a body was announced, even an empty one."""
        return "Transfer-Encoding" in self.headers or "Content-Length" in self.headers

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives; only once."""
        return self._chunks

    def body(self) -> bytes:
        """The whole body."""
        if self._body is None:
            self._body = b"".join(self._chunks)
        return self._body

    def json_body(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            parsed = json.loads(self.body() or b"{}")
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def form_body(self) -> dict[str, str]:
        """The body as form fields, the first value of each."""
        return {name: values[0] for name, values in parse_qs(self.body().decode("utf-8", "replace")).items()}

    def answer(self, status: int, body: bytes = b"", headers: Headers = ()) -> None:
        """Answers with a whole body."""
        self.body()  # what is not read would be taken for the next request
        length = [] if status in (204, 304) else [("Content-Length", str(len(body)))]
        self.stream(status, [*headers, *length], [body])

    def answer_json(self, status: int, value: object, headers: Headers = ()) -> None:
        """Answers with JSON; the content type is Harbor's usual one unless `headers` name another."""
        named = any(name.lower() == "content-type" for name, _ in headers)
        kind = [] if named else [("Content-Type", "application/json; charset=utf-8")]
        self.answer(status, json.dumps(value).encode() + b"\n", [*kind, *headers])

    def answer_html(self, status: int, page: str, headers: Headers = ()) -> None:
        """Answers with a page."""
        self.answer(status, page.encode(), [("Content-Type", "text/html; charset=utf-8"), *headers])

    def redirect(self, location: str, headers: Headers = (), body: bytes = b"") -> None:
        """Answers 302."""
        self.answer(302, body, [*headers, ("Location", location)])

    def stream(self, status: int, headers: Headers, blocks: Iterable[bytes]) -> None:
        """Answers block by block: in chunks unless `headers` have the length."""
        self.status = status
        handler = self._handler
        handler.send_response_only(status)
        headers = [*self.extra_headers, *headers]
        for name, value in headers:
            handler.send_header(name, value)
        if not any(name.lower() == "date" for name, _ in headers):  # as every server with a clock (RFC 9110 6.6.1)
            handler.send_header("Date", handler.date_time_string(handler.web.clock()))
        bare = self.method == "HEAD" or status in (204, 304)
        chunked = not bare and not any(name.lower() == "content-length" for name, _ in headers)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.flush()
        for block in () if bare else blocks:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked and block else block)
            handler.wfile.flush()
        if chunked:
            handler.wfile.write(b"0\r\n\r\n")
        handler.wfile.flush()

    def write_raw(self, data: bytes) -> None:
        """Writes bytes that need not be HTTP."""
        self._handler.wfile.write(data)
        self._handler.wfile.flush()

    def drop(self, reset: bool = False) -> None:
        """Closes the connection without (more of) an answer; with `reset` as a machine does that refuses it."""
        self._handler.close_connection = True
        if reset:
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            self._handler.connection.shutdown(socket.SHUT_RDWR)

    def _read_chunks(self) -> Iterator[bytes]:
        source = self._handler.rfile
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(source.readline().split(b";")[0], 16):
                yield _exactly(source.read(size), size)
                source.readline()
            while source.readline().strip():
                pass  # trailers
        else:
            left = int(self.headers.get("Content-Length", 0))
            while left:
                size = min(left, BLOCK)
                yield _exactly(source.read(size), size)
                left -= size


def _exactly(block: bytes, size: int) -> bytes:
    if len(block) != size:
        raise ConnectionError("the request ended early")
    return block


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = BLOCK
    disable_nagle_algorithm = True
    web: "WebServer"

    def respond(self) -> None:
        exchange = Exchange(self)
        try:
            self.web.respond(exchange)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Keeps the terminal for the tests."""


for _method in METHODS:
    setattr(_Handler, f"do_{_method}", _Handler.respond)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    connections: set[socket.socket]

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are everyday life here; faults of the lab itself are shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class WebServer:
    """Serves `respond` on a free loopback port, a thread a connection, until `close()`."""

    def __init__(
        self,
        respond: Callable[[Exchange], None],
        tls: tuple[str, str] | None = None,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.respond = respond
        self.host = host
        self.clock = clock
        self.closing = threading.Event()
        self._tls = tls
        self._placeholder: socket.socket | None = None
        self.port = 0
        self._listen()
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"

    def hang(self) -> None:
        """Waits, as a server does that never answers, until the server is closed."""
        self.closing.wait()

    def close(self) -> None:
        """Ends the server and every connection, those that hang too."""
        self.closing.set()
        if self._placeholder is None:
            self._end_server()
        else:
            self._placeholder.close()

    def down(self) -> None:
        """Refuses connections from now on and ends those there are; the port stays ours: bound, but not listening."""
        self._end_server()
        self._placeholder = socket.socket()
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._placeholder.bind((self.host, self.port))

    def up(self) -> None:
        """Answers again on the same port."""
        if self._placeholder is not None:
            self._listen()
            self._placeholder.close()
            self._placeholder = None

    def _listen(self) -> None:
        handler = type("Handler", (_Handler,), {"web": self})
        self._server = _Server((self.host, self.port), handler)
        self._server.connections = set()
        if self._tls:
            # The handshake happens in the connection's own thread, so a silent client holds up nobody.
            self._server.socket = context_of(self._tls).wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _end_server(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Answer:
    """What an upstream server answered; `blocks` come as they arrive."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]

    def blocks(self) -> Iterator[bytes]:
        """The body."""
        while block := self._response.read1(BLOCK):
            yield block


def ask(
    exchange: Exchange,
    upstream: str,
    replaced: dict[str, str | None] | None = None,
    context: ssl.SSLContext | None = None,
) -> tuple[http.client.HTTPConnection, Answer]:
    """Passes the request on, Host kept, its body streamed. `replaced` headers are set, or left out where None.

    The caller closes the connection. Raises OSError when the upstream server is not there.
    """
    parts = urlsplit(upstream)
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(parts.netloc, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc)
    connection.putrequest(exchange.method, exchange.target, skip_host=True, skip_accept_encoding=True)
    changes = {name.lower(): value for name, value in (replaced or {}).items()}
    kept = [pair for pair in exchange.headers.items() if pair[0].lower() not in HOP_BY_HOP | changes.keys()]
    for name, value in [*kept, *((name, value) for name, value in changes.items() if value is not None)]:
        connection.putheader(name, value)
    chunked = "Transfer-Encoding" in exchange.headers
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for block in exchange.chunks():
        connection.send(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
    if chunked:
        connection.send(b"0\r\n\r\n")
    return connection, Answer(connection.getresponse())


def forward(exchange: Exchange, upstream: str, replaced: dict[str, str | None] | None = None) -> None:
    """Passes a request on and its answer back."""
    connection, answer = ask(exchange, upstream, replaced)
    try:
        exchange.stream(answer.status, answer.headers, answer.blocks())
    finally:
        connection.close()
