"""The one window: who has it, how it is waited for and ended. Real locks, notes and processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotStarted, NotWritable, SignInEnded, SignInTimedOut
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.sign_in import window, window_note
from docker_credential_harbor.sign_in.window_note import Link, Note
from docker_credential_harbor.system import lock, processes
from tests.unit.slept_time import SleptTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "harbor.example.com"
RUN = "0123456789abcdef"
FIRST = Link("https://harbor.example.com/c/oidc/login", "sign in")
SECOND = Link("https://harbor.example.com/c/oidc/login?again", "finish the sign-in")
NOTE = Note(RUN, NAME, "SIGN_IN", os.getpid(), processes.mark(os.getpid()))
OPENED = NOTE._replace(links=(FIRST,))
ENDED = OPENED._replace(ended=True, asked="DONE")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.delenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", raising=False)


def write(note: Note) -> None:
    window_note.write(note, window_note.room_for_one())


@contextmanager
def worker(note: Note | None) -> Iterator[None]:
    """One that has the window, and has written that."""
    with lock.hold(window_note.lock_path(), 0) as locked:
        assert locked
        if note:
            write(note)
        yield


def gone() -> Note:
    """The note of one that was killed."""
    child = subprocess.Popen(["sleep", "600"])
    mark = processes.mark(child.pid)
    child.kill()
    child.wait()
    return OPENED._replace(pid=child.pid, process=mark)


@pytest.mark.parametrize(
    ("asked_by", "choice"),
    [("get", None), ("login", None), ("login --browser", "browser"), ("login --device", "device")],
)
def test_what_the_person_asked_for(asked_by: str, choice: str | None) -> None:
    assert window.login_choice(asked_by) == choice


class TestUnderWay:
    def test_nobody(self) -> None:
        assert window.under_way() is None

    def test_whoever_has_the_lock_and_has_said_who(self) -> None:
        with worker(OPENED):
            assert window.under_way() == OPENED

    def test_of_another_machine_it_counts_by_its_lock(self) -> None:
        with worker(OPENED._replace(process="another machine 1")):
            assert window.under_way()
        assert window.under_way() is None

    def test_where_there_are_no_locks_by_its_note(self) -> None:
        write(OPENED)
        assert window.under_way() == OPENED

    @pytest.mark.parametrize("said", ["nothing", "that it has ended", "that another one had it, which was killed"])
    def test_nobody_has_said_who(self, said: str) -> None:
        notes = {"nothing": None, "that it has ended": ENDED}
        with worker(notes[said] if said in notes else gone()):
            assert window.under_way() is None

    def test_one_that_was_killed_leaves_nothing_but_a_free_lock(self) -> None:
        with worker(gone()):
            pass
        assert window.under_way() is None
        assert window.wait_until_free(0)

    def test_where_that_cannot_be_told(self) -> None:
        window_note.lock_path().mkdir(parents=True)
        assert window.under_way() is None


class Waiting:
    """What whoever waits is told; ``then`` is what the worker does, one thing each time that it is looked at."""

    def __init__(self, *then: Callable[[], object]) -> None:
        self.then = list(then)
        self.shown: list[Note] = []
        self.left: list[float] = []
        self.reminded = 0

    def count_down(self, left: float) -> None:
        self.left.append(left)
        if self.then:
            self.then.pop(0)()

    def remind(self) -> None:
        self.reminded += 1

    def wait(self, seconds: float = 60, patience_seconds: float = 60) -> object:
        return window.wait(RUN, NAME, seconds, patience_seconds, self.shown.append, self.count_down, self.remind)


class TestWait:
    def test_how_it_ended_and_what_could_be_opened_meanwhile(self) -> None:
        both = OPENED._replace(links=(FIRST, SECOND))
        waiting = Waiting(lambda: write(both), lambda: write(both._replace(ended=True, asked="DONE", lines=("a",))))
        with worker(OPENED):
            assert waiting.wait() == (Asked.DONE, None)
        assert [note.links for note in waiting.shown] == [(FIRST,), (SECOND,), ()]
        assert waiting.shown[-1].lines == ("a",)

    def test_why_it_failed(self) -> None:
        failed = ENDED._replace(asked=None, failure_code="port-busy", failure_message="the port is busy")
        write(failed)
        outcome = window.wait(RUN, NAME, 60)
        assert outcome
        asked, failure = outcome
        assert failure
        assert (asked, failure.note_code, failure.message) == (None, "port-busy", "the port is busy")

    @pytest.mark.parametrize("left", ["no note", "the note of another run", "its own, without an end"])
    def test_one_that_ended_without_a_word(self, left: str) -> None:
        killed = gone()
        notes = {"the note of another run": killed._replace(run="another"), "its own, without an end": killed}
        if left in notes:
            write(notes[left])
        outcome = window.wait(RUN, NAME, 60)
        assert outcome
        assert (outcome[0], type(outcome[1])) == (None, SignInEnded)

    def test_another_one_had_the_window(self) -> None:
        with worker(OPENED._replace(run="another")):
            assert window.wait(RUN, NAME, 60) is None

    def test_another_one_has_it_by_now(self) -> None:
        """Then this run was seen, and has ended."""
        with worker(OPENED):
            outcome = Waiting(lambda: write(OPENED._replace(run="another"))).wait()
        assert isinstance(outcome, tuple)
        assert (outcome[0], type(outcome[1])) == (None, SignInEnded)

    def test_the_time_is_over(self) -> None:
        with worker(OPENED):
            outcome = Waiting().wait(seconds=0.1)
        assert isinstance(outcome, tuple)
        assert (outcome[0], type(outcome[1])) == (None, SignInTimedOut)

    def test_something_else_to_open_has_its_own_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = SleptTime()
        monkeypatch.setattr(window, "time", clock)

        def later() -> None:
            if clock.now < 40:
                waiting.then.append(later)
            else:
                write(OPENED._replace(links=(FIRST, SECOND)))

        waiting = Waiting(later)
        with worker(OPENED):
            waiting.wait(seconds=60, patience_seconds=600)
        assert len(waiting.shown) == 2
        assert 100 < clock.now < 101

    def test_patience(self) -> None:
        with worker(OPENED), pytest.raises(window.OutOfPatience):
            Waiting().wait(patience_seconds=0.1)
        with worker(ENDED):
            assert Waiting().wait(patience_seconds=0) == (Asked.DONE, None), "it has ended by then"

    def test_a_reminder_once_after_a_while(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(window, "REMIND_AFTER_SECONDS", 0.1)
        waiting = Waiting()

        def looks() -> None:
            waiting.then.append(looks if len(waiting.left) < 6 or not waiting.reminded else lambda: write(ENDED))

        looks()
        with worker(OPENED):
            waiting.wait()
        assert waiting.reminded == 1

    def test_the_seconds_that_are_left_to_the_person(self) -> None:
        """The worker's own moments are not theirs; a code may be worth nothing before that."""
        for link, patience_seconds, most in (
            (FIRST, 600.0, 60.0),
            (FIRST, 40.0, 40.0),
            (FIRST._replace(ends_at=time.time() + 20), 600.0, 20.0),
            (FIRST._replace(ends_at=time.time() - 20), 600.0, 0.0),
        ):
            waiting = Waiting(lambda: write(ENDED))
            with worker(OPENED._replace(links=(link,))):
                waiting.wait(60 + window.GRACE_SECONDS, patience_seconds)
            assert max(0, most - 10) <= waiting.left[0] <= most


