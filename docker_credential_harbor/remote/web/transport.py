"""The one HTTP session, on requests: proxies, time limits, bounded answers; failures become Unreachable.

Only the adapter of requests is used, not its Session: cookies, redirects, ~/.netrc and the environment's CA bundles
all live in the Session, and none of them is wanted here.
"""

from __future__ import annotations

import base64
import json as json_format
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from docker_credential_harbor import __version__
from docker_credential_harbor.errors import (
    BrokenAnswer,
    ConfigurationInvalid,
    NoAnswer,
    Unreachable,
)
from docker_credential_harbor.outside.clean_text import is_plain
from docker_credential_harbor.remote.web import unreachable
from docker_credential_harbor.remote.web.answer import Answer, host_of
from docker_credential_harbor.system.time_limit import within
from docker_credential_harbor.warm_get.server_url import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docker_credential_harbor.model import Credentials
    from docker_credential_harbor.remote.web.trust_store import TrustStore

KEPT_BACK = 0.1  # of the time that all requests share, for one last question
MAXIMUM_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
CONNECTING_SHARE = 0.9  # of the time, so that a connection's end comes first and says who was not there
LONGEST_URL = 8000  # characters, with a query; a whole one is told to a person
USER_AGENT = f"docker-credential-harbor/{__version__}"


