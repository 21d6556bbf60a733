"""What the loopback server waits for: a visit of its one-time address, then one callback, the right one, taken once.

State alone, without a socket; whoever waits gives the answer to the browser, too.
"""

from __future__ import annotations

import queue
import secrets
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from docker_credential_harbor.remote import authorization
from docker_credential_harbor.remote.authorization import NotTaken
from docker_credential_harbor.sign_in.loopback import pages

if TYPE_CHECKING:
    from docker_credential_harbor.remote.authorization import Request, Response

LINK_BYTES = 16
OUTCOME_PATH = "/outcome"


class Refusal(Enum):
    """Why a request is not taken, with the status and the words of its page."""

    OTHER_HOST = 400, "it is for another host"
    OTHER_USER = 403, "it comes from another user of this machine"
    NO_SUCH_PAGE = 404, "there is no such page"
    NO_GET = 405, "it is not a GET"
    NOT_UNDERSTOOD = 400, "it was not understood"
    AHEAD_OF_TIME = 503, "the browser asked ahead of time"
    TWICE = 400, NotTaken.TWICE.value
    OTHER_SIGN_IN = 400, NotTaken.OTHER_SIGN_IN.value
    OTHER_PROVIDER = 400, NotTaken.OTHER_PROVIDER.value
    NEITHER = 400, NotTaken.NEITHER.value
    TOO_LONG = 504, "the sign-in took too long"

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason

    @property
    def path(self) -> str:
        """Where its page stands, so that none stands at an address with a code, which the browser's history keeps."""
        return f"/refused/{self.name.lower().replace('_', '-')}"


REFUSALS = {refusal.path: refusal for refusal in Refusal}


@dataclass(frozen=True)
class Callback:
    """The provider's answer as the browser brought it; the browser waits for ``redirect`` or ``show``."""

    response: Response
    server: Awaited = field(repr=False)
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


class Awaited:
    """``origin``: of the one-time addresses. ``path``: the callback's. ``hosts``: what requests may name."""

    def __init__(self, origin: str, path: str, hosts: set[str]) -> None:
        self.path = path
        self.hosts = hosts
        self._origin = origin
        self._links: dict[str, str | None] = {}  # the one-time addresses' paths, and where they lead: once
        self._expected: Request | None = None  # whose answer is waited for
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

    def expect(self, request: Request) -> None:
        """Take the next callback that is the answer to this one."""
        with self._lock:
            self._expected = request

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
        with self._lock:
            if self._expected is None:
                return Refusal.OTHER_SIGN_IN
            response = authorization.response_to(self._expected, query)
            if isinstance(response, NotTaken):
                return Refusal[response.name]
            self._expected = None
            callback = Callback(response, self)
            self._taken.append(callback)
        self._callbacks.put(callback)
        return callback

    def outcome(self) -> str | None:
        """The page that was promised; None when there is none."""
        return self._page

    def outcome_was_sent(self) -> None:
        """The browser has the page, so the server may close."""
        self._page_sent.set()

    def end(self, wait_seconds: float) -> None:
        """Takes nothing more; the browser is given so long for each of its last answers."""
        self._expected = None
        for callback in self._taken:
            if not callback.answered.is_set():
                callback.show(pages.refused("the sign-in was ended"))
            callback.sent.wait(wait_seconds)
        if self._page is not None:
            self._page_sent.wait(wait_seconds)
