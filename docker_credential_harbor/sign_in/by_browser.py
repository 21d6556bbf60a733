"""Sign-in by the person's browser: authorization code with PKCE and loopback redirect, then Harbor's login in the tab.

Source: RFC 6749 4.1, RFC 7636 (PKCE), RFC 8252 (native apps), RFC 9207 (iss). Our callback answers with Harbor's login,
so that one form at most renews both sides. Where we ask for offline_access, exchanging the code ends the browser's
session at a Keycloak since 26.1, and with it what Harbor gets in the walk: so the code (it lives 60 s) is held back
until Harbor's walk is over. Elsewhere it is exchanged before the browser is answered, so that a failure can be shown.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import (
    Failure,
    OfflineAccessRefused,
    SignInDeclined,
    SignInEnded,
    SignInFailed,
    SignInOpenedTwice,
    SignInTimedOut,
    Unreachable,
)
from docker_credential_harbor.model import SignInResult
from docker_credential_harbor.remote import authorization
from docker_credential_harbor.sign_in.loopback import pages
from docker_credential_harbor.sign_in.loopback.callback_server import CallbackServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, Settings, TokenSet
    from docker_credential_harbor.remote.authorization import Request
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.sign_in.loopback.awaited_callback import Callback

HOLD_BACK_SECONDS = 5.0  # for Harbor's walk where nothing shows that it is over
HOLD_BACK_LOOK_SECONDS = 0.3
CANCELLED_LOOK_SECONDS = 0.25


def sign_in(
    http: Transport,
    provider: Provider,
    registry: Registry,
    redirect: LoginRedirect,
    *,
    settings: Settings,
    login_hint: str | None,
    check: Callable[[str], None],
    open_url: Callable[[str], None],
    harbor_login_url: str,
    hold_back: Callable[[], bool],
    cancelled: Callable[[], bool],
    now: Callable[[], float],
) -> SignInResult:
    """Open the provider's sign-in through ``open_url`` and wait for the person, ``login_timeout`` at most.

    What is opened is an address of our own that leads there once: command lines can be read by others. ``check`` gets
    the authorization URL before, and raises where no person is to be sent there; ``hold_back`` tells that Harbor's walk
    is over (its Unreachable is taken for not yet); ``cancelled`` that nobody wants the sign-in any more; ``now`` gives
    the instant. Raises SignInDeclined, SignInTimedOut, SignInEnded, SignInOpenedTwice, PortBusy, and what ``check`` and
    authorization.exchange raise.
    """
    run = _BrowserSignIn(http, provider, registry, redirect, settings.login_timeout_seconds, login_hint, cancelled, now)
    with CallbackServer(registry.redirect_uri) as server:

        def open_window(url: str) -> None:
            check(url)
            open_url(server.one_time_address(url))

        return _in_one_tab(run, server, open_window, harbor_login_url, hold_back)


def _in_one_tab(
    run: _BrowserSignIn,
    server: CallbackServer,
    open_window: Callable[[str], None],
    harbor_login_url: str,
    hold_back: Callable[[], bool],
) -> SignInResult:
    """From one callback to the next; without offline_access once the provider has refused it."""
    request, refused = run.request(server), False
    open_window(_begin(server, request))
    while True:
        callback = run.next_callback(server)
        if callback.response.error:
            if not (request.offline and callback.response.refuses_offline_access):
                raise run.declined(callback)
            request, refused = request.without_offline_access(), True
            callback.redirect(_begin(server, request))
        elif request.offline:
            sent_on_at = run.now()
            callback.redirect(harbor_login_url)
            run.wait_for_harbor(hold_back)
            try:
                return SignInResult(run.exchange(request, callback), refused, sent_on_at)
            except OfflineAccessRefused:
                # The browser is with Harbor by now; its session lives, so this shows no form again.
                request, refused = request.without_offline_access(), True
                open_window(_begin(server, request))
        else:
            try:
                tokens = run.exchange(request, callback)
            except Failure as failure:
                callback.show(pages.failed(run.registry.name, failure.message, failure.remedy))
                raise
            sent_on_at = run.now()
            callback.redirect(harbor_login_url)
            return SignInResult(tokens, refused, sent_on_at)


class _BrowserSignIn:
    """One sign-in, with what stays the same in all its attempts."""

    def __init__(
        self,
        http: Transport,
        provider: Provider,
        registry: Registry,
        redirect: LoginRedirect,
        timeout_seconds: float,
        login_hint: str | None,
        cancelled: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self.http = http
        self.provider = provider
        self.registry = registry
        self.redirect = redirect
        self.timeout_seconds = timeout_seconds
        self.ends_at = time.monotonic() + timeout_seconds
        self.login_hint = login_hint
        self.cancelled = cancelled
        self.now = now

    def request(self, server: CallbackServer) -> Request:
        scopes, further = authorization.scopes_for(self.registry, self.redirect), self.redirect.further
        return authorization.request(
            self.provider, self.registry, server.redirect_uri, scopes, further, self.login_hint
        )

    def next_callback(self, server: CallbackServer) -> Callback:
        while True:
            self._check_cancelled()
            if server.opened_twice.is_set():
                raise SignInOpenedTwice(registry=self.registry.name)
            left = self.ends_at - time.monotonic()
            if left <= 0:
                raise SignInTimedOut(registry=self.registry.name, seconds=f"{self.timeout_seconds:g}")
            callback = server.next_callback(min(left, CANCELLED_LOOK_SECONDS))
            if callback is not None:
                return callback

    def declined(self, callback: Callback) -> SignInDeclined:
        reason = callback.response.reason
        callback.show(pages.declined(self.registry.name, reason))
        return SignInDeclined(registry=self.registry.name, reason=reason)

    def wait_for_harbor(self, over: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + HOLD_BACK_SECONDS
        while (left := ends_at - time.monotonic()) > 0:
            self._check_cancelled()
            time.sleep(min(left, HOLD_BACK_LOOK_SECONDS))
            try:
                if over():
                    return
            except Unreachable:  # nothing is known then; the tokens are worth having all the same
                continue

    def exchange(self, request: Request, callback: Callback) -> TokenSet:
        try:
            return authorization.exchange(self.http, request, callback.response.code, self.now())
        except OfflineAccessRefused as error:
            if request.offline:
                raise
            reason = f"the identity provider answered {error.facts['reason']}"
            raise SignInFailed(registry=self.registry.name, reason=reason) from error

    def _check_cancelled(self) -> None:
        if self.cancelled():
            raise SignInEnded(registry=self.registry.name)


def _begin(server: CallbackServer, request: Request) -> str:
    """The URL of a request whose answer is waited for from now on."""
    server.expect(request)
    return request.url
