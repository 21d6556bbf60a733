"""Sign-in by a Kerberos ticket, without a window: our own, and the walk through Harbor's login.

Source: RFC 4559 (Negotiate). The provider's authorization endpoint answers 401 with
``WWW-Authenticate: Negotiate``; the same request with a token is answered with the redirect that a browser would get.
Anything else (a form, a page in between, an error, a fault of the request with the token) is a stop: then a person is
asked as ever. Redirects are followed by hand, and the token goes to the origin of the authorization endpoint only, once
in a walk.
"""

from __future__ import annotations

import base64
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from docker_credential_harbor.errors import OfflineAccessRefused, Unreachable
from docker_credential_harbor.remote import authorization, harbor
from docker_credential_harbor.remote.authorization import NotTaken
from docker_credential_harbor.remote.web.transport import is_secure_url
from docker_credential_harbor.system import gssapi
from docker_credential_harbor.system.time_limit import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, TokenSet
    from docker_credential_harbor.remote.authorization import Request
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport

MOST_REQUESTS = 6  # of one walk; Harbor's takes four
KDC_SHARE = 0.5  # of the time that is left: a silent KDC blocks for half a minute


class Stopped(Exception):
    """The ticket does not lead to the end; the text says where it stopped, for the trace."""


def ticket(timeout_seconds: float) -> gssapi.Ticket:
    """The ticket that would be used; nothing is asked of anybody. Raises Stopped where there is none."""
    try:
        return within(timeout_seconds, gssapi.ticket)
    except (gssapi.NoTicketError, TimeoutError) as error:
        raise Stopped(str(error)) from error


def sign_in(
    http: Transport, provider: Provider, registry: Registry, redirect: LoginRedirect, *, now: Callable[[], float]
) -> TokenSet:
    """Our own tokens for the ticket's person. Raises Stopped, and what authorization.exchange raises."""
    further = tuple((name, value) for name, value in redirect.further if name != "prompt")  # a ticket sees no page
    scopes = authorization.scopes_for(registry, redirect)
    request = authorization.request(provider, registry, registry.redirect_uri, scopes, further)
    try:
        return _sign_in(http, request, now)
    except OfflineAccessRefused:
        request = request.without_offline_access()
    try:
        return _sign_in(http, request, now)
    except OfflineAccessRefused as refused:
        raise Stopped(str(refused)) from refused


def walk_harbors_login(http: Transport, registry: Registry, redirect: LoginRedirect) -> None:
    """Harbor's ``/c/oidc/login`` to its end, for the ticket's person: Harbor stores a new token. Raises Stopped."""
    walk = _Walk(http, redirect.authorization_endpoint)
    answer = walk.get(harbor.login_url(registry))
    while True:
        target = _target(answer)
        if _origin(target) == _origin(answer.url) and answer.url.partition("?")[0].endswith(harbor.CALLBACK_PATH):
            if urlsplit(target).path == harbor.ONBOARD_PATH:
                raise Stopped("Harbor wants the person to pick a user name")
            return
        answer = walk.get(target)


def _sign_in(http: Transport, request: Request, now: Callable[[], float]) -> TokenSet:
    walk = _Walk(http, request.provider.authorization_endpoint)
    target = _target(walk.get(request.url))
    while target.partition("?")[0] != request.redirect_uri:
        target = _target(walk.get(target))
    return authorization.exchange(http, request, _code(target, request), now())


def _code(callback: str, request: Request) -> str:
    response = authorization.response_to(request, urlsplit(callback).query)
    if isinstance(response, NotTaken):
        raise Stopped(f"the answer is not taken: {response.value}")
    if response.refuses_offline_access:
        raise OfflineAccessRefused(registry=request.registry.name, reason=response.reason)
    if response.error:
        raise Stopped(f"the identity provider answered {response.reason}")
    return response.code


class _Walk:
    """The requests of one walk, with cookies of its own, each for its origin alone."""

    def __init__(self, http: Transport, authorization_endpoint: str) -> None:
        self._http = http
        self._provider = _origin(authorization_endpoint)
        self._cookies: dict[tuple[str, str], dict[str, str]] = {}
        self._token_sent = False
        self._count = 0

    def get(self, url: str) -> Answer:
        """The answer; where the provider asks for a token, that to the same request with one."""
        answer = self._request(url, {})
        if answer.status == 401 and _offers_negotiate(answer) and _origin(url) == self._provider:
            if self._token_sent:
                raise Stopped("the identity provider asks for a second token")
            self._token_sent = True
            answer = self._request_with_token(url)
        return answer

    def _request_with_token(self, url: str) -> Answer:
        """A fault here is a stop: without the token there was an answer. Some proxies cannot take so long a header."""
        headers = {"Authorization": f"Negotiate {self._token(url)}"}
        try:
            return self._request(url, headers)
        except Unreachable as fault:
            raise Stopped(f"with the token {fault.message}") from fault

    def _request(self, url: str, headers: dict[str, str]) -> Answer:
        self._count += 1
        if self._count > MOST_REQUESTS:
            raise Stopped("too many redirects")
        if not is_secure_url(url):
            raise Stopped("a redirect leads to an address that must not be asked")
        cookies = self._cookies.setdefault(_origin(url), {})
        if cookies:
            headers = {**headers, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        # Pages and redirects are what browsers get; JSON is not asked for.
        answer = self._http.request("GET", url, headers={"Accept": "text/html", **headers})
        answer.raise_for_server_fault()
        for text in answer.set_cookies:
            cookies |= _cookie(text)
        return answer

    def _token(self, url: str) -> str:
        host = urlsplit(url).hostname or ""
        seconds = self._http.seconds_left() * KDC_SHARE
        try:
            return base64.b64encode(within(seconds, lambda: gssapi.token(host))).decode()
        except (gssapi.NoTicketError, TimeoutError) as error:
            raise Stopped(str(error)) from error


def _target(answer: Answer) -> str:
    """Where the answer sends a browser on to."""
    location = answer.headers.get("location")
    if answer.status not in (302, 303) or not location:
        raise Stopped(f"{answer.host} shows a page instead (status {answer.status})")
    return urljoin(answer.url, location)


def _offers_negotiate(answer: Answer) -> bool:
    offers = answer.headers.get("www-authenticate", "").split(",")
    return any(offer.strip().split(" ")[0].lower() == "negotiate" for offer in offers)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _cookie(text: str) -> dict[str, str]:
    """Name and value of one Set-Cookie; nothing for what cannot be read."""
    try:
        return {name: morsel.coded_value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}
