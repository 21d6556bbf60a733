"""What `docker login` stores, when it is the signed-in person's, and what becomes of it once a registry is entered."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import Busy
from docker_credential_harbor.model import Credentials, PairKind, StoredPair
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.use_cases import stored_pairs
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from tests.unit.machine import Machine

OTHER = "https://index.docker.io/v1/"
NEW = "New-Secret-0123456789"


def store(machine: Machine, pair: Credentials, server: str | None = None) -> None:
    context = machine.context()
    registry = None if server else context.registry(machine.name)
    stored_pairs.store(context, server or machine.name, registry, pair)


def kept(machine: Machine, server: str | None = None) -> StoredPair | None:
    return machine.context().store.load_stored(server or machine.registry().key)


def verified(machine: Machine) -> None:
    machine.note(verified_at=time.time() - 5, trusted_until=time.time() + 60)


class TestStore:
    def test_for_a_server_that_no_configuration_names(self, machine: Machine) -> None:
        assert stored_pairs.load(machine.context(), OTHER) is None
        store(machine, ROBOT, OTHER)
        assert stored_pairs.load(machine.context(), OTHER) == ROBOT
        assert stored_pairs.load(machine.context(), "index.docker.io") is None, "as given"

    def test_of_nobody_who_is_signed_in(self, machine: Machine) -> None:
        verified(machine)
        store(machine, ROBOT)
        assert kept(machine) == StoredPair(ROBOT)
        assert (machine.notes().verified_at, machine.notes().trusted_until) == (None, None)

    def test_the_last_one_wins_over_a_sign_in_too(self, machine: Machine) -> None:
        pair = machine.sign_in()
        store(machine, ROBOT)
        assert kept(machine) == StoredPair(ROBOT)
        sign_in = machine.kept_sign_in()
        assert sign_in
        assert sign_in.pair == pair

    def test_of_the_person_who_is_signed_in_it_pins_nothing(self, machine: Machine) -> None:
        machine.sign_in()
        machine.keep_stored(ROBOT)
        store(machine, Credentials("alice-h", NEW))
        assert kept(machine) is None
        sign_in = machine.kept_sign_in()
        assert sign_in
        assert sign_in.pair == Credentials("alice-h", NEW)

    def test_of_what_get_has_just_given_the_kind_stays_known(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT, PairKind.LOCAL)
        store(machine, ROBOT)
        assert kept(machine) == StoredPair(ROBOT, PairKind.LOCAL)
        store(machine, ROBOT._replace(secret=NEW))
        assert kept(machine) == StoredPair(ROBOT._replace(secret=NEW), PairKind.UNKNOWN)

    def test_another_process_is_at_it(self, machine: Machine) -> None:
        context = machine.context()
        context.allowance = context.allowance._replace(ends_at=0.0)
        registry = context.registry(machine.name)
        with registry_lock.held(machine.name, 0), pytest.raises(Busy):
            stored_pairs.store(context, machine.name, registry, ROBOT)


def test_one_that_harbor_has_just_accepted(machine: Machine) -> None:
    context, probed_at = machine.context(), time.time()
    pair = StoredPair(Credentials("alice-h", NEW), PairKind.PERSON)
    machine.note(declines=2, declined_at=1.0)
    stored_pairs.keep_verified(context, context.registry(machine.name), pair, probed_at)
    assert kept(machine) == pair
    assert (machine.notes().verified_at, machine.notes().declines) == (probed_at, 0)


class TestGivesWay:
    def gives_way(self, machine: Machine) -> bool:
        context = machine.context()
        return stored_pairs.gives_way(context, context.registry(machine.name))

    def test_that_of_the_very_person(self, machine: Machine) -> None:
        machine.sign_in()
        verified(machine)
        machine.keep_stored(Credentials("alice-h", NEW))
        assert self.gives_way(machine)
        assert kept(machine) is None
        assert machine.notes().verified_at is None

    def test_not_anybody_elses(self, machine: Machine) -> None:
        machine.sign_in()
        verified(machine)
        machine.keep_stored(ROBOT)
        assert not self.gives_way(machine)
        assert kept(machine) == StoredPair(ROBOT)
        assert machine.notes().verified_at is not None

    def test_there_is_none(self, machine: Machine) -> None:
        machine.sign_in()
        assert not self.gives_way(machine)


class TestAdopt:
    def adopt(self, machine: Machine) -> list[str]:
        context = machine.context()
        registry = context.registry(machine.name)
        stored_pairs.adopt(context, registry)
        return stored_pairs.other_keys(context, registry)

    def test_what_was_stored_under_a_url(self, machine: Machine) -> None:
        older = f"https://{machine.name}/v2/"
        for server in (older, OTHER, "not a URL at all"):
            store(machine, ROBOT, server)
        context = machine.context()
        assert stored_pairs.other_keys(context, context.registry(machine.name)) == [older]
        assert self.adopt(machine) == []
        assert kept(machine) == StoredPair(ROBOT)
        assert kept(machine, OTHER) == StoredPair(ROBOT)

    def test_what_is_stored_since_goes_first(self, machine: Machine) -> None:
        store(machine, Credentials("old", "OldSecret1"), machine.name)
        store(machine, ROBOT)
        assert self.adopt(machine) == []
        assert kept(machine) == StoredPair(ROBOT)
