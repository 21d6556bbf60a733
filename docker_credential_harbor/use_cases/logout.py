"""What `erase` and `logout` share: local secrets gone, a sign-in under way ended, the refresh token revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.account.account import Account
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.remote import identity_provider
from docker_credential_harbor.sign_in import window
from docker_credential_harbor.system import console
from docker_credential_harbor.use_cases import stored_pairs

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry, SignIn


def sign_out(context: Context, registry: Registry) -> bool:
    """Forgets everybody at the registry, stored pair and sign-in. False: nobody was there.

    What is here goes first; a provider that is away is only told to standard error. Raises Busy and Store… errors.
    """
    with context.try_registry_lock(registry) as hindrance:
        if isinstance(hindrance, errors.Busy):
            raise hindrance
        account = Account(context, registry)
        try:
            _end_what_is_under_way(account)
        except errors.NotWritable as fault:  # no reason to keep a secret
            console.tell(fault)
        sign_in = _readable_sign_in(context, registry)
        context.store.delete_sign_in(registry.name)
        keys = [registry.key, *stored_pairs.other_keys(context, registry)]
        had_stored = True in [context.store.delete_stored(key) for key in keys]
    if sign_in:
        _revoke(account, sign_in)
    return had_stored or sign_in is not None


def _end_what_is_under_way(account: Account) -> None:
    """A worker compares the generation before it saves; it is told to end as well, but may be in the act."""
    generation, stored_token = account.notes.generation + 1, trust_window.of_anybody(account.stored_token)
    account.forget_verified()
    account.notes = account.notes._replace(
        generation=generation, declines=0, declined_at=None, stored_token=stored_token
    )
    try:
        account.save_notes()
    finally:
        window.end(account.registry.name)


def _readable_sign_in(context: Context, registry: Registry) -> SignIn | None:
    try:
        return context.store.load_sign_in(registry.name)
    except errors.StoreDamaged as damage:  # it goes all the same; only the provider cannot be told
        console.tell(damage)
        return None


def _revoke(account: Account, sign_in: SignIn) -> None:
    if not sign_in.tokens.refresh_token:
        return
    registry = account.registry
    try:
        its_own = registry._replace(issuer=sign_in.tokens.issuer)
        found, _ = own_tokens.provider_of(account.http, its_own, account.notes)
        if not identity_provider.revoke(account.http, found, registry, sign_in.tokens.refresh_token):
            console.tell(errors.NotRevoked(registry=registry.name))
    except Failure as failure:
        console.tell(failure, f"signed out of {registry.name} here, but not at the identity provider: ")
