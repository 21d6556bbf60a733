"""The loop around the policy: what is taken over from others, saved, handed out; the worker here is a thread's note."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.errors import Failure, FoundOut
from docker_credential_harbor.model import Credentials, PairKind
from docker_credential_harbor.person.reaching import Reach
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.sign_in import window, window_note
from docker_credential_harbor.sign_in.window_note import Note
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system import lock
from docker_credential_harbor.use_cases import get
from docker_credential_harbor.warm_get import remembered
from tests.lab.processes import wait_until
from tests.unit.machine import NEVER, ROBOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker_credential_harbor.context import Context
    from tests.unit.machine import Machine

RUN = "0123456789abcdef"
BROWSER = Reach("browser", "somebody is there")
PROBE = "/service/token"


def pair_of(machine: Machine, context: Context | None = None) -> Credentials:
    context = context or machine.context()
    return get.credentials(context, context.registry(machine.name))


def with_person(machine: Machine, reach: Reach = BROWSER) -> Context:
    return machine.context().with_reach(reach)


def refused(machine: Machine, context: Context | None = None) -> Failure:
    with pytest.raises(Failure) as raised:
        pair_of(machine, context)
    return raised.value


@contextmanager
def worker(
    machine: Machine,
    do: Callable[[], object] = lambda: None,
    *,
    registry: str | None = None,
    asked_before: bool = True,
    **ended: str,
) -> Iterator[None]:
    """Somebody else's window: once the `get` has asked and waits, ``do`` is done and it ends with ``ended``."""
    note = Note(RUN, registry or machine.name, Step.RENEW_HARBOR_SIDE.name, os.getpid())
    room = window_note.room_for_one()
    is_ready, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with lock.hold(window_note.lock_path(), 0):
            window_note.write(note, room)
            is_ready.set()
            if asked_before:
                wait_until(lambda: machine.asked() != [], "a request")
                wait_until(lambda: not lock.is_held(registry_lock.path(machine.name)), "the lock to be given back")
            may_end.wait(0 if ended else 30)
            do()
            if ended:
                window_note.write(note._replace(ended=True, **ended), room)  # type: ignore[arg-type]

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert is_ready.wait(30)
    try:
        yield
    finally:
        may_end.set()
        thread.join(30)
        room.give_back()


