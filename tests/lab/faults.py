"""A proxy in front of any HTTP server that goes wrong where a test says so, by the beginning of the path.

The Host header is kept, so Keycloak takes the proxy's address for its own: use `realm.through(proxy.url)`; Harbor has
to be told: `harbor.external_url = proxy.url`.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from types import TracebackType

from tests.lab.web import Exchange, WebServer, ask

Fault = Callable[[Exchange, "FaultProxy"], None]
DRIP_SECONDS = 0.2
HUGE_BYTES = 1 << 30


def refuse(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """The connection is reset without an answer. (Refused before it is made: `FaultProxy.down`.)"""
    exchange.drop(reset=True)


def hang(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """Never an answer, until the proxy is closed."""
    exchange.server.hang()
    exchange.drop()


def status(code: int, body: bytes = b"", retry_after: str = "") -> Fault:
    """That status instead of an answer: 503, 429 and so on."""

    def fault(exchange: Exchange, _proxy: "FaultProxy") -> None:
        kind = ("Content-Type", "text/html")
        exchange.answer(code, body, [kind, ("Retry-After", retry_after)] if retry_after else [kind])

    return fault


def drip_header(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """A good beginning, then a header that goes on for ever, five bytes a second."""
    exchange.write_raw(b"HTTP/1.1 200 OK\r\nX-Filler: ")
    while not exchange.server.closing.wait(DRIP_SECONDS):
        exchange.write_raw(b"x")
    exchange.drop()


def circle(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """A redirect to the very same address."""
    exchange.redirect(exchange.target)


def redirect_to(origin: str) -> Fault:
    """The same path, but at another host: nothing secret may follow it there."""

    def fault(exchange: Exchange, _proxy: "FaultProxy") -> None:
        exchange.redirect(origin + exchange.target)

    return fault


def send_on_to(url: str) -> Fault:
    """A redirect to that page, whatever is asked for."""

    def fault(exchange: Exchange, _proxy: "FaultProxy") -> None:
        exchange.redirect(url)

    return fault


def after(count: int, fault: Fault) -> Fault:
    """The true answer so many times, and then the fault."""
    left = count

    def later(exchange: Exchange, proxy: "FaultProxy") -> None:
        nonlocal left
        left -= 1
        if left < 0:
            fault(exchange, proxy)
            return
        code, headers, body = proxy.true_answer(exchange)
        exchange.answer(code, body, headers)

    return later


def with_members(**members: object) -> Fault:
    """The true answer, with other members in its JSON; None takes one out."""

    def fault(exchange: Exchange, proxy: "FaultProxy") -> None:
        code, headers, body = proxy.true_answer(exchange)
        value = {**json.loads(body), **members}
        kept = {name: member for name, member in value.items() if member is not None}
        exchange.answer(code, json.dumps(kept).encode(), headers)

    return fault


def with_long_headers(most: int, fault: Fault) -> Fault:
    """The fault where one header has more characters than that, else the true answer: a front with small buffers."""

    def front(exchange: Exchange, proxy: "FaultProxy") -> None:
        if any(len(value) > most for value in exchange.headers.values()):
            fault(exchange, proxy)
            return
        code, headers, body = proxy.true_answer(exchange)
        exchange.answer(code, body, headers)

    return front


def garbage(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """200 and JSON by its header, but not by its bytes."""
    exchange.answer(200, b"{\xff\xfe\x00 this is not", [("Content-Type", "application/json")])


def not_http(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """Bytes that are not HTTP at all."""
    exchange.write_raw(b"\x15\x03\x01\x00\x02\x02\x46 SSH-2.0-nonsense\r\n\r\n")
    exchange.drop()


def cut_short(exchange: Exchange, proxy: "FaultProxy") -> None:
    """The true answer, ended in the middle."""
    code, headers, body = proxy.true_answer(exchange)
    length = ("Content-Length", str(max(len(body), 2)))
    exchange.stream(code, [*headers, length], [body[: len(body) // 2]])
    exchange.drop()


def drip(exchange: Exchange, proxy: "FaultProxy") -> None:
    """The true answer, five bytes a second."""
    code, headers, body = proxy.true_answer(exchange)

    def blocks() -> Iterator[bytes]:
        for at in range(len(body)):
            if exchange.server.closing.wait(DRIP_SECONDS):
                return
            yield body[at : at + 1]

    exchange.stream(code, [*headers, ("Content-Length", str(len(body)))], blocks())


def huge(exchange: Exchange, _proxy: "FaultProxy") -> None:
    """A JSON text that goes on for a gigabyte."""
    block = b" " * 65536

    def blocks() -> Iterator[bytes]:
        yield b'{"filler": "'
        for _ in range(HUGE_BYTES // len(block)):
            yield block

    exchange.stream(200, [("Content-Type", "application/json")], blocks())


class FaultProxy:
    """A running proxy. What no rule names is passed on as it is; the longest beginning that fits wins."""

    def __init__(self, upstream: str, tls: tuple[str, str] | None = None) -> None:
        self._upstream = upstream
        self._rules: dict[str, tuple[Fault, int | None]] = {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the system's authorities take long to read
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self.seen: list[str] = []
        self._web = WebServer(self._respond, tls)
        self.url = self._web.url
        # As an ingress does, so that who stands behind writes https into its own addresses.
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": self.url.removeprefix("https://")}
        self._replaced: dict[str, str | None] = {**forwarded} if tls else {}

    @classmethod
    def start(cls, upstream_url: str, tls: tuple[str, str] | None = None) -> "FaultProxy":
        """In front of the server at `upstream_url`; with a certificate and key file it speaks TLS itself."""
        return cls(upstream_url, tls)

    def set(self, path_prefix: str, fault: Fault, times: int | None = None) -> None:
        """From now on, or for so many requests, whatever begins with `path_prefix` goes wrong like this."""
        self._rules[path_prefix] = (fault, times)

    def clear(self) -> None:
        """Everything is passed on again, and connections are taken again."""
        self._rules.clear()
        self._web.up()

    def down(self) -> None:
        """Connections are refused, as where no server runs; `clear` ends that."""
        self._web.down()

    def close(self) -> None:
        """Ends the proxy and what hangs in it."""
        self._web.close()

    def __enter__(self) -> "FaultProxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def true_answer(self, exchange: Exchange) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the server behind answers: status, headers without the length, body."""
        connection, answer = ask(exchange, self._upstream, self._replaced, context=self._context)
        try:
            headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
            return answer.status, headers, b"".join(answer.blocks())
        finally:
            connection.close()

    def _respond(self, exchange: Exchange) -> None:
        self.seen.append(f"{exchange.method} {exchange.target}")
        fault = self._fault_for(exchange.path)
        if fault is not None:
            fault(exchange, self)
            return
        connection, answer = ask(exchange, self._upstream, self._replaced, context=self._context)
        try:
            exchange.stream(answer.status, answer.headers, answer.blocks())
        finally:
            connection.close()

    def _fault_for(self, path: str) -> Fault | None:
        for prefix in sorted(self._rules, key=len, reverse=True):
            if path.startswith(prefix):
                fault, times = self._rules[prefix]
                if times is not None:
                    self._rules[prefix] = (fault, times - 1)
                    if times <= 1:
                        del self._rules[prefix]
                return fault
        return None
