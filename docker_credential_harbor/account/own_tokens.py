"""Our own tokens: refreshed once, and the new refresh token saved before the answer is used for anything.

With rotation the old refresh token is worth nothing from the moment the provider answers, and a second use of it ends
the session (RFC 9700 4.14.2). The caller holds the registry's lock.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.model import SignIn
from docker_credential_harbor.outside.json_record import as_json, of_json
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import console, redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, TokenSet
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.credential_store import CredentialStore
    from docker_credential_harbor.storage.registry_notes import Notes

PROVIDER_KEPT_SECONDS = 24 * 3600


def provider_of(
    http: Transport, registry: Registry, notes: Notes, redirect: LoginRedirect | None = None
) -> tuple[Provider, Notes]:
    """The registry's provider and the notes that keep it for a day; ``redirect``: Harbor's own, if it was just read.

    Raises Unreachable, ProviderNotFound, …
    """
    now = time.time()
    kept = notes.provider
    age = now - notes.provider_found_at if notes.provider_found_at else -1
    if kept and 0 <= age < PROVIDER_KEPT_SECONDS and registry.issuer in (None, kept.issuer):
        has_moved = redirect and not registry.issuer and redirect.authorization_endpoint != kept.endpoint_without_query
        if not has_moved:
            return kept, notes
    from docker_credential_harbor.remote import discovery

    if registry.issuer:
        found = discovery.discover(http, registry.issuer)
    else:
        found = discovery.find(http, redirect or harbor.login_redirect(http, registry), registry)
    return found, notes._replace(provider=found, provider_found_at=now)


def refresh(
    http: Transport,
    found: Provider,
    registry: Registry,
    sign_in: SignIn,
    store: CredentialStore,
    *,
    outlives_caller: bool = False,
) -> SignIn | None:
    """The sign-in with fresh tokens, already saved; None when the provider refused (``invalid_grant``).

    It is finished even if this process is killed; ``outlives_caller``: nobody kills this one, it has a session of its
    own. Raises Unreachable when the provider is away, ClientRefused when it knows the client no more, IdTokenRejected.
    """
    if sign_in.tokens.refresh_token is None or found.issuer != sign_in.tokens.issuer:
        return None  # a refresh token is for the provider that gave it, whoever Harbor names now
    from docker_credential_harbor.remote import identity_provider
    from docker_credential_harbor.system import forked

    store.check(registry.name)
    afresh = http.afresh()
    http.check_time_left(found.token_endpoint)  # with rotation an answer that comes too late costs the sign-in

    def keep(tokens: TokenSet) -> SignIn:
        fresh = sign_in._replace(tokens=tokens)
        try:
            store.save_sign_in(registry.name, fresh)
        except Exception as fault:  # the tokens are good for this once
            console.tell(console.told(fault))
        return fresh

    def ask_and_keep() -> Any:
        tokens = identity_provider.refresh(afresh, found, registry, sign_in.tokens, now=time.time(), keep=keep)
        return as_json(keep(tokens)) if tokens else None

    with _uninterrupted():
        kept = ask_and_keep() if outlives_caller else forked.finish(ask_and_keep)
    return of_json(SignIn, kept) if kept else None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and the like wait until what the provider gave is saved; a request's own time limit bounds that."""
    if sys.platform == "win32":
        yield
        return
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end(http: Transport, found: Provider, registry: Registry, tokens: TokenSet) -> None:
    """Tells the provider that these are not used any more; one that cannot or does not want to is none the worse."""
    from docker_credential_harbor.remote import identity_provider

    for secret in (tokens.id_token, tokens.refresh_token):
        redaction.keep_secret(secret)
    if tokens.refresh_token and tokens.issuer == found.issuer:
        with suppress(Failure):
            identity_provider.revoke(http, found, registry, tokens.refresh_token)


def end_replaced(http: Transport, found: Provider, registry: Registry, before: TokenSet, after: TokenSet) -> None:
    """Ends the sign-in that another one, already kept, has replaced; not where that could end this one as well.

    Two sign-ins in one session of the browser are one to the provider.
    """
    from docker_credential_harbor.remote import id_token

    sessions = {id_token.session_of(before.id_token), id_token.session_of(after.id_token)}
    if found.revokes_one_session and len(sessions) == 2 and None not in sessions:
        end(http, found, registry, before)


def are_of_one_person(before: TokenSet, after: TokenSet) -> bool:
    """Whether both are of the same person; a new `sub` under the same name is what a redeployed provider gives."""
    return before.subject == after.subject or before.person == after.person


def belongs_to(sign_in: SignIn, registry: Registry) -> bool:
    """Whether the sign-in is of the provider that the configuration names now, and a client there is named at all."""
    return bool(registry.client_id) and registry.issuer in (None, sign_in.tokens.issuer)