class TestWhatHarborSays:
    def test_a_pair_that_works(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        pair, began_at = machine.sign_in(), time.time()
        assert pair_of(machine) == pair
        assert PROBE in machine.asked()
        assert (machine.notes().verified_at or 0) >= began_at
        assert capfd.readouterr().err == ""

    def test_another_one_is_there_now_and_is_kept(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert pair_of(machine) == Credentials("alice-h", "Another-Secret-0123456789")
        kept = machine.kept_sign_in()
        assert kept
        assert kept.pair == machine.pair

    def test_the_kind_of_a_stored_pair_is_found_out_once(self, machine: Machine) -> None:
        machine.harbor.add_local("ci", "LocalSecret1")
        machine.keep_stored(Credentials("ci", "LocalSecret1"))
        assert pair_of(machine).username == "ci"
        stored = machine.context().store.load_stored(machine.registry().key)
        assert stored
        assert stored.kind is PairKind.LOCAL
        machine.harbor.clear_requests()
        assert pair_of(machine).username == "ci"
        assert machine.asked() == []

    def test_none_and_why_is_noted(self, machine: Machine) -> None:
        assert isinstance(refused(machine), errors.NobodyToAsk)
        assert machine.notes().outcome_code == errors.NobodyToAsk.code

    def test_harbor_is_away(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        pair = machine.sign_in()
        machine.harbor.down()
        assert pair_of(machine) == pair
        [line] = capfd.readouterr().err.splitlines()
        assert f"the pair for {machine.name} could not be verified: " in line
        assert machine.notes().verified_at is None
        machine.harbor.up()
        machine.harbor.kill_stored_token("alice-h")
        assert isinstance(refused(machine), errors.NobodyToAsk), "a warning is no word of Harbor's"

    def test_harbor_is_away_and_there_is_no_pair(self, machine: Machine) -> None:
        machine.keep_sign_in()
        machine.harbor.down()
        assert isinstance(refused(machine), errors.Unreachable)


class TestWhatOthersFoundOut:
    def test_a_remembered_pair(self, machine: Machine) -> None:
        machine.configure(f"{NEVER}\ncache_ttl = 300")
        pair = machine.sign_in()
        try:
            assert pair_of(machine) == pair
            [secrets] = machine.home.path.rglob("secrets.json")
            secrets.write_text("{")
            machine.harbor.down()
            assert pair_of(machine) == pair, "without a look at anything else"
        finally:
            remembered.forget(machine.name)

    def test_a_pair_that_passed_since_this_get_began(self, machine: Machine) -> None:
        pair, context = machine.sign_in(), machine.context()
        machine.note(verified_at=context.began_at - 1, config_stamp=context.stamp_digest)
        assert pair_of(machine, context) == pair
        assert machine.asked() != [], "what was before it began does not count"
        machine.harbor.clear_requests()
        machine.note(verified_at=context.began_at, config_stamp=context.stamp_digest)
        assert pair_of(machine, context) == pair
        assert machine.asked() == []

    def test_why_there_is_none(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        pair, context = machine.sign_in(), machine.context()
        told = {"outcome_began_at": context.began_at, "config_stamp": context.stamp_digest}
        machine.note(**told, outcome_code=errors.RefusedAfterLogin.code, outcome_message="it did not help")
        assert str(refused(machine, context)) == "it did not help"
        machine.note(**told, outcome_code=errors.NoAnswer.code, outcome_message="no answer")
        assert pair_of(machine, context) == pair
        assert "could not be verified: no answer" in capfd.readouterr().err
        assert machine.asked() == []


class TestWithoutTheLock:
    def test_nothing_is_asked_and_nothing_noted(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        pair = machine.sign_in()
        context = with_person(machine)
        context.allowance = context.allowance._replace(ends_at=0.0)
        before = machine.notes()
        with registry_lock.held(machine.name, 0):
            assert pair_of(machine, context) == pair
        assert "another get for" in capfd.readouterr().err
        assert (machine.asked(), machine.notes()) == ([], before)

    def test_nobody_is_asked_either(self, machine: Machine) -> None:
        context = with_person(machine)
        context.allowance = context.allowance._replace(ends_at=0.0)
        with registry_lock.held(machine.name, 0):
            assert isinstance(refused(machine, context), errors.Busy)


class TestWhatNobodyForesaw:
    @pytest.fixture(autouse=True)
    def _broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(window, "under_way", fail)

    def test_the_last_known_pair(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        machine.sign_in()
        assert pair_of(machine) == machine.pair
        assert "could not be verified: finding out broke off (ZeroDivisionError)" in capfd.readouterr().err

    def test_there_is_none(self, machine: Machine) -> None:
        assert isinstance(refused(machine), errors.BrokeOff)

    def test_what_is_kept_cannot_be_read_either(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        [secrets] = machine.home.path.rglob("secrets.json")
        secrets.write_text("{")
        assert isinstance(refused(machine), errors.BrokeOff)


class TestAWindow:
    @pytest.fixture(autouse=True)
    def _refused(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")

    def test_of_the_same_registry_is_joined_whatever_the_pause(self, machine: Machine) -> None:
        machine.note(declines=1, declined_at=time.time())
        with worker(machine, machine.walk, asked=Asked.DONE.name):
            assert pair_of(machine, with_person(machine)) == machine.pair

    def test_of_another_one_is_waited_for(self, machine: Machine) -> None:
        with worker(machine, machine.walk, registry="other.example.com", asked=Asked.DONE.name):
            assert pair_of(machine, with_person(machine)) == machine.pair

    def test_of_another_one_that_takes_too_long(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        with worker(machine, registry="other.example.com"):
            assert pair_of(machine, with_person(machine, BROWSER._replace(patience_seconds=0.0))) == machine.pair
        assert "could not be verified: another sign-in for another registry" in capfd.readouterr().err

    def test_that_ended_badly_is_the_reason_and_is_noted(self, machine: Machine) -> None:
        with worker(machine, failure_code=errors.SignInDeclined.code, failure_message="declined", failure_fix="again"):
            found = refused(machine, with_person(machine))
        assert isinstance(found, FoundOut)
        assert (found.note_code, str(found)) == (errors.SignInDeclined.code, "declined: again")
        assert machine.notes().last_window == machine.notes().outcome_code == errors.SignInDeclined.code

    def test_that_could_not_reach_harbor_gives_the_known_pair(self, machine: Machine) -> None:
        with worker(machine, failure_code=errors.NoAnswer.code, failure_message="no answer"):
            assert pair_of(machine, with_person(machine)) == machine.pair
        assert machine.notes().last_window is None

    def test_that_a_caller_does_not_wait_for(self, machine: Machine) -> None:
        """Its patience begins when the window opened, for whoever asks again."""
        machine.note(declined_at=time.time() - 601)
        reach = BROWSER._replace(patience_seconds=600, impatience="podman asks for every registry")
        with worker(machine):
            found = refused(machine, with_person(machine, reach))
        assert isinstance(found, errors.SignInGoesOn)
        assert "(podman asks for every registry)" in str(found)

    def test_after_which_harbor_is_away_has_not_failed_for_that(self, machine: Machine) -> None:
        machine.keep_sign_in()
        machine.harbor.users.remove("alice-h")
        with worker(machine, machine.harbor.down, asked=Asked.DONE.name):
            assert isinstance(refused(machine, with_person(machine)), errors.Unreachable)
        assert machine.notes().last_window is None

    def test_that_another_get_asks_in_needs_no_request_before(self, machine: Machine) -> None:
        machine.note(asking_run=RUN)
        with worker(machine, machine.walk, asked_before=False, asked=Asked.DONE.name):
            assert machine.asked() == []
            assert pair_of(machine, with_person(machine)) == machine.pair

    def test_is_nothing_to_whom_nobody_can_be_asked(self, machine: Machine) -> None:
        machine.note(asking_run=RUN)
        with worker(machine):
            assert isinstance(refused(machine), errors.NobodyToAsk)

    def test_none_opens_while_a_pause_lasts(self, machine: Machine) -> None:
        machine.note(declines=1, declined_at=time.time())
        assert isinstance(refused(machine, with_person(machine)), errors.SignInPaused)


class TestByTicket:
    """Where there is none; those that there are, are in flows."""

    def test_what_is_kept_stays(self, machine: Machine) -> None:
        machine.sign_in()
        before = machine.kept_sign_in()
        context = machine.context(asked=True)
        assert get.sign_in_by_ticket(context, context.registry(machine.name)) is None
        assert machine.kept_sign_in() == before
        assert machine.notes().outcome_code is None

    def test_another_one_is_at_it(self, machine: Machine) -> None:
        context = machine.context()
        context.allowance = context.allowance._replace(ends_at=0.0)
        with registry_lock.held(machine.name, 0), pytest.raises(errors.Busy):
            get.sign_in_by_ticket(context, context.registry(machine.name))
