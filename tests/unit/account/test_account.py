"""What is kept of a registry by whoever holds its lock: real notes, a real store, servers on loopback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from docker_credential_harbor.account.account import Account, locked_account
from docker_credential_harbor.errors import AnotherIssuer, Busy, StoreDamaged
from docker_credential_harbor.model import Credentials, LoginRedirect, Pin, SignIn, StoredPair
from docker_credential_harbor.storage import registry_lock, registry_notes
from docker_credential_harbor.system import lock
from tests.unit.account.conftest import ISSUER, NAME, PAIR, TOKENS

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry
    from tests.unit.loopback import Answers

ROBOT = StoredPair(Credentials("robot$ci", "s"))


@pytest.fixture
def registry(context: Context, server: Answers) -> Registry:
    """Its Harbor and its provider are the one server."""
    endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    document = {"issuer": server.url, **{name: f"{server.url}/{name}" for name in endpoints}}
    document["authorization_response_iss_parameter_supported"] = True  # type: ignore[assignment]
    server.replies["/.well-known/openid-configuration"] = (200, {}, document)
    query = {
        "client_id": "harbor",
        "redirect_uri": f"{server.url}/c/oidc/callback",
        "response_type": "code",
        "state": "s",
    }
    to_provider = f"{server.url}/authorization_endpoint?{urlencode(query)}"
    server.replies["/c/oidc/login"] = (302, {"Location": to_provider}, "")
    server.replies["/authorization_endpoint"] = lambda asked: (400 if "invalid" in asked.path else 200, {}, "")
    return context.registry(NAME)._replace(url=server.url)


# --- What is read -----------------------------------------------------------------------------------------------------


def test_a_stored_pair_goes_first(context: Context) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS, PAIR))
    registry = context.registry(NAME)
    account = Account(context, registry)
    assert (account.stored, account.sign_in, account.pair) == (None, SignIn(TOKENS, PAIR), PAIR)
    context.store.save_stored(registry.key, ROBOT)
    account = Account(context, registry)
    assert (account.stored, account.sign_in, account.pair) == (ROBOT, None, ROBOT.pair)
    assert account.load_sign_in() == SignIn(TOKENS, PAIR)


def test_nothing_is_kept(context: Context) -> None:
    account = Account(context, context.registry(NAME))
    assert (account.stored, account.sign_in, account.pair) == (None, None, None)
    assert account.notes == registry_notes.Notes()


@pytest.mark.parametrize("changes", [{"issuer": "https://other.example.com"}, {"client_id": ""}])
def test_a_sign_in_that_the_configuration_names_no_more_is_none(context: Context, changes: dict[str, str]) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS, PAIR))
    registry = context.registry(NAME)
    assert Account(context, registry._replace(issuer=ISSUER)).pair == PAIR
    account = Account(context, registry._replace(**changes))  # type: ignore[arg-type]
    assert (account.sign_in, account.pair, account.load_sign_in()) == (None, None, None)


def test_the_notes_are_had_though_the_store_is_damaged(context: Context, home: Path) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS))
    [secrets] = home.rglob("secrets.json")
    secrets.write_text("{")
    account = Account(context, context.registry(NAME))
    assert account.notes.generation == 0
    with pytest.raises(StoreDamaged):
        _ = account.pair


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_the_lock_is_held_throughout(context: Context) -> None:
    registry = context.registry(NAME)
    with locked_account(context, registry) as account:
        assert lock.is_held(registry_lock.path(NAME))
        account.notes = account.notes._replace(generation=7)
        account.save_notes()
    assert registry_notes.load(NAME).generation == 7
    assert not lock.is_held(registry_lock.path(NAME))


def test_it_is_waited_for_within_the_contexts_time(context: Context) -> None:
    context.allowance = context.allowance._replace(seconds=0.05)
    with (
        lock.hold(registry_lock.path(NAME), 0),
        pytest.raises(Busy),
        locked_account(context, context.registry(NAME)),
    ):
        raise AssertionError("it has the lock")


def test_notes_are_written_when_they_are_saved_and_pairs_at_once(context: Context) -> None:
    account = Account(context, context.registry(NAME))
    account.keep_verified(PAIR, probed_at := time.time())
    assert registry_notes.load(NAME) == registry_notes.Notes()
    account.save_notes()
    assert registry_notes.load(NAME).verified_at == probed_at
    account.save_sign_in(SignIn(TOKENS, PAIR))
    assert account.sign_in == context.store.load_sign_in(NAME) == SignIn(TOKENS, PAIR)


def test_what_was_true_of_a_pair_is_forgotten(context: Context) -> None:
    account = Account(context, context.registry(NAME))
    account.keep_verified(PAIR, time.time())
    account.stored_token = account.stored_token._replace(updated_at="then", least_seconds=60)
    account.forget_verified()
    assert (account.notes.verified_at, account.notes.trusted_until) == (None, None)
    assert (account.stored_token.updated_at, account.stored_token.least_seconds) == ("", 60)


# --- The provider -----------------------------------------------------------------------------------------------------


def test_the_provider_is_found_once(context: Context, registry: Registry, server: Answers) -> None:
    account = Account(context, registry)
    found = account.provider()
    assert (found.issuer, account.notes.provider) == (server.url, found)
    assert registry_notes.load(NAME).provider is None, "the notes are not saved yet"
    asked = len(server.asked)
    assert account.provider() == found
    assert len(server.asked) == asked


def test_a_refresh_token_is_for_the_provider_that_gave_it(
    context: Context, registry: Registry, server: Answers
) -> None:
    account = Account(context, registry)
    account.save_sign_in(SignIn(TOKENS, PAIR))
    assert account.refresh() is False
    assert account.sign_in == SignIn(TOKENS, PAIR)
    assert not [asked for asked in server.asked if asked.method == "POST"]


def test_one_that_vouches_is_noted_with_its_word(context: Context, registry: Registry, server: Answers) -> None:
    account = Account(context, registry)
    callback = f"{server.url}/c/oidc/callback"
    redirect = LoginRedirect(f"{server.url}/authorization_endpoint", "harbor", ("openid",), redirect_uri=callback)
    found = account.provider_asked(redirect, None, anew=False)
    assert (account.notes.provider, account.notes.pin) == (found, Pin(server.url, "harbor", callback))


def test_another_one_than_the_registry_is_held_to_is_not_even_noted(
    context: Context, registry: Registry, server: Answers
) -> None:
    """Else it would be taken for the registry's at the next refresh."""
    account = Account(context, registry)
    account.notes = before = account.notes._replace(pin=Pin(ISSUER, "harbor", ""))
    callback = f"{server.url}/c/oidc/callback"
    redirect = LoginRedirect(f"{server.url}/authorization_endpoint", "harbor", ("openid",), redirect_uri=callback)
    with pytest.raises(AnotherIssuer):
        account.provider_asked(redirect, None, anew=False)
    assert account.notes == before
