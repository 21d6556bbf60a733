"""Pairs that somebody stored: `store`, `get` for servers that are no Harbor, and when one gives way to a sign-in.

What a registry of Harbor's needs is imported for one alone: of all others there are many in each pull.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.model import Credentials, Registry, StoredPair
from docker_credential_harbor.policy import trust_window
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
    from docker_credential_harbor.account.account import locked_account

    with locked_account(context, registry) as account:
        account.forget_verified()
        account.save_notes()
        sign_in = account.load_sign_in()
        if sign_in and sign_in.pair and sign_in.pair.username == pair.username:
            account.save_sign_in(sign_in._replace(pair=pair))
            context.store.delete_stored(registry.key)
        elif not account.stored or account.stored.pair != pair:  # else `get` has just given it: its kind stays known
            context.store.save_stored(registry.key, StoredPair(pair))


def keep_verified(context: Context, registry: Registry, stored: StoredPair, probed_at: float) -> None:
    """Keeps a pair that Harbor accepted at ``probed_at`` (an instant). Raises Busy and Store… errors."""
    from docker_credential_harbor.account.account import locked_account

    with locked_account(context, registry) as account:
        account.forget_verified()
        account.stored_token = trust_window.of_anybody(account.stored_token)
        account.save_notes()
        context.store.save_stored(registry.key, stored)
        account.keep_verified(stored.pair, probed_at)
        account.save_notes()


def gives_way(context: Context, registry: Registry) -> bool:
    """After a sign-in: a stored pair of that very person is theirs, as in ``store``. Whether there was one.

    Raises Busy and Store… errors.
    """
    from docker_credential_harbor.account.account import locked_account

    with locked_account(context, registry) as account:
        stored, sign_in = account.stored, account.load_sign_in()
        if not (stored and sign_in and sign_in.pair and stored.pair.username == sign_in.pair.username):
            return False
        account.forget_verified()
        account.save_notes()
        return context.store.delete_stored(registry.key)


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
