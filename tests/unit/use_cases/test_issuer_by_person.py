"""A person at the terminal says which provider is a registry's; what is kept of a yes, and what of anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Pin, Registry
from docker_credential_harbor.use_cases import issuer_by_person

if TYPE_CHECKING:
    from tests.unit.machine import Machine

BEFORE = "https://sso.example.com"


class SignIn:
    """One that fails until the registry is held to another issuer."""

    def __init__(self, machine: Machine, failure: errors.Failure | None = None) -> None:
        self.machine = machine
        self.times = 0
        issuer = machine.realm.issuer
        self.failure = failure or errors.AnotherIssuer(registry=machine.name, issuer=issuer, pinned=BEFORE)

    def __call__(self) -> str:
        self.times += 1
        if self.machine.notes().pin == Pin(BEFORE, "", ""):
            raise self.failure
        return "signed in"

    def taking_another(self) -> str:
        self.machine.note(pin=Pin(BEFORE, "", ""), outcome_code="another-issuer", outcome_began_at=1.0)
        context = self.machine.context(asked=True)
        return issuer_by_person.taking_another(context, context.registry(self.machine.name), self)


class TestTakingAnother:
    def test_nobody_is_asked_where_that_is_not_so(self, machine: Machine) -> None:
        machine.typed = ["y"]
        context = machine.context(asked=True)
        assert issuer_by_person.taking_another(context, machine.registry(), SignIn(machine)) == "signed in"
        assert machine.questions == []

    def test_on_a_yes_once_more(self, machine: Machine) -> None:
        machine.typed = ["yes"]
        sign_in = SignIn(machine)
        assert sign_in.taking_another() == "signed in"
        assert sign_in.times == 2
        assert machine.notes().pin == Pin(machine.realm.issuer, "", ""), "which has vouched for nothing yet"
        assert machine.notes().outcome_code is None, "that was of the old one"
        [question] = machine.questions
        assert f"signs in at {machine.realm.issuer} now, not at {BEFORE}" in question
        assert f"Sign in at {machine.realm.issuer} from now on?" in question

    @pytest.mark.parametrize("typed", [["n"], [""], [], None], ids=["no", "nothing", "Ctrl-D", "no terminal"])
    def test_not_for_anything_else(self, machine: Machine, typed: list[str] | None) -> None:
        machine.typed = typed
        sign_in = SignIn(machine)
        with pytest.raises(errors.FoundOut) as raised:
            sign_in.taking_another()
        assert raised.value.note_code == errors.AnotherIssuer.code
        assert f"[registries.'{machine.name}']" in raised.value.fix.replace('"', "'")
        assert (sign_in.times, machine.notes().pin) == (1, Pin(BEFORE, "", ""))

    def test_another_failure_is_no_question(self, machine: Machine) -> None:
        machine.typed = ["y"]
        with pytest.raises(errors.SignInDeclined):
            SignIn(machine, errors.SignInDeclined(registry=machine.name, reason="no")).taking_another()
        assert machine.questions == []


class TestConfirm:
    def confirm(self, machine: Machine, typed: list[str] | None) -> str | None:
        machine.typed = typed
        failure = errors.IssuerUnconfirmed(registry=machine.name, issuer=machine.realm.issuer, reason="it sends no iss")
        return issuer_by_person.confirm(machine.name, failure)

    def test_a_yes_is_written_down(self, machine: Machine) -> None:
        line = self.confirm(machine, ["y"])
        assert line
        assert str(machine.configuration) in line
        assert machine.registry() == Registry(machine.name, machine.harbor.url, machine.realm.issuer)
        assert "Whoever runs" in machine.questions[0], "the risk is said"

    @pytest.mark.parametrize("typed", [["n"], [], None], ids=["no", "Ctrl-D", "no terminal"])
    def test_nothing_is_for_anything_else(self, machine: Machine, typed: list[str] | None) -> None:
        before = machine.configuration.read_text()
        assert self.confirm(machine, typed) is None
        assert machine.configuration.read_text() == before

    def test_without_a_terminal_harbor_is_not_even_asked(self, machine: Machine) -> None:
        self.confirm(machine, None)
        assert machine.asked() == []
