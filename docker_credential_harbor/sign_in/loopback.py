"""The loopback server that the browser starts from and comes back to (RFC 8252 7.3, 8.3).

It starts from a one-time address, since command lines can be read by others: who saw it is too late, or ends the
sign-in. Back comes one callback, the right one, taken once, and whoever waits for it gives the answer to the browser,
too. Everything else that comes in (other pages of the machine's browsers, other users' programs, another state) is
refused and does not end the wait.
"""

from __future__ import annotations

import hmac
import queue
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from docker_credential_harbor.errors import ConfigurationInvalid, ProcessLimit
from docker_credential_harbor.sign_in import listening, pages
from docker_credential_harbor.sign_in.browser_request import OUTCOME_PATH, Refusal
from docker_credential_harbor.warm_get.server_url import is_loopback_host

if TYPE_CHECKING:
    from types import TracebackType

LAST_ANSWER_SECONDS = 3  # for the browser to fetch its last answer, before the server closes
LINK_BYTES = 16


@dataclass(frozen=True)
class Expected:
    """The callback that is waited for: RFC 6749 4.1.2 (state) and RFC 9207 (iss)."""

    state: str = field(repr=False)
    issuer: str
    iss_required: bool


@dataclass(frozen=True)
class Callback:
    """The provider's answer as the browser brought it; the browser waits for ``redirect`` or ``show``."""

    parameters: dict[str, str] = field(repr=False)
    server: CallbackServer = field(repr=False)
    answered: threading.Event = field(default_factory=threading.Event, repr=False)
    sent: threading.Event = field(default_factory=threading.Event, repr=False)
    location: list[str] = field(default_factory=list, repr=False)

    def redirect(self, url: str) -> None:
        """Send the browser on."""
        self.location.append(url)
        self.answered.set()

    def show(self, page: str) -> None:
        """Show a page, under an address without code and state: those of pages stay in the browser's history."""
        self.server.promise(page)
        self.redirect(OUTCOME_PATH)


class CallbackServer:
    """Listens from the start to the end of a ``with``; the last answers are sent before it closes.

    ``redirect_uri`` is the configured one: its port, if it names one, else any free one. Raises PortBusy.
    """

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or not is_loopback_host(parts.hostname):
            raise ConfigurationInvalid(place="redirect_uri", reason="it must be an http:// loopback address")
        host = parts.hostname or ""
        self._servers = listening.listen(host, parts.port)
        address, port = self._servers[0].server_address[:2]
        name = listening.in_url(host)
        self.redirect_uri = urlunsplit((parts.scheme, f"{name}:{port}", parts.path, parts.query, ""))
        self.path = parts.path or "/"
        self._links: dict[str, str | None] = {}  # the one-time addresses' paths, and where they lead: once
        self._origin = f"{parts.scheme}://{listening.in_url(str(address))}:{port}"
        # Against other names that lead to this machine (DNS rebinding).
        self.hosts = {f"{name}:{port}"} | ({name} if port == 80 else set())
        for server in self._servers:
            server.owner = self
        self._expected: Expected | None = None
        self._taken: list[Callback] = []
        self._callbacks: queue.SimpleQueue[Callback] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._page: str | None = None
        self._page_sent = threading.Event()
        self._ended = False
        self.opened_twice = threading.Event()

    def one_time_address(self, url: str) -> str:
        """An address that nobody can guess, and that leads to ``url`` once; the second visit ends the wait."""
        path = f"/{secrets.token_urlsafe(LINK_BYTES)}"
        with self._lock:
            self._links[path] = url
        return self._origin + path

    def is_link(self, path: str) -> bool:
        """Whether it is a one-time address's, visited or not."""
        return path in self._links

    def visit(self, path: str) -> str | None:
        """Where the one-time address leads, the first time. None: it ends the wait, as the caller then tells."""
        with self._lock:
            url, self._links[path] = self._links[path], None
            if url is None and self._expected is not None:
                self._expected = None
                self._ended = True
            return url

    @property
    def ended(self) -> bool:
        """Whether a second visit has ended the wait; one that comes after the callback does not."""
        return self._ended

    def expect(self, expected: Expected) -> None:
        """Take the next callback that is this one."""
        with self._lock:
            self._expected = expected

    def next_callback(self, timeout_seconds: float) -> Callback | None:
        """The callback; None when it did not come in time."""
        try:
            return self._callbacks.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def promise(self, page: str) -> None:
        """The page for the browser to fetch before the server closes."""
        self._page = page

    def take(self, query: str) -> Callback | Refusal:
        """The callback if it is the expected one, which from then on is no more; else why it is refused."""
        pairs = parse_qsl(query, keep_blank_values=True)
        parameters = dict(pairs)
        if len(parameters) != len(pairs):
            return Refusal.TWICE
        with self._lock:
            expected = self._expected
            given = parameters.get("state", "")
            if expected is None or not hmac.compare_digest(given.encode(), expected.state.encode()):
                return Refusal.OTHER_SIGN_IN
            iss = parameters.get("iss")
            if iss != expected.issuer and (iss is not None or expected.iss_required):
                return Refusal.OTHER_PROVIDER
            if not parameters.get("code") and not parameters.get("error"):
                return Refusal.NEITHER
            self._expected = None
            callback = Callback(parameters, self)
            self._taken.append(callback)
        self._callbacks.put(callback)
        return callback

    def outcome(self) -> str | None:
        """The page that was promised; None when there is none."""
        return self._page

    def outcome_was_sent(self) -> None:
        """The browser has the page, so the server may close."""
        self._page_sent.set()

    def __enter__(self) -> CallbackServer:
        started: list[listening.Server] = []
        try:
            for server in self._servers:
                work = (listening.POLL_SECONDS,)
                threading.Thread(target=server.serve_forever, args=work, name="loopback", daemon=True).start()
                started.append(server)
        except RuntimeError as error:
            self._close(started)
            raise ProcessLimit(program="what takes the browser's answer") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._expected = None
        for callback in self._taken:
            if not callback.answered.is_set():
                callback.show(pages.refused("the sign-in was ended"))
            callback.sent.wait(LAST_ANSWER_SECONDS)
        if self._page is not None:
            self._page_sent.wait(LAST_ANSWER_SECONDS)
        self._close(self._servers)

    def _close(self, started: list[listening.Server]) -> None:
        for server in started:
            server.shutdown()  # it waits for one that was never started for ever
        for server in self._servers:
            server.server_close()
