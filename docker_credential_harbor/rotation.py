"""A new CLI secret for the person who is signed in: made here, set at Harbor, kept, verified.

Source: Harbor's PUT /api/v2.0/users/{user_id}/cli_secret. Harbor keeps one secret a person, and the old one is worth
nothing from its answer on. Killed at any point nothing is lost: what is remembered goes first, so that the next `get`
asks, and Harbor shows the secret that counts to whoever has an ID token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import (
    console,
    errors,
    get,
    harbor,
    registry_state,
    shared_audience,
    tokens,
    trust_window,
    verified,
)
from docker_credential_harbor.model import Credentials

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import CurrentUser, Registry, ReleasedIdToken, SignIn
    from docker_credential_harbor.transport import Transport


def rotate(context: Context, registry: Registry) -> Credentials:
    """The new pair, which Harbor accepts. A person may be asked to sign in before. Raises Failure."""
    if not registry.client_id:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    stored = context.store.load_stored(f"https://{registry.name}")
    if stored:
        raise errors.StoredPairGoesFirst(registry=registry.name, username=stored.pair.username)
    get.credentials(context, registry)
    with registry_state.alone(registry.name, context.lock_seconds):
        http = get.transport(context, registry)
        sign_in, user = _who(context, registry, http)
        pair = _set_new(context, registry, http, sign_in, user)
        context.store.save_sign_in(registry.name, sign_in._replace(pair=pair))
        _verify(context, registry, http, pair)
    return pair


def throw_away(context: Context, registry: Registry) -> None:
    """Sets a secret that nobody keeps; asks nobody. Raises Failure."""
    http = get.transport(context, registry)
    with registry_state.alone(registry.name, context.lock_seconds):
        sign_in, user = _who(context, registry, http)
        _set_new(context, registry, http, sign_in, user)


def _who(context: Context, registry: Registry, http: Transport) -> tuple[SignIn, CurrentUser]:
    """The sign-in with an ID token that Harbor accepts, and who that is there."""
    sign_in = context.store.load_sign_in(registry.name)
    if sign_in and tokens.id_token_expired(sign_in, time.time()):
        found, notes = tokens.provider_of(http, registry, registry_state.load(registry.name))
        registry_state.save(registry.name, notes)
        sign_in = tokens.refresh(http, found, registry, sign_in, context.store)
    user = harbor.current_user(http, registry, _id_token(context, registry, http, sign_in)) if sign_in else None
    if sign_in is None or user is None:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    return sign_in, user


def _id_token(context: Context, registry: Registry, http: Transport, sign_in: SignIn) -> ReleasedIdToken:
    def keep(notes: registry_state.Notes) -> None:
        registry_state.save(registry.name, notes)

    notes = registry_state.load(registry.name)
    release = shared_audience.Release(context.settings.registries, registry, sign_in.tokens, notes, http, keep)
    return release.id_token()


def _set_new(context: Context, registry: Registry, http: Transport, sign_in: SignIn, user: CurrentUser) -> Credentials:
    secret = harbor.new_cli_secret()
    console.keep_secret(secret)
    registry_state.save(registry.name, verified.forget(registry.name, registry_state.load(registry.name)))
    harbor.set_cli_secret(http, registry, _id_token(context, registry, http, sign_in), user.user_id, secret)
    return Credentials(user.username, secret)


def _verify(context: Context, registry: Registry, http: Transport, pair: Credentials) -> None:
    probed_at = time.time()
    if not harbor.probe(http, registry, pair):
        raise errors.StillRefused(registry=registry.name, username=pair.username)
    notes = registry_state.load(registry.name)
    token = trust_window.after_probe(notes.stored_token, probed_at, time.time())
    notes = notes._replace(stored_token=token)
    registry_state.save(registry.name, verified.keep(context, registry.name, notes, pair, probed_at=probed_at))
