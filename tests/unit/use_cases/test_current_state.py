"""A registry as `status` and `doctor` see it: every state, and what shows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, PairKind
from docker_credential_harbor.policy.known import Step
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.use_cases import current_state
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    import pytest

    from docker_credential_harbor.use_cases.current_state import Due, Survey
    from tests.unit.conftest import MakeMachine
    from tests.unit.machine import Machine

WRONG = Credentials("alice-h", "AnotherSecret1")


def survey(machine: Machine) -> Survey:
    context = machine.context(asked=True)
    return current_state.survey(context, context.registry(machine.name))


def due(machine: Machine, state: str, step: Step) -> Due:
    found = survey(machine)
    assert (found.state, found.failure) == (state, None)
    assert found.due
    assert found.due.step is step
    return found.due


class TestNothingIsDue:
    def test_a_pair_that_harbor_accepts(self, machine: Machine) -> None:
        machine.sign_in()
        machine.note(trusted_until=time.time() + 60, config_stamp=machine.context().stamp_digest)
        began_at = time.time()
        found = survey(machine)
        assert (found.state, found.failure, found.due) == ("ready", None, None)
        assert "/service/token" in machine.asked(), "even within the trust window"
        assert (machine.notes().verified_at or 0) >= began_at

    def test_a_robots_is_not_asked_about(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        assert survey(machine).state == "ready"
        assert machine.asked() == []

    def test_a_stored_pair_that_is_refused_at_its_first_look(self, machine: Machine) -> None:
        machine.keep_stored(WRONG)
        machine.note(trusted_until=time.time() + 60, last_window="still-refused", verified_at=1.0)
        found = survey(machine)
        assert (found.state, found.failure, found.due) == ("refused", None, None)
        assert (machine.notes().trusted_until, machine.notes().verified_at) == (None, None), (
            "no get hands it out so long"
        )
        assert machine.notes().last_window == "still-refused"

    def test_of_which_harbor_cannot_ask_its_provider(self, machine: Machine) -> None:
        machine.keep_stored(WRONG)
        machine.harbor.provider.issuer = "http://127.0.0.1:9/realms/gone"
        machine.harbor.provider.kept_seconds = 0
        found = survey(machine)
        assert found.state == "unreachable"
        assert isinstance(found.failure, errors.HarborCannotReachProvider)


class TestAPersonIsNeeded:
    def test_nobody_is_signed_in(self, machine: Machine) -> None:
        told = due(machine, "signed-out", Step.SIGN_IN)
        assert told.finding == f"nobody is signed in at {machine.name}"
        assert told.todo == f"run: docker-credential-harbor login {machine.name}"
        assert isinstance(told.hindrance, errors.NobodyToAsk), "which is not of the command, but of the next pull"

    def test_whoever_looks_is_not_who_would_be_asked(self, machine: Machine) -> None:
        context = machine.context()
        assert context.reach.way == "nobody"
        found = current_state.survey(context, machine.registry())
        assert (found.state, found.due is not None) == ("signed-out", True)

    def test_without_a_client(self, machine: Machine) -> None:
        machine.configure(client_id="")
        found = survey(machine)
        assert (found.state, found.due) == ("signed-out", None)
        assert isinstance(found.failure, errors.NoClient)

    def test_the_next_pull_asks(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.configure("")
        monkeypatch.setenv("BROWSER", "true")
        assert due(machine, "signed-out", Step.SIGN_IN).hindrance is None
        machine.note(declines=1, declined_at=time.time())
        told = due(machine, "signed-out", Step.SIGN_IN)
        assert isinstance(told.hindrance, errors.SignInPaused)

    def test_harbors_own_sign_in_has_ended(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        told = due(machine, "harbor-session-ended", Step.RENEW_HARBOR_SIDE)
        refused = "the CLI secret of alice-h is right, and Harbor refuses it"
        assert told.finding == f"{refused}: Harbor's own sign-in has ended"
        assert told.tried is None

    def test_why_the_last_window_did_not_help(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.note(last_window=errors.RefusedAfterLogin.code, declines=1, declined_at=time.time() - 600)
        told = due(machine, "harbor-session-ended", Step.RENEW_HARBOR_SIDE)
        assert isinstance(told.tried, errors.RefusedAfterLogin)
        assert told.tried_ago == "last tried 10 minutes ago"
        assert told.todo == told.tried.fix
        assert machine.notes().last_window == errors.RefusedAfterLogin.code, "the next look says so, too"
        machine.note(last_window=errors.NotOnboarded.code)
        assert due(machine, "harbor-session-ended", Step.RENEW_HARBOR_SIDE).tried is None, "what is not so any more"

    def test_both_sign_ins_have_ended(self, machine: Machine) -> None:
        machine.sign_in(id_token_expires_at=1.0, refresh_token="of no use")
        machine.harbor.kill_stored_token("alice-h")
        told = due(machine, "signed-out", Step.SIGN_IN)
        ended = f"the sign-in of alice at {machine.name} has ended"
        assert told.finding == f"{ended}, and Harbor refuses the CLI secret of alice-h"

    def test_a_sign_in_that_has_ended_before_it_had_a_pair(self, machine: Machine) -> None:
        machine.keep_sign_in(id_token_expires_at=1.0, refresh_token="of no use")
        told = due(machine, "signed-out", Step.SIGN_IN)
        assert told.finding == f"the sign-in of alice at {machine.name} has ended"

    def test_harbor_does_not_know_the_person(self, machine: Machine) -> None:
        machine.keep_sign_in()
        machine.harbor.users.remove("alice-h")
        told = due(machine, "not-onboarded", Step.RENEW_HARBOR_SIDE)
        assert told.finding == f"Harbor at {machine.name} does not know alice yet"

    def test_a_persons_stored_pair(self, machine: Machine) -> None:
        machine.keep_stored(WRONG, PairKind.PERSON)
        told = due(machine, "refused", Step.RENEW_HARBOR_SIDE)
        assert told.finding == (
            f"Harbor at {machine.name} refuses the CLI secret of alice-h: Harbor's own sign-in has ended, or the "
            "secret was replaced"
        )
        assert told.todo == f"open {machine.harbor.url}/c/oidc/login in a browser and try again"


class TestNothingCouldBeFoundOut:
    def test_harbor_is_away(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.down()
        found = survey(machine)
        assert found.state == "unreachable"
        assert isinstance(found.failure, errors.Unreachable)
        assert found.known
        assert found.known.pair

    def test_another_get_has_the_registry(self, machine: Machine) -> None:
        machine.sign_in()
        context = machine.context()
        context.allowance = context.allowance._replace(ends_at=0.0)
        before = machine.notes()
        with registry_lock.held(machine.name, 0):
            found = current_state.survey(context, context.registry(machine.name))
        assert found.state == "unreachable"
        assert isinstance(found.failure, errors.Busy)
        assert (machine.asked(), machine.notes()) == ([], before)

    def test_what_is_kept_cannot_be_read(self, machine: Machine) -> None:
        machine.sign_in()
        [secrets] = machine.home.path.rglob("secrets.json")
        secrets.write_text("{")
        found = survey(machine)
        assert (found.state, found.known) == ("refused", None)
        assert isinstance(found.failure, errors.StoreDamaged)

    def test_of_what_a_sign_in_can_still_be_said(self, make_machine: MakeMachine) -> None:
        machine = make_machine(realm={"audience_mapper": False})
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        found = survey(machine)
        assert found.state == "refused"
        assert isinstance(found.failure, errors.AudienceMissing)
