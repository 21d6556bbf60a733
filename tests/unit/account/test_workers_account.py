"""What a process that does not hold a registry's lock throughout reads and saves: real notes and a real store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.account.workers_account import WorkersAccount
from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.errors import SignInEnded
from docker_credential_harbor.model import Credentials, PairKind, Registry, SignIn, StoredPair
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.storage import registry_lock, registry_notes
from docker_credential_harbor.system import lock
from tests.unit.account.conftest import ISSUER, NAME, PAIR, TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.storage.registry_notes import Notes

pytestmark = pytest.mark.usefixtures("home")

ROBOT = StoredPair(Credentials("robot$ci", "s"), PairKind.ROBOT)


def told(line: str) -> None:
    raise AssertionError(line)


def account_of(
    context: Context, registry: Registry | None = None, tell: Callable[[str], None] = told
) -> WorkersAccount:
    generation = registry_notes.load(NAME).generation
    return WorkersAccount(context, registry or context.registry(NAME), Transport(10), generation, tell)


def note(**changes: object) -> Notes:
    notes = registry_notes.load(NAME)._replace(**changes)  # type: ignore[arg-type]
    registry_notes.save(NAME, notes)
    return notes


# --- What is read -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_read(context: Context) -> None:
    assert (account_of(context).stored, account_of(context).sign_in, account_of(context).last_known) == (None,) * 3
    context.store.save_sign_in(NAME, SignIn(TOKENS, PAIR))
    context.store.save_stored(f"https://{NAME}", ROBOT)
    account = account_of(context)
    assert (account.stored, account.sign_in, account.last_known) == (ROBOT, SignIn(TOKENS, PAIR), PAIR)


def test_a_sign_in_of_another_provider_than_the_configured_one_is_none(context: Context) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS, PAIR))
    registry = context.registry(NAME)
    assert account_of(context, registry._replace(issuer=ISSUER)).sign_in
    assert account_of(context, registry._replace(issuer="https://other.example.com")).sign_in is None


def test_beside_a_stored_pair_no_id_token_counts(context: Context) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS, PAIR))
    context.store.save_stored(f"https://{NAME}", ROBOT)
    assert account_of(context).id_token() is None


# --- What is saved ----------------------------------------------------------------------------------------------------

SAVES: dict[str, Callable[[WorkersAccount], None]] = {
    "the provider": lambda account: account.keep_provider(registry_notes.Notes()),
    "a window": lambda account: account.count_as_declined(),
    "a sign-in": lambda account: account.save_sign_in(SignIn(TOKENS)),
    "a pair that passes": lambda account: account.save_verified(PAIR, walked_at=None, probed_at=time.time()),
}


@pytest.mark.parametrize("name", SAVES)
def test_nothing_once_somebody_has_signed_out(context: Context, name: str) -> None:
    account = account_of(context)
    before = note(generation=1)
    assert account.is_superseded()
    with pytest.raises(SignInEnded):
        SAVES[name](account)
    assert registry_notes.load(NAME) == before
    assert context.store.load_sign_in(NAME) is None


@pytest.mark.parametrize("name", SAVES)
def test_the_lock_is_free_afterwards(context: Context, name: str) -> None:
    context.store.save_sign_in(NAME, SignIn(TOKENS))
    SAVES[name](account_of(context))
    with lock.hold(registry_lock.path(NAME), 0) as locked:
        assert locked


def test_of_the_provider_what_is_about_it_alone(context: Context) -> None:
    account = account_of(context)
    seen = registry_notes.load(NAME)._replace(provider_found_at=time.time() - 5, declines=7)
    note(declines=2, declined_at=time.time() - 5)
    account.keep_provider(seen)
    kept = registry_notes.load(NAME)
    assert (kept.provider_found_at, kept.declines) == (seen.provider_found_at, 2)


@pytest.mark.parametrize(("asked", "declines"), [(False, 3), (True, 1)], ids=["get", "login"])
def test_a_window_counts_as_declined_until_it_is_more(asked: bool, declines: int) -> None:
    note(declines=2, declined_at=1.0)
    account_of(open_context(asked=asked)).count_as_declined()
    notes = registry_notes.load(NAME)
    assert notes.declines == declines
    assert notes.declined_at == pytest.approx(time.time(), abs=60)


def test_a_new_sign_in_forgets_what_was_true_of_the_last_pair(context: Context) -> None:
    note(verified_at=time.time() - 5, trusted_until=time.time() + 60)
    account = account_of(context)
    account.save_sign_in(SignIn(TOKENS))
    assert account.sign_in == context.store.load_sign_in(NAME) == SignIn(TOKENS)
    assert (registry_notes.load(NAME).verified_at, registry_notes.load(NAME).trusted_until) == (None, None)


class TestAPairThatPasses:
    def test_goes_beside_tokens_that_another_process_refreshed_meanwhile(self, context: Context) -> None:
        context.store.save_sign_in(NAME, SignIn(TOKENS))
        account = account_of(context)
        fresh = TOKENS._replace(refresh_token="r-2")
        context.store.save_sign_in(NAME, SignIn(fresh))
        probed_at = time.time()
        account.save_verified(PAIR, walked_at=None, probed_at=probed_at)
        assert context.store.load_sign_in(NAME) == SignIn(fresh, PAIR)
        assert registry_notes.load(NAME).verified_at == probed_at

    def test_ends_the_pause(self, context: Context) -> None:
        context.store.save_sign_in(NAME, SignIn(TOKENS))
        note(declines=2, declined_at=1.0)
        account_of(context).save_verified(PAIR, walked_at=None, probed_at=time.time())
        assert (registry_notes.load(NAME).declines, registry_notes.load(NAME).declined_at) == (0, None)

    def test_bounds_the_life_of_harbors_token(self, context: Context) -> None:
        context.store.save_sign_in(NAME, SignIn(TOKENS))
        now = time.time()
        account_of(context).save_verified(PAIR, walked_at=now - 3, probed_at=now - 1, updated_at="x")
        token = registry_notes.load(NAME).stored_token
        assert (token.earliest_at, token.latest_at, token.updated_at) == (now - 3, now - 1, "x")

    def test_does_not_count_once_another_pair_was_stored(self, context: Context) -> None:
        """It is kept as the last known one; what a get hands out is the stored one, which nobody has probed."""
        context.store.save_sign_in(NAME, SignIn(TOKENS))
        account = account_of(context)
        context.store.save_stored(f"https://{NAME}", ROBOT)
        account.save_verified(PAIR, walked_at=None, probed_at=time.time())
        assert registry_notes.load(NAME).verified_at is None
        assert context.store.load_sign_in(NAME) == SignIn(TOKENS, PAIR)

    def test_is_lost_with_its_sign_in(self, context: Context) -> None:
        with pytest.raises(SignInEnded):
            account_of(context).save_verified(PAIR, walked_at=None, probed_at=time.time())
