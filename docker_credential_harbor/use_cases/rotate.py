"""A new CLI secret for the person who is signed in: made here, set at Harbor, kept, verified.

Source: Harbor's PUT /api/v2.0/users/{user_id}/cli_secret. Harbor keeps one secret a person, and the old one is worth
nothing from its answer on. Killed at any point nothing is lost: what is remembered goes first, so that the next `get`
asks, and Harbor shows the secret that counts to whoever has an ID token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens, shared_audience, verified_pair
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import redaction
from docker_credential_harbor.use_cases import get

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import CurrentUser, Registry, ReleasedIdToken, SignIn
    from docker_credential_harbor.remote.web.transport import Transport


def rotate(context: Context, registry: Registry) -> Credentials:
    """The new pair, which Harbor accepts. A person may be asked to sign in before. Raises Failure."""
    if not registry.client_id:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    stored = context.store.load_stored(registry.key)
    if stored:
        raise errors.StoredPairGoesFirst(registry=registry.name, username=stored.pair.username)
    get.credentials(context, registry)
    with registry_notes.alone(registry.name, context.lock_seconds):
        http = context.transport(registry)
        sign_in, user = _who(context, registry, http)
        pair = _set_new(context, registry, http, sign_in, user)
        context.store.save_sign_in(registry.name, sign_in._replace(pair=pair))
        _verify(context, registry, http, pair)
    return pair


def throw_away(context: Context, registry: Registry) -> None:
    """Sets a secret that nobody keeps; asks nobody. Raises Failure."""
    http = context.transport(registry)
    with registry_notes.alone(registry.name, context.lock_seconds):
        sign_in, user = _who(context, registry, http)
        _set_new(context, registry, http, sign_in, user)


def _who(context: Context, registry: Registry, http: Transport) -> tuple[SignIn, CurrentUser]:
    """The sign-in with an ID token that Harbor accepts, and who that is there."""
    sign_in = context.store.load_sign_in(registry.name)
    if sign_in and own_tokens.id_token_expired(sign_in, time.time()):
        found, notes = own_tokens.provider_of(http, registry, registry_notes.load(registry.name))
        registry_notes.save(registry.name, notes)
        sign_in = own_tokens.refresh(http, found, registry, sign_in, context.store)
    user = harbor.current_user(http, registry, _id_token(context, registry, http, sign_in)) if sign_in else None
    if sign_in is None or user is None:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    return sign_in, user


def _id_token(context: Context, registry: Registry, http: Transport, sign_in: SignIn) -> ReleasedIdToken:
    def keep(notes: registry_notes.Notes) -> None:
        registry_notes.save(registry.name, notes)

    notes = registry_notes.load(registry.name)
    release = shared_audience.Release(context.settings.registries, registry, sign_in.tokens, notes, http, keep)
    return release.id_token()


def _set_new(context: Context, registry: Registry, http: Transport, sign_in: SignIn, user: CurrentUser) -> Credentials:
    secret = harbor.new_cli_secret()
    redaction.keep_secret(secret)
    registry_notes.save(registry.name, verified_pair.forget(registry.name, registry_notes.load(registry.name)))
    harbor.set_cli_secret(http, registry, _id_token(context, registry, http, sign_in), user.user_id, secret)
    return Credentials(user.username, secret)


def _verify(context: Context, registry: Registry, http: Transport, pair: Credentials) -> None:
    probed_at = time.time()
    if not harbor.probe(http, registry, pair):
        raise errors.StillRefused(registry=registry.name, username=pair.username)
    notes = registry_notes.load(registry.name)
    token = trust_window.after_probe(notes.stored_token, probed_at, time.time())
    notes = notes._replace(stored_token=token)
    registry_notes.save(registry.name, verified_pair.keep(context, registry.name, notes, pair, probed_at=probed_at))
