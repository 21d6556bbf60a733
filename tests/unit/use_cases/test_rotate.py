"""A new CLI secret: set at Harbor, kept, verified; and one that nobody keeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.use_cases import rotate
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from docker_credential_harbor.model import Credentials
    from tests.unit.conftest import MakeMachine
    from tests.unit.machine import Machine


def rotated(machine: Machine) -> Credentials:
    context = machine.context()  # which asks nobody: no window can open here
    return rotate.rotate(context, context.registry(machine.name))


def throw_away(machine: Machine) -> None:
    context = machine.context()
    rotate.throw_away(context, context.registry(machine.name))


class TestRotate:
    def test_the_new_one_counts_and_is_kept(self, machine: Machine) -> None:
        before, began_at = machine.sign_in(), time.time()
        pair = rotated(machine)
        assert pair == machine.pair != before
        kept = machine.kept_sign_in()
        assert kept
        assert kept.pair == pair
        assert (machine.notes().verified_at or 0) >= began_at
        http = machine.context().transport(machine.registry())
        assert not harbor.probe(http, machine.registry(), before)

    def test_the_id_token_is_over(self, machine: Machine) -> None:
        machine.sign_in(id_token_expires_at=1.0)
        assert rotated(machine) == machine.pair
        kept = machine.kept_sign_in()
        assert kept
        assert kept.tokens.id_token_expires_at > time.time()

    def test_without_a_client(self, machine: Machine) -> None:
        machine.configure(client_id="")
        with pytest.raises(errors.NoSignInToRotate):
            rotated(machine)

    def test_a_stored_pair_goes_first(self, machine: Machine) -> None:
        before = machine.sign_in()
        machine.keep_stored(ROBOT)
        with pytest.raises(errors.StoredPairGoesFirst):
            rotated(machine)
        assert machine.pair == before

    def test_nobody_is_signed_in_and_can_be_asked(self, machine: Machine) -> None:
        with pytest.raises(errors.NobodyToAsk):
            rotated(machine)

    def test_harbor_refuses_the_new_one(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its own token died right then; the new secret is kept, since it is the one that counts."""
        machine.sign_in()
        set_secret = harbor.set_cli_secret

        def set_and_end(*arguments: object) -> None:
            set_secret(*arguments)  # type: ignore[arg-type]
            machine.harbor.kill_stored_token("alice-h")

        monkeypatch.setattr(harbor, "set_cli_secret", set_and_end)
        with pytest.raises(errors.StillRefused):
            rotated(machine)
        kept = machine.kept_sign_in()
        assert kept
        assert kept.pair == machine.pair
        assert machine.notes().verified_at is None, "no get takes it for a pair that works"


class TestThrowAway:
    def test_nobody_knows_the_new_one(self, machine: Machine) -> None:
        before = machine.sign_in()
        machine.note(verified_at=time.time() - 5, trusted_until=time.time() + 60)
        throw_away(machine)
        assert machine.pair != before
        kept = machine.kept_sign_in()
        assert kept
        assert kept.pair == before
        assert (machine.notes().verified_at, machine.notes().trusted_until) == (None, None)

    def test_beside_a_stored_pair_too(self, machine: Machine) -> None:
        before = machine.sign_in()
        machine.keep_stored(ROBOT)
        throw_away(machine)
        assert machine.pair != before

    def test_nobody_is_signed_in(self, machine: Machine) -> None:
        with pytest.raises(errors.NoSignInToRotate):
            throw_away(machine)

    def test_the_sign_in_has_ended(self, machine: Machine) -> None:
        before = machine.sign_in(id_token_expires_at=1.0, refresh_token="of no use")
        with pytest.raises(errors.NoSignInToRotate):
            throw_away(machine)
        assert machine.pair == before

    def test_harbor_does_not_know_them(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.users.remove("alice-h")
        with pytest.raises(errors.NoSignInToRotate):
            throw_away(machine)

    def test_an_id_token_that_is_not_for_this_harbor(self, make_machine: MakeMachine) -> None:
        machine = make_machine(realm={"audience_mapper": False})
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        context = machine.context()
        redirect = harbor.login_redirect(context.transport(machine.registry()), machine.registry())
        machine.note(redirect=redirect)
        with pytest.raises(errors.AudienceMissing):
            throw_away(machine)