class Transport:
    """The requests of one process, one after the other.

    ``timeout_seconds`` bounds each request from name resolution to the body's last byte; ``deadline_at`` (an instant of
    ``time.monotonic``) bounds all of them together. ``ca_file`` is trusted on top of the operating system's trust
    store. ``trace`` is given a line a request, without query values, header values or bodies.
    """

    def __init__(
        self,
        timeout_seconds: float,
        ca_file: Path | None = None,
        deadline_at: float | None = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self.timeout_seconds = timeout_seconds
        self._kept_back = 0.0 if deadline_at is None else KEPT_BACK * max(0.0, deadline_at - time.monotonic())
        self.deadline_at = None if deadline_at is None else deadline_at - self._kept_back
        self._ca_file = ca_file
        self._trace = trace
        self._trust: TrustStore | None = None
        self._adapter: Any = None

    def afresh(self) -> Transport:
        """The same without a connection that is open: for a process that is forked, since two cannot share one.

        What a first connection needs is read here, once for both. Raises what ``request`` raises for the ca_file.
        """
        self._open()
        other = Transport(self.timeout_seconds, self._ca_file, self.deadline_at, self._trace)
        other._trust = self._trust
        return other

    def request(
        self,
        method: str,
        url: str,
        *,
        basic: Credentials | None = None,
        bearer: str | None = None,
        form: Mapping[str, str] | None = None,
        json: object | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return the answer, redirects and refusals included; ``headers`` come on top.

        Raises Unreachable (NoAnswer when the time was over, TlsFailed, BrokenAnswer for what is truncated, compressed,
        larger than 1 MiB or not HTTP); ConfigurationInvalid for a URL that must not be asked; NotReadable for the
        ca_file.
        """
        _check_url(url)
        sent = {**_headers(basic, bearer, form, json), **(headers or {})}
        body = urlencode(form) if form is not None else json_format.dumps(json) if json is not None else None
        adapter = self._open()  # takes its time, the first one
        limit_seconds = self._seconds_left(url)
        started_at = time.monotonic()
        outcome = "failed"
        try:
            answer = within(limit_seconds, lambda: _exchange(adapter, method, url, sent, body, limit_seconds))
            outcome = str(answer.status)
            return answer
        except TimeoutError as error:
            # The thread that was left behind still uses the old connections.
            self._adapter = None
            outcome = unreachable.too_slow(limit_seconds)
            raise NoAnswer(host=host_of(url), reason=outcome) from error
        except Unreachable as error:
            outcome = error.facts.get("reason", error.code)
            raise
        finally:
            if self._trace is not None:
                milliseconds = round((time.monotonic() - started_at) * 1000)
                self._trace(f"{method} {_without_query(url)} -> {outcome} in {milliseconds} ms")

    def seconds_left(self) -> float:
        """For something that has to be asked beside the requests, within the same time."""
        left = self.timeout_seconds if self.deadline_at is None else self.deadline_at - time.monotonic()
        return max(0.0, min(self.timeout_seconds, left))

    def check_time_left(self, url: str) -> None:
        """Raises Unreachable where less than a quarter of the time is left for a request that must not be cut short."""
        if self.seconds_left() < self.timeout_seconds / 4:
            raise _no_time(url)

    def with_the_rest(self) -> Transport:
        """For one last question, in what was kept back of the time that all requests share."""
        ends_at = None if self.deadline_at is None else self.deadline_at + self._kept_back
        return Transport(self.timeout_seconds, self._ca_file, ends_at, self._trace)

    def for_another(self, ca_file: Path | None) -> Transport:
        """For one question to another server, in half of the time that is left."""
        return Transport(self.seconds_left() / 2, ca_file, trace=self._trace)

    def close(self) -> None:
        """Close the connections that are kept open."""
        if self._adapter is not None:
            self._adapter.close()
            self._adapter = None

    def _seconds_left(self, url: str) -> float:
        left = self.seconds_left()
        if not left:
            raise _no_time(url)
        return left

    def _open(self) -> Any:
        if self._trust is None:
            from docker_credential_harbor.remote.web.trust_store import TrustStore

            self._trust = TrustStore(self._ca_file)
        if self._adapter is None:
            self._adapter = _new_adapter(self._trust)
        return self._adapter


def _no_time(url: str) -> Unreachable:
    """Not NoAnswer: nothing was asked, so nothing is known of the server."""
    return Unreachable(host=host_of(url), reason="no time was left to ask it")


def is_url(url: str) -> bool:
    """Whether it is a whole address without user information, and can be shown as it stands."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a property that raises for a port that is none
    except ValueError:
        return False
    return (
        bool(parts.scheme and parts.hostname)
        and "@" not in parts.netloc
        and " " not in url
        and is_plain(url, LONGEST_URL)
    )


def is_secure_url(url: str) -> bool:
    """Whether secrets may be sent there: https, or http on this machine's loopback; without user information."""
    if not is_url(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(parts.hostname))


def _check_url(url: str) -> None:
    if not is_secure_url(url):
        raise ConfigurationInvalid(
            place=_without_query(url), reason="only https:// is asked, or http:// on a loopback address"
        )


def _headers(basic: Credentials | None, bearer: str | None, form: object, json: object) -> dict[str, str]:
    # Nothing that would have to be unpacked is asked for: the answers are small.
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    if basic is not None:
        # By hand because requests encodes pairs in Latin-1, and Harbor reads UTF-8 (RFC 7617 2.1).
        pair = f"{basic.username}:{basic.secret}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif json is not None:
        headers["Content-Type"] = "application/json"
    return headers


def _exchange(
    adapter: Any, method: str, url: str, headers: dict[str, str], body: str | None, limit_seconds: float
) -> Answer:
    """One request and its whole answer. The limit is given to the sockets too, so that a left thread ends soon."""
    import requests
    import urllib3

    from docker_credential_harbor.remote.web.proxies import proxy_for

    proxy = proxy_for(url)
    proxies = {"https": proxy.url} if proxy else {}
    limits = (limit_seconds * CONNECTING_SHARE, limit_seconds)
    try:
        # No parameters, as a text: of anything else requests asks what it can do by a protocol, which imports inspect.
        prepared = requests.Request(method, url, headers=headers, data=body, params="").prepare()
        response = adapter.send(prepared, stream=True, timeout=limits, proxies=proxies)
        try:
            _check_encoding(response.headers, host_of(url))
            content = _bounded(response.raw.stream(CHUNK_BYTES, decode_content=False), host_of(url))
        except BaseException:
            # A connection whose answer was not read to its end cannot be used again.
            response.raw.close()
            raise
        response.raw.release_conn()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise unreachable.in_plain_words(error, host_of(url), limit_seconds, proxy) from error
    cookies = tuple(response.raw.headers.getlist("set-cookie"))
    answer = Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, content, url, cookies)
    unreachable.check_answer(answer)
    return answer


def _check_encoding(headers: Mapping[str, str], host: str) -> None:
    """Before a byte is decoded: what is packed can be a thousand times as long as what was sent (RFC 9110 8.4)."""
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise BrokenAnswer(host=host, reason="it is compressed, which was not asked for")


def _bounded(chunks: Iterator[bytes], host: str) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > MAXIMUM_BYTES:
            raise BrokenAnswer(host=host, reason="more than 1 MiB")
    return bytes(content)


def _new_adapter(trust: TrustStore) -> Any:
    from docker_credential_harbor.remote.web.requests_import import import_requests

    import_requests()
    from docker_credential_harbor.remote.web.http_adapter import SystemTrustAdapter

    return SystemTrustAdapter(trust)


def _without_query(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]
