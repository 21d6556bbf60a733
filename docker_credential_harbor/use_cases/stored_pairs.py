"""Pairs that somebody stored: `store`, `get` for servers that are no Harbor, and when one gives way to a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.account import own_tokens, verified_pair
from docker_credential_harbor.model import Credentials, Registry, StoredPair
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context


def load(context: Context, server: str) -> Credentials | None:
    """The pair stored for a server that no configuration names, under its URL as given. Raises Store… errors."""
    stored = context.store.load_stored(server)
    return stored.pair if stored else None


def store(context: Context, server: str, registry: Registry | None, pair: Credentials) -> None:
    """Keeps what `docker login` was given. Raises Busy and Store… errors.

    `docker login` without arguments stores what `get` gave it, even when that login failed. So the user name of the
    person who is signed in pins nothing: it becomes the last known pair, which the next `get` probes.
    """
    if registry is None:
        context.store.save_stored(server, StoredPair(pair))
        return
    key = registry.key
    with registry_notes.alone(registry.name, context.lock_seconds):
        registry_notes.save(registry.name, verified_pair.forget(registry.name, registry_notes.load(registry.name)))
        sign_in = context.store.load_sign_in(registry.name)
        is_theirs = sign_in and sign_in.pair and sign_in.pair.username == pair.username
        if sign_in and is_theirs and own_tokens.belongs_to(sign_in, registry):
            context.store.save_sign_in(registry.name, sign_in._replace(pair=pair))
            context.store.delete_stored(key)
            return
        before = context.store.load_stored(key)
        if not before or before.pair != pair:  # else given out by `get` a moment ago: its kind stays known
            context.store.save_stored(key, StoredPair(pair))


def keep_verified(context: Context, registry: Registry, stored: StoredPair, probed_at: float) -> None:
    """Keeps a pair that Harbor accepted at ``probed_at`` (an instant). Raises Busy and Store… errors."""
    with registry_notes.alone(registry.name, context.lock_seconds):
        notes = verified_pair.forget(registry.name, registry_notes.load(registry.name))
        notes = notes._replace(stored_token=trust_window.of_anybody(notes.stored_token))
        registry_notes.save(registry.name, notes)
        context.store.save_stored(registry.key, stored)
        kept = verified_pair.keep(context, registry.name, notes, stored.pair, probed_at=probed_at)
        registry_notes.save(registry.name, kept)


def gives_way(context: Context, registry: Registry) -> bool:
    """After a sign-in: a stored pair of that very person is theirs, as in ``store``. Whether there was one.

    Raises Busy and Store… errors.
    """
    key = registry.key
    with registry_notes.alone(registry.name, context.lock_seconds):
        stored, sign_in = context.store.load_stored(key), context.store.load_sign_in(registry.name)
        if not (stored and sign_in and sign_in.pair and stored.pair.username == sign_in.pair.username):
            return False
        registry_notes.save(registry.name, verified_pair.forget(registry.name, registry_notes.load(registry.name)))
        return context.store.delete_stored(key)


def adopt(context: Context, registry: Registry) -> None:
    """Takes over what was stored for the registry before it was configured. Raises Busy and Store… errors."""
    key = registry.key
    for older in other_keys(context, registry):
        stored = context.store.load_stored(older)
        if stored and not context.store.load_stored(key):
            store(context, older, registry, stored.pair)
        context.store.delete_stored(older)


def other_keys(context: Context, registry: Registry) -> list[str]:
    """Under which a pair may lie that was stored before the registry was configured."""
    return [server for server in context.store.list() if server != registry.key and _names(server, registry)]


def _names(server: str, registry: Registry) -> bool:
    try:
        return server_url.parse(server)[0] == registry.name
    except ValueError:
        return False
