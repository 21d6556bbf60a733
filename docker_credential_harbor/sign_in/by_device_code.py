"""Sign-in on another device: device authorization grant with PKCE.

Source: RFC 8628, RFC 7636. The person opens an address anywhere, compares the user code and signs in there; meanwhile
the provider is asked every few seconds. Harbor's side is not renewed by it: the other browser never comes to Harbor.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import (
    DeviceCodeExpired,
    OfflineAccessRefused,
    SignInEnded,
    SignInFailed,
    SignInTimedOut,
    Unreachable,
)
from docker_credential_harbor.model import OFFLINE_ACCESS, SignInResult
from docker_credential_harbor.outside.clean_text import Said
from docker_credential_harbor.remote import authorization, identity_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import DeviceCode, LoginRedirect, Provider, Registry, Settings, TokenSet
    from docker_credential_harbor.remote.web.transport import Transport

SLOW_DOWN_SECONDS = 5.0  # RFC 8628 3.5
FIRST_PAUSE_SECONDS = 1.0  # before the provider's keys are asked for again
LONGEST_PAUSE_SECONDS = 30.0  # while the provider cannot be reached
CANCELLED_LOOK_SECONDS = 0.25
RANDOM_BYTES = 32  # of the code_verifier: 43 characters, RFC 7636's least


def sign_in(
    http: Transport,
    provider: Provider,
    registry: Registry,
    redirect: LoginRedirect,
    *,
    settings: Settings,
    show: Callable[[DeviceCode], None],
    cancelled: Callable[[], bool],
    now: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> SignInResult:
    """Give the person a code by ``show`` and wait until they have confirmed it, ``login_timeout`` at most.

    ``cancelled`` tells that nobody wants the sign-in any more; ``now`` gives the instant, ``monotonic`` and ``sleep``
    pass the time. Raises SignInDeclined, DeviceCodeExpired, SignInTimedOut, SignInEnded, NoDeviceGrant, the Unreachable
    of the last poll when that is how the time ended, and what identity_provider.first_tokens raises.
    """
    run = _DeviceSignIn(http, provider, registry, redirect, settings.login_timeout_seconds, cancelled, monotonic, sleep)
    scopes = authorization.scopes_for(registry, redirect)
    refused = False
    while True:
        try:
            tokens, granted = run.tokens(scopes, show, now)
            return SignInResult(tokens, refused or not granted)
        except OfflineAccessRefused as error:  # before the person was asked, or after: then they are asked once more
            if OFFLINE_ACCESS not in scopes:
                reason = f"the identity provider answered {error.facts['reason']}"
                raise SignInFailed(registry=registry.name, reason=reason) from error
            scopes, refused = authorization.without_offline_access(scopes), True


class _DeviceSignIn:
    """One sign-in, with what stays the same in all its codes."""

    def __init__(
        self,
        http: Transport,
        provider: Provider,
        registry: Registry,
        redirect: LoginRedirect,
        timeout_seconds: float,
        cancelled: Callable[[], bool],
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.http = http
        self.provider = provider
        self.registry = registry
        self.redirect = redirect
        self.cancelled = cancelled
        self.monotonic = monotonic
        self.sleep = sleep
        self.ends_at = monotonic() + timeout_seconds
        self.timed_out = SignInTimedOut(registry=registry.name, seconds=f"{timeout_seconds:g}")

    def tokens(
        self, scopes: tuple[str, ...], show: Callable[[DeviceCode], None], now: Callable[[], float]
    ) -> tuple[TokenSet, bool]:
        """The tokens, and whether all scopes that were asked for are granted."""
        verifier = secrets.token_urlsafe(RANDOM_BYTES)
        code = identity_provider.begin_device_code(
            self.http,
            self.provider,
            self.registry,
            scopes=scopes,
            code_verifier=verifier,
            further=self.redirect.further,
        )
        expires_at = self.monotonic() + code.expires_in_seconds
        show(code)
        answer = self._poll(code, verifier, expires_at)
        return self._verified(answer, now), OFFLINE_ACCESS not in scopes or not _lacks_offline_access(answer)

    def _poll(self, code: DeviceCode, verifier: str, expires_at: float) -> Said:
        """The token endpoint's answer once there is one (RFC 8628 3.5)."""
        expired = DeviceCodeExpired(registry=self.registry.name, seconds=f"{code.expires_in_seconds:g}")
        ends_at, end = min((self.ends_at, self.timed_out), (expires_at, expired), key=lambda limit: limit[0])
        interval = pause = code.interval_seconds
        away: Unreachable | None = None
        while self._waited(pause, ends_at):
            try:
                answer = identity_provider.ask_for_device_tokens(
                    self.http, self.provider, self.registry, code, code_verifier=verifier
                )
            except Unreachable as error:
                away, pause = error, max(interval, _longer(pause))
                continue
            if isinstance(answer, Said):
                return answer
            if answer == "slow_down":
                interval += SLOW_DOWN_SECONDS
            away, pause = None, interval
        raise away or end

    def _verified(self, answer: Said, now: Callable[[], float]) -> TokenSet:
        """The answer comes but once, so the keys that it is verified with are asked for again instead."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return identity_provider.first_tokens(
                    self.http, self.provider, self.registry, answer, nonce=None, now=now()
                )
            except Unreachable:
                if not self._waited(pause, self.ends_at):
                    raise
                pause = _longer(pause)

    def _waited(self, seconds: float, ends_at: float) -> bool:
        """Whether the pause was over before ``ends_at``; else the rest of the time is over. Raises SignInEnded."""
        until = min(self.monotonic() + seconds, ends_at)
        while True:
            if self.cancelled():
                raise SignInEnded(registry=self.registry.name)
            left = until - self.monotonic()
            if left <= 0:
                return until < ends_at
            self.sleep(min(left, CANCELLED_LOOK_SECONDS))


def _lacks_offline_access(answer: Said) -> bool:
    """Keycloak drops a scope that the client lacks without a word; RFC 6749 5.1 makes it say what it has granted.

    Others leave offline_access out of their answer though they granted it; only Keycloak says how long it lasts.
    """
    granted = answer.unseen("scope") or ""
    is_told = answer.value("scope") == granted
    return is_told and OFFLINE_ACCESS not in granted.split() and bool(answer.value("refresh_expires_in"))


def _longer(pause: float) -> float:
    """Exponential backoff, up to where a person would begin to wonder."""
    return min(pause * 2, LONGEST_PAUSE_SECONDS)
