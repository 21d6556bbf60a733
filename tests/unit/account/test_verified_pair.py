"""What is kept of a probe that passed, and forgotten with its pair: real notes, the real memory of a warm `get`."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.account import verified_pair
from docker_credential_harbor.model import Credentials, StoredToken
from docker_credential_harbor.policy.trust_window import UNPROVEN_WINDOW_SECONDS
from docker_credential_harbor.storage.registry_notes import Notes
from tests.conftest import need
from tests.lab import kernel_keyring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.context import Context

PAIR = Credentials("ålice", 'CliSecret"1')


@pytest.fixture
def name() -> Iterator[str]:
    name = f"{uuid.uuid4()}.example.com"
    yield name
    verified_pair.forget(name, Notes())


@pytest.fixture
def trusting(context: Context) -> Context:
    context.settings = context.settings._replace(cache_ttl_seconds=300)
    return context


def test_what_stood_in_the_way_is_over(trusting: Context, name: str) -> None:
    before = Notes(declines=2, declined_at=1.0, outcome_began_at=1.0, outcome_code="sign-in-paused", asking_run="7")
    probed_at = time.time()
    notes = verified_pair.keep(trusting, name, before, PAIR, probed_at=probed_at)
    assert notes == Notes(
        verified_at=probed_at,
        trusted_until=probed_at + UNPROVEN_WINDOW_SECONDS,
        config_stamp=trusting.stamp_digest,
    )


def test_remembered_within_the_trust_window_and_until_it_is_forgotten(trusting: Context, name: str) -> None:
    need("kernel keyring", "a kernel with CONFIG_KEYS, and no filter before it", kernel_keyring.is_open())
    assert verified_pair.recall(name) is None
    notes = verified_pair.keep(trusting, name, Notes(), PAIR, probed_at=time.time())
    assert verified_pair.recall(name) == PAIR
    forgotten = verified_pair.forget(name, notes)
    assert verified_pair.recall(name) is None
    assert (forgotten.verified_at, forgotten.trusted_until) == (None, None)


def test_without_a_trust_window_nothing_is_remembered(context: Context, name: str) -> None:
    probed_at = time.time()
    notes = verified_pair.keep(context, name, Notes(), PAIR, probed_at=probed_at)
    assert (notes.verified_at, notes.trusted_until) == (probed_at, probed_at)
    assert verified_pair.recall(name) is None


def test_with_the_pair_goes_what_was_found_out_of_it_and_what_was_proven_stays(name: str) -> None:
    token = StoredToken(least_seconds=240, most_seconds=300)
    notes = verified_pair.forget(name, Notes(stored_token=token, outcome_code="x", declines=1, last_window="y"))
    assert (notes.outcome_code, notes.last_window, notes.declines) == (None, None, 1)
    assert (notes.stored_token.least_seconds, notes.stored_token.most_seconds) == (240, 300)
