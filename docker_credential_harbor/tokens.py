"""Our own tokens: refreshed once, and the new refresh token saved before the answer is used for anything.

With rotation the old refresh token is worth nothing from the moment the provider answers, and a second use of it ends
the session (RFC 9700 4.14.2). The caller holds the registry's lock.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from docker_credential_harbor import harbor, provider

if TYPE_CHECKING:
    from docker_credential_harbor.credential_store import CredentialStore
    from docker_credential_harbor.model import Provider, Registry, SignIn
    from docker_credential_harbor.registry_state import Notes
    from docker_credential_harbor.transport import Transport

PROVIDER_KEPT_SECONDS = 24 * 3600


def provider_of(http: Transport, registry: Registry, notes: Notes) -> tuple[Provider, Notes]:
    """The registry's provider and the notes that keep it for a day. Raises Unreachable, ProviderNotFound, …"""
    now = time.time()
    kept = notes.provider
    age = now - notes.provider_found_at if notes.provider_found_at else -1
    if kept and 0 <= age < PROVIDER_KEPT_SECONDS and registry.issuer in (None, kept.issuer):
        return kept, notes
    if registry.issuer:
        found = provider.discover(http, registry.issuer)
    else:
        redirect = notes.redirect or harbor.login_redirect(http, registry)
        found = provider.find(http, redirect, registry)
    return found, replace(notes, provider=found, provider_found_at=now)


def refresh(
    http: Transport, found: Provider, registry: Registry, sign_in: SignIn, store: CredentialStore
) -> SignIn | None:
    """The sign-in with fresh tokens, already saved; None when the provider refused (``invalid_grant``).

    Raises Unreachable when the provider is away, ClientRefused when it knows the client no more.
    """
    if sign_in.tokens.refresh_token is None:
        return None
    tokens = provider.refresh(http, found, registry, sign_in.tokens, now=time.time())
    if tokens is None:
        return None
    fresh = replace(sign_in, tokens=tokens)
    store.save_sign_in(registry.name, fresh)
    return fresh


def belongs_to(sign_in: SignIn, registry: Registry) -> bool:
    """Whether the sign-in is of the provider that the configuration names now."""
    return registry.issuer is None or registry.issuer == sign_in.tokens.issuer


def id_token_expired(sign_in: SignIn, now: float) -> bool:
    """Whether Harbor would refuse the ID token for its age; a few seconds early, since it travels."""
    return now >= sign_in.tokens.id_token_expires_at - 5
