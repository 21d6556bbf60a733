"""A new CLI secret for the person who is signed in: made here, set at Harbor, kept, verified.

Source: Harbor's PUT /api/v2.0/users/{user_id}/cli_secret. Harbor keeps one secret a person, and the old one is worth
nothing from its answer on. Killed at any point nothing is lost: what is remembered goes first, so that the next `get`
asks, and Harbor shows the secret that counts to whoever has an ID token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account.account import locked_account
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import redaction
from docker_credential_harbor.use_cases import get

if TYPE_CHECKING:
    from docker_credential_harbor.account.account import Account
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import CurrentUser, Registry, ReleasedIdToken


def rotate(context: Context, registry: Registry) -> Credentials:
    """The new pair, which Harbor accepts. A person may be asked to sign in before. Raises Failure."""
    if not registry.client_id:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    stored = context.store.load_stored(registry.key)
    if stored:
        raise errors.StoredPairGoesFirst(registry=registry.name, username=stored.pair.username)
    get.credentials(context, registry)
    with locked_account(context, registry) as account:
        pair = _set_new(account, _who(account))
        assert account.sign_in
        account.save_sign_in(account.sign_in._replace(pair=pair))
        _verify(account, pair)
    return pair


def throw_away(context: Context, registry: Registry) -> None:
    """Sets a secret that nobody keeps; asks nobody. Raises Failure."""
    with locked_account(context, registry) as account:
        _set_new(account, _who(account))


def _who(account: Account) -> CurrentUser:
    """The person who is signed in, as Harbor has them; the account's sign-in has an ID token that it accepts."""
    registry = account.registry
    account.sign_in = account.context.store.load_sign_in(registry.name)  # beside a stored pair, too
    if account.sign_in and account.sign_in.tokens.id_token_is_over(time.time()):
        account.provider()
        account.save_notes()
        if not account.refresh():
            account.sign_in = None
    user = harbor.current_user(account.http, registry, _id_token(account)) if account.sign_in else None
    if user is None:
        raise errors.NoSignInToRotate(registry=registry.name, url=registry.url)
    return user


def _id_token(account: Account) -> ReleasedIdToken:
    try:
        return account.id_token()
    finally:
        account.save_notes()  # what was found out is not asked again, whatever comes of it


def _set_new(account: Account, user: CurrentUser) -> Credentials:
    secret = harbor.new_cli_secret()
    redaction.keep_secret(secret)
    account.forget_verified()
    account.save_notes()
    harbor.set_cli_secret(account.http, account.registry, _id_token(account), user.user_id, secret)
    return Credentials(user.username, secret)


def _verify(account: Account, pair: Credentials) -> None:
    probed_at = time.time()
    if not harbor.probe(account.http, account.registry, pair):
        raise errors.StillRefused(registry=account.registry.name, username=pair.username)
    account.stored_token = trust_window.after_probe(account.stored_token, probed_at, time.time())
    account.keep_verified(pair, probed_at)
    account.save_notes()
