"""A `get`, or the worker that it started, killed at a random moment; and what is looked at afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from docker_credential_harbor.system import lock
from tests.lab.processes import alive, wait_until
from tests.lab.workplace import expire_kept_id_token

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.lab.workplace import Workplace

REFRESH, SAVE, RENEWAL, SIGN_IN = "refresh", "save", "renewal", "sign-in"
PHASES = (REFRESH, SAVE, RENEWAL, SIGN_IN)
STATES = {"ready", "harbor-session-ended", "not-onboarded", "signed-out", "refused", "unreachable"}


@dataclass
class Killer:
    """One long-lived workplace, in which every run is made necessary, killed, and followed by one that must work."""

    workplace: Workplace
    random: random.Random
    counted: Counter[str] = field(default_factory=Counter)
    _secrets: int = 0
    _usual_seconds: dict[str, float] = field(default_factory=dict)

    def kill_one(self, phase: str) -> bool:
        """One run that is killed, and all that must be true afterwards. False: it was over before the moment came."""
        seconds = self._usual_seconds.get(phase) or self._measure(phase)
        windows = self._prepare(phase)
        run = self.workplace.start_get()
        try:
            run.wait(self.random.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            victim = self.random.choice([run.pid, *self.workers()])
            with suppress(ProcessLookupError):  # a worker that has just ended by itself
                os.kill(victim, signal.SIGKILL)
            who = "get" if victim == run.pid else "worker"
            self.counted[f"{phase}, {who}"] += 1
        else:
            who = "nobody"
        _, errors = run.communicate(timeout=120)
        assert all(line.startswith(b"docker-credential-harbor: ") for line in errors.splitlines()), errors
        wait_until(lambda: not self.workers(), "the worker to end", 60)
        wait_until(lambda: not self._held_locks(), "what outlives a killed get to end", 60)
        self._wait_for_the_person()
        self._look_at_what_is_kept()
        if phase in (REFRESH, SAVE):
            self._works_without_a_person(windows)
        else:
            self._works_after_a_pause(phase, who, windows)
        return who != "nobody"

    def workers(self) -> list[int]:
        """The workers of this workplace that run now."""
        pattern = f"_ask-the-person .* {self.workplace.name}"
        found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
        return [pid for pid in map(int, found.stdout.split()) if alive(pid)]

    def _measure(self, phase: str) -> float:
        """How long it takes when nobody is killed."""
        self._prepare(phase)
        started_at = time.monotonic()
        self._must_work()
        self._usual_seconds[phase] = time.monotonic() - started_at
        return self._usual_seconds[phase]

    def _prepare(self, phase: str) -> int:
        """Makes a run of that phase necessary; the windows so far."""
        if phase == REFRESH:
            expire_kept_id_token(self.workplace)
        if phase in (REFRESH, SAVE):
            self._secrets += 1
            self.workplace.harbor.set_secret("alice-h", f"Secret-Number-{self._secrets:09d}")
        elif phase == RENEWAL:
            self.workplace.harbor.kill_stored_token("alice-h")
        else:
            assert self.workplace.helper.run("erase", self.workplace.name).returncode == 0
        self.workplace.end_trust_window()
        return self.workplace.person.windows

    def _held_locks(self) -> list[Path]:
        return [path for path in self.workplace.helper.home.path.rglob("*.lock") if lock.is_held(path)]

    def _wait_for_the_person(self) -> None:
        person = self.workplace.person
        wait_until(lambda: len(person.pages) == person.windows, "the browser to come to rest", 60)

    def _look_at_what_is_kept(self) -> None:
        """Nothing is torn: all of it can be read."""
        home = self.workplace.helper.home
        for path in home.path.rglob("*.json"):
            json.loads(path.read_text())
        listed = self.workplace.helper.run("list")
        assert (listed.returncode, listed.stderr) == (0, ""), listed.stderr
        assert set(json.loads(listed.stdout).values()) <= {"alice-h"}
        status = self.workplace.helper.run(["status", "--json"])
        [row] = json.loads(status.stdout)["registries"]
        assert row["state"] in STATES, status.stdout + status.stderr

    def _works_without_a_person(self, windows: int) -> None:
        self.workplace.end_trust_window()
        self._must_work()
        assert self.workplace.person.windows == windows, "no killed get costs a sign-in"

    def _works_after_a_pause(self, phase: str, who: str, windows: int) -> None:
        """A worker that was killed has declined: `login` works at once, a `get` after the pause."""
        if who != "worker":
            self._must_work()
            assert self.workplace.person.windows == windows + 1, "the worker went on, or the next get opened the window"
            return
        answer = self.workplace.get()
        if answer.returncode:
            assert "no window opens by itself" in answer.stderr
            self.counted[f"{phase}, paused"] += 1
            if self.random.random() < 0.5:
                assert self.workplace.helper.run("login").returncode == 0
            else:
                self.workplace.end_pause()
        self._must_work()

    def _must_work(self) -> None:
        assert self.workplace.pair() == ("alice-h", self.workplace.harbor.users["alice-h"].secret)
        self._wait_for_the_person()
