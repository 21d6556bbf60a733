"""`store` and `list`, and `get` for servers that are no Harbor: whose pair it is, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import errors, lock, registry_state, tokens, verified
from docker_credential_harbor.model import Credentials, Registry, StoredPair

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
    key = f"https://{registry.name}"
    with lock.hold(registry_state.lock_path(registry.name), context.lock_seconds) as locked:
        if not locked:
            raise errors.Busy(what_runs="get", registry=registry.name)
        registry_state.save(registry.name, verified.forget(registry.name, registry_state.load(registry.name)))
        sign_in = context.store.load_sign_in(registry.name)
        is_theirs = sign_in and sign_in.pair and sign_in.pair.username == pair.username
        if sign_in and is_theirs and tokens.belongs_to(sign_in, registry):
            context.store.save_sign_in(registry.name, sign_in._replace(pair=pair))
            context.store.delete_stored(key)
            return
        before = context.store.load_stored(key)
        if not before or before.pair != pair:  # else given out by `get` a moment ago: its kind stays known
            context.store.save_stored(key, StoredPair(pair))


def keep_verified(context: Context, registry: Registry, stored: StoredPair, probed_at: float) -> None:
    """Keeps a pair that Harbor accepted at ``probed_at`` (an instant). Raises Busy and Store… errors."""
    with lock.hold(registry_state.lock_path(registry.name), context.lock_seconds) as locked:
        if not locked:
            raise errors.Busy(what_runs="get", registry=registry.name)
        notes = verified.forget(registry.name, registry_state.load(registry.name))
        registry_state.save(registry.name, notes)
        context.store.save_stored(f"https://{registry.name}", stored)
        kept = verified.keep(
            context, registry.name, notes, stored.pair, probed_at=probed_at, freshness=None, life_seconds=None
        )
        registry_state.save(registry.name, kept)