def test_until_it_is_free() -> None:
    with worker(OPENED):
        assert not window.wait_until_free(0.1)
    write(ENDED)
    assert window.wait_until_free(0)


class TestEnd:
    @pytest.fixture
    def child(self) -> Iterator[subprocess.Popen[bytes]]:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        yield child
        child.kill()
        child.communicate()

    def test_the_worker_of_that_registry(self, child: subprocess.Popen[bytes]) -> None:
        with worker(OPENED._replace(pid=child.pid, process=processes.mark(child.pid))):
            window.end(NAME)
        assert child.wait(60) == -15

    def test_or_that_run_of_it(self, child: subprocess.Popen[bytes]) -> None:
        with worker(OPENED._replace(pid=child.pid, process=processes.mark(child.pid))):
            window.end(NAME, RUN)
        assert child.wait(60) == -15

    @pytest.mark.parametrize(
        "which", ["of another registry", "another run", "another process of that number", "another machine's", "ended"]
    )
    def test_and_nobody_else(self, child: subprocess.Popen[bytes], which: str) -> None:
        its_own = OPENED._replace(pid=child.pid, process=processes.mark(child.pid))
        notes = {
            "another process of that number": OPENED._replace(pid=child.pid),
            "another machine's": OPENED._replace(pid=child.pid, process="another machine 1"),
            "ended": its_own._replace(ended=True),
        }
        with worker(notes.get(which, its_own)):
            window.end("h" if which == "of another registry" else NAME, "x" if which == "another run" else None)
        assert child.stdin
        assert child.stdout
        child.stdin.write(b"still there\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"still there\n"


class TestStart:
    def test_a_worker_with_the_same_configuration_though_it_works_elsewhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = f'[registries."{NAME}"]\nurl = "http://127.0.0.1:9"\n'
        (tmp_path / "config.toml").write_text(f'storage = "file"\nlogin = "browser"\n{table}')
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", "config.toml")
        run = window.start(NAME, Step.SIGN_IN, 0, "get")
        outcome = window.wait(run, NAME, 60)
        assert outcome
        assert outcome[1]
        assert (outcome[0], outcome[1].note_code) == (None, "unreachable")
        note = window_note.read()
        assert note
        assert (note.run, note.registry, note.step, note.links) == (run, NAME, "SIGN_IN", ())
        assert note.pid != os.getpid()
        assert window.wait_until_free(60)

    def test_not_where_it_could_not_say_how_it_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "state").write_text("")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        with pytest.raises(NotWritable):
            window.start(NAME, Step.SIGN_IN, 0, "get")

    def test_not_where_no_process_can_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(NotStarted):
            window.start(NAME, Step.SIGN_IN, 0, "get")
        assert window.under_way() is None
