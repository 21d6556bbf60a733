"""A sign-in whether one is needed or not: with our client by a real worker, without one by what is pasted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, PairKind, StoredPair
from docker_credential_harbor.use_cases import login
from tests.unit.machine import NEVER, ROBOT

if TYPE_CHECKING:
    from tests.unit.machine import Machine

WRONG = ["alice-h", "WrongSecret1"]


def sign_in(machine: Machine) -> list[str]:
    context = machine.context(asked=True)
    return login.sign_in(context, context.registry(machine.name))


def kept(machine: Machine) -> StoredPair | None:
    return machine.context().store.load_stored(machine.registry().key)


class TestWithoutAClient:
    @pytest.fixture(autouse=True)
    def _without(self, machine: Machine) -> None:
        machine.configure(client_id="")
        machine.walk()

    def test_there_is_no_terminal(self, machine: Machine) -> None:
        with pytest.raises(errors.NoTerminal):
            sign_in(machine)

    def test_what_is_pasted_is_kept_as_a_persons(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        machine.typed = [*machine.pair]
        began_at = time.time()
        assert sign_in(machine) == [f"Signed in at {machine.name} as alice-h: Harbor accepts the CLI secret."]
        assert kept(machine) == StoredPair(machine.pair, PairKind.PERSON)
        assert (machine.notes().verified_at or 0) >= began_at
        told = capfd.readouterr().err
        assert "open Harbor's page in a browser on any device: " in told
        assert machine.pair.secret not in told

    def test_harbors_page_opens(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("BROWSER", machine.person.browser_command)
        machine.typed = [*machine.pair]
        sign_in(machine)
        machine.person.wait_for_windows()
        assert machine.person.urls[0].startswith(f"{machine.harbor.url}/c/oidc/login?")
        assert f"opening Harbor's page at {machine.name}" in capfd.readouterr().err

    def test_a_warning_where_a_file_was_not_chosen(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        machine.configure(f'{NEVER}\nstorage = "auto"', client_id="")
        remark = machine.context(asked=True).store.remark(machine.name, stored=True)
        assert remark
        machine.typed = [*machine.pair]
        sign_in(machine)
        assert remark in capfd.readouterr().err

    def test_what_harbor_refuses_is_not_kept(self, machine: Machine) -> None:
        machine.typed = WRONG * 3
        with pytest.raises(errors.PastedPairRefused):
            sign_in(machine)
        assert kept(machine) is None

    def test_nobody_is_asked_for_what_could_not_be_kept(self, machine: Machine) -> None:
        machine.configure(f'{NEVER}\nstorage = "keyring"', client_id="")
        machine.typed = [*machine.pair]
        with pytest.raises(errors.Failure):
            sign_in(machine)
        assert machine.questions == []


class TestWithOurs:
    @pytest.fixture(autouse=True)
    def _person(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BROWSER", machine.person.browser_command)

    def test_a_stored_pair_of_the_very_person_gives_way(self, machine: Machine) -> None:
        machine.keep_stored(Credentials("alice-h", "OfLongAgo1"), PairKind.PERSON)
        machine.walk()
        assert sign_in(machine) == [f"Signed in at {machine.name} as alice-h."]
        sign_in_ = machine.kept_sign_in()
        assert sign_in_
        assert (sign_in_.pair, kept(machine)) == (machine.pair, None)

    def test_anybody_elses_goes_first_which_is_said(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        first, second = sign_in(machine)
        assert first == f"Signed in at {machine.name}, but the stored pair of robot$ci goes first there."
        assert f"docker logout {machine.name}" in second
        assert machine.kept_sign_in()
        assert kept(machine) == StoredPair(ROBOT)

    def test_a_client_that_the_provider_does_not_know(
        self, machine: Machine, capfd: pytest.CaptureFixture[str]
    ) -> None:
        machine.configure(client_id="nobody")
        machine.typed = [*machine.pair]
        machine.walk()
        assert sign_in(machine) == [f"Signed in at {machine.name} as alice-h: Harbor accepts the CLI secret."]
        assert "going on without it: your CLI secret is asked for" in capfd.readouterr().err
        assert kept(machine) == StoredPair(machine.pair, PairKind.PERSON)
