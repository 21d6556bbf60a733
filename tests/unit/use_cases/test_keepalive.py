"""What comes of keeping a registry's sessions alive, and what can be known of how long they last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, EarlyEnds, PairKind
from docker_credential_harbor.policy import durations
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.use_cases import keepalive
from docker_credential_harbor.use_cases.keepalive import Sessions, Upkeep
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from tests.unit.conftest import MakeMachine
    from tests.unit.machine import Machine

ALIVE = Upkeep("alice-h")
WRONG = Credentials("alice-h", "AnotherSecret1")
OVER = {"id_token_expires_at": 1.0}


def keep_alive(machine: Machine, context: Context | None = None) -> Upkeep:
    context = (context or machine.context()).without_person("keepalive asks nobody")
    return keepalive.keep_alive(context, context.registry(machine.name))


def sessions(machine: Machine) -> Sessions:
    context = machine.context(asked=True)
    return keepalive.sessions(context, context.registry(machine.name))


class TestAlive:
    def test_harbor_is_asked_even_within_the_trust_window(self, machine: Machine) -> None:
        machine.sign_in()
        machine.note(trusted_until=time.time() + 60, config_stamp=machine.context().stamp_digest)
        machine.harbor.expire_stored_access_token("alice-h")
        refreshed, ours = machine.harbor.refreshes, machine.refreshes()
        assert keep_alive(machine) == ALIVE
        assert machine.harbor.refreshes == refreshed + 1
        assert machine.refreshes() == ours, "they are not due"

    def test_our_own_tokens_when_they_are_due(self, machine: Machine) -> None:
        machine.sign_in(**OVER)
        refreshed = machine.refreshes()
        assert keep_alive(machine) == ALIVE
        assert machine.refreshes() == refreshed + 1
        kept = machine.kept_sign_in()
        assert kept
        assert kept.tokens.id_token_expires_at > time.time()
        assert machine.notes().provider, "what was found out on the way is kept"

    def test_a_persons_stored_pair(self, machine: Machine) -> None:
        machine.walk()
        machine.keep_stored(machine.pair, PairKind.PERSON)
        assert keep_alive(machine) == ALIVE

    def test_what_outlives_an_early_end_was_none(self, machine: Machine) -> None:
        machine.sign_in()
        ends = EarlyEnds(2, 60.0, "then")
        machine.note(early_ends=ends, verified_at=time.time() - 30)
        assert keep_alive(machine) == ALIVE
        assert machine.notes().early_ends == ends
        machine.note(verified_at=time.time() - 90)
        assert keep_alive(machine) == ALIVE
        assert machine.notes().early_ends is None


class TestNothing:
    def test_a_robots_pair(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        assert keep_alive(machine) == Upkeep(nothing="a robot's or local account's pair has no session")
        assert machine.asked() == []

    def test_nobody_is_signed_in(self, machine: Machine) -> None:
        assert keep_alive(machine) == Upkeep(nothing="nobody is signed in")

    def test_somebody_else_is_at_it(self, machine: Machine) -> None:
        machine.sign_in()
        context = machine.context()
        context.allowance = context.allowance._replace(ends_at=0.0)
        with registry_lock.held(machine.name, 0):
            assert keep_alive(machine, context) == Upkeep(nothing="in use by another process just now")
        assert machine.asked() == []


class TestAProblem:
    def test_harbors_own_sign_in_has_ended(self, machine: Machine) -> None:
        machine.sign_in(**OVER)
        machine.harbor.kill_stored_token("alice-h")
        done = keep_alive(machine)
        assert isinstance(done.problem, errors.SessionEnded)
        assert (done.username, done.is_known) == ("alice-h", False)
        assert done.problem.remedy == f"run: docker-credential-harbor login {machine.name}"
        kept = machine.kept_sign_in()
        assert kept
        assert kept.tokens.id_token_expires_at > time.time(), "ours are worth keeping whatever Harbor says"

    def test_it_ends_each_time_by_itself(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.note(early_ends=EarlyEnds(1, 60.0, "then"))
        done = keep_alive(machine)
        assert isinstance(done.problem, errors.HarborNotKeptAlive)
        machine.note(last_window=errors.RefusedAfterLogin.code)
        assert isinstance(keep_alive(machine).problem, errors.SessionEnded), "and a person has tried to mend it"

    def test_nor_can_ours_be_refreshed(self, machine: Machine) -> None:
        machine.sign_in(refresh_token="of no use", refresh_token_life_seconds=600, refreshed_at=time.time() - 500)
        machine.harbor.kill_stored_token("alice-h")
        machine.note(early_ends=EarlyEnds(1, 60.0, "then"))
        assert isinstance(keep_alive(machine).problem, errors.SessionEnded), "a person has to begin something anew"

    def test_ours_alone_has_ended(self, machine: Machine) -> None:
        machine.sign_in(**OVER, refresh_token="of no use")
        done = keep_alive(machine)
        assert isinstance(done.problem, errors.OwnSessionEnded)
        assert not done.is_known

    def test_a_stored_pair_that_is_refused(self, machine: Machine) -> None:
        machine.keep_stored(WRONG)
        assert isinstance(keep_alive(machine).problem, errors.StoredPairRefused)
        stored = machine.context().store.load_stored(machine.registry().key)
        assert stored
        assert stored.kind is PairKind.UNKNOWN, "the next get is the first to look at it"

    def test_harbor_cannot_ask_its_provider_about_it(self, machine: Machine) -> None:
        machine.keep_stored(WRONG)
        machine.harbor.provider.issuer = "http://127.0.0.1:9/realms/gone"
        machine.harbor.provider.kept_seconds = 0
        assert isinstance(keep_alive(machine).problem, errors.HarborCannotReachProvider)

    def test_an_outage_is_known_the_second_time(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.down()
        first, second = keep_alive(machine), keep_alive(machine)
        assert isinstance(first.problem, errors.Unreachable)
        assert (first.is_known, second.is_known) == (False, True)
        assert str(second.problem) == str(first.problem)

    def test_the_provider_is_away_while_harbor_has_a_token(self, machine: Machine) -> None:
        machine.sign_in(**OVER)
        gone = "http://127.0.0.1:9/realms/gone"
        machine.configure(issuer=gone)
        machine.keep_sign_in(machine.pair, **OVER, issuer=gone)
        done = keep_alive(machine)
        assert isinstance(done.problem, errors.Unreachable)
        assert done.is_known, "pulls work all the same"

    def test_what_is_kept_cannot_be_read(self, machine: Machine) -> None:
        machine.sign_in()
        [secrets] = machine.home.path.rglob("secrets.json")
        secrets.write_text("{")
        assert isinstance(keep_alive(machine).problem, errors.StoreDamaged)


class TestSessions:
    def test_a_robots_needs_none(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        assert sessions(machine) == Sessions(needs_none=True, harbor_has_offline_access=None, life_seconds=None)

    def test_nobody_is_signed_in(self, machine: Machine) -> None:
        assert sessions(machine) == Sessions(needs_none=False, harbor_has_offline_access=False, life_seconds=None)

    @pytest.mark.parametrize("scopes", ["openid offline_access", "openid"])
    def test_harbors_scopes(self, make_machine: MakeMachine, scopes: str) -> None:
        machine = make_machine(scopes=scopes)
        machine.sign_in(refresh_token_life_seconds=durations.DAY)
        found = sessions(machine)
        assert found == Sessions(False, "offline" in scopes, durations.DAY)

    def test_what_harbor_said_last_where_it_cannot_be_asked(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        keep_alive(machine)
        machine.harbor.down()
        assert sessions(machine).harbor_has_offline_access is False
        machine.note(redirect=None)
        assert sessions(machine).harbor_has_offline_access is None

    def test_the_provider_gave_us_no_refresh_token(self, machine: Machine) -> None:
        machine.sign_in(refresh_token=None)
        assert sessions(machine).no_refresh_token

    def test_how_soon_harbors_own_ends(self, machine: Machine) -> None:
        machine.sign_in()
        machine.note(early_ends=EarlyEnds(2, 60.0, "then"))
        assert sessions(machine).harbor_ends_after == 60
