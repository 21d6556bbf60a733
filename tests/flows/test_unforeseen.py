"""An exception that nobody foresaw, at each party's edge: a known pair goes out all the same, nothing is erased."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.system import lock
from docker_credential_harbor.warm_get import remembered
from tests.flows.conftest import NOT_FOUND
from tests.flows.faulty import IN_FULL
from tests.flows.injector import EXCEPTIONS
from tests.lab.processes import wait_until
from tests.lab.said import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.flows.conftest import Workplace

OURS = "docker_credential_harbor"
HARMLESS = "a_library_that_is_not_asked"  # found by PYTHONPATH, as many are
ANOTHER = "Another-Secret-0123456789"
# What every `get` meets that asks Harbor.
AROUND = [
    "warm_get.remembered:recall",
    "warm_get.remembered:remember",
    "warm_get.kernel_keys:read",
    "person.reaching:reach",
    "system.lock:Lock.acquire",
    "storage.registry_notes:load",
    "storage.registry_notes:save",
    "account.verified_pair:keep",
    "policy.trust_window:trusted_until",
    "remote.web.trust_store:TrustStore.__init__",
    "remote.web.transport:Transport.request",
    "remote.web.transport:_exchange",
    "remote.harbor:probe",
]
# Where there is a time to trust it for: of a secret that has just been replaced none is known.
WHERE_IT_IS_TRUSTED = ["warm_get.kernel_keys:add"]
# What it meets further on, where Harbor refuses the pair and our ID token has expired.
ON_THE_WAY = [
    "account.own_tokens:provider_of",
    "remote.discovery:find",
    "remote.identity_provider:refresh",
    "remote.id_token:checked",
    "storage.credential_store:make_private_folder",
    "storage.credential_store:CredentialStore.check",
    "storage.credential_store:CredentialStore.save_sign_in",
    "remote.harbor:current_user",
]
# Where only the person's browser helps.
AT_THE_WINDOW = [
    "sign_in.window:under_way",
    "sign_in.window:start",
    "sign_in.window:wait",
    "system.detached:start",
    "system.lock:is_held",
]
WHERE_PAIRS_ARE_READ = [
    "storage.credential_store:CredentialStore.load_stored",
    "storage.credential_store:CredentialStore.load_sign_in",
    "storage.backends.private_file:PrivateFile.get",
]


class Injector:
    """`get` with an exception somewhere, always from the same state."""

    def __init__(self, workplace: Workplace, copy: Path) -> None:
        self.workplace = workplace
        self._copy = copy
        another = copy / "libraries"
        another.mkdir(parents=True)
        (another / f"{HARMLESS}.py").write_text("class Saved: pass\ndef saved(): pass\n")
        path = f"{Path(__file__).parents[2]}{os.pathsep}{another}"
        environment = {**workplace.helper.home.environment, "PYTHONPATH": path}
        command = [sys.executable, "-m", "tests.flows.injector", HARMLESS]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self._folders = [workplace.helper.home.folders[name] for name in ("XDG_DATA_HOME", "XDG_STATE_HOME")]
        for folder in self._folders:
            shutil.copytree(folder, copy / folder.name)

    def get(self, edge: str, exception: str, **env: str) -> dict[str, Any]:
        """What `get` ended with; whatever it was, nothing is lost."""
        window_lock = self._folders[1] / OURS.replace("_", "-") / "window.lock"
        wait_until(lambda: not lock.is_held(window_lock), "the worker of the case before to end")
        for folder in self._folders:
            shutil.rmtree(folder)
            shutil.copytree(self._copy / folder.name, folder)
        remembered.forget(self.workplace.name)
        case = {"server": self.workplace.name, "edge": f"{OURS}.{edge}", "exception": exception, "env": env}
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(case), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        lines = answer["errors"].splitlines()
        assert all(line.startswith(PREFIX) for line in lines), answer
        never = ("[unexpected]", "a-secret-in-its-words", HARMLESS)
        assert not any(words in line for words in never for line in lines), answer
        assert self.workplace.kept_tokens()["refresh_token"], "nothing is erased"
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture
def injector(workplace: Workplace, tmp_path: Path) -> Iterator[Callable[[], Injector]]:
    """Made once the workplace is in the state that every case begins with."""
    made: list[Injector] = []

    def make() -> Injector:
        made.append(Injector(workplace, tmp_path / "copy"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_pair_that_harbor_would_take(workplace: Workplace, injector: Callable[[], Injector]) -> None:
    pair = workplace.pair()
    workplace.learn_life()  # else nothing is remembered after the probe
    workplace.end_trust_window()
    run = injector()
    goes_out(run, [*AROUND, *WHERE_IT_IS_TRUSTED], {pair})
    assert workplace.person.windows == 1


def test_a_pair_that_was_replaced(workplace: Workplace, injector: Callable[[], Injector]) -> None:
    """It is found out, or the last known one goes out with a warning."""
    username, secret = workplace.pair()
    workplace.learn_life()
    workplace.end_trust_window()
    workplace.let_id_token_expire()
    workplace.forget_provider()
    workplace.harbor.set_secret("alice-h", ANOTHER)
    goes_out(injector(), [*AROUND, *ON_THE_WAY], {(username, secret), (username, ANOTHER)})
    assert workplace.person.windows == 1


def test_a_pair_whose_walk_cannot_begin(workplace: Workplace, injector: Callable[[], Injector]) -> None:
    pair = workplace.pair()
    workplace.end_trust_window()
    goes_out(injector(), AT_THE_WINDOW, {pair}, before=lambda: workplace.harbor.kill_stored_token("alice-h"))


def test_a_ticket_that_cannot_be_looked_for(workplace: Workplace, injector: Callable[[], Injector]) -> None:
    """The person is asked instead, as where there is none."""
    pair = workplace.pair()
    workplace.harbor.kill_stored_token("alice-h")
    workplace.end_trust_window()
    run = injector()
    for exception in some(0):
        workplace.harbor.kill_stored_token("alice-h")
        answer = run.get("system.gssapi:ticket", exception)
        assert answer["hit"]
        assert pair_of(answer) == pair
        assert "could not be verified" not in answer["errors"]


def test_where_pairs_are_read(workplace: Workplace, injector: Callable[[], Injector]) -> None:
    """There is none to give then; the next `get` has it."""
    pair = workplace.pair()
    workplace.end_trust_window()
    run = injector()
    for number, edge in enumerate(WHERE_PAIRS_ARE_READ):
        for exception in some(number):
            answer = run.get(edge, exception)
            assert answer["hit"], edge
            assert (answer["status"], answer["output"]) == (1, NOT_FOUND), answer
            assert len(answer["errors"].splitlines()) == 1
    assert workplace.pair() == pair


def goes_out(
    run: Injector, edges: list[str], pairs: set[tuple[str, str]], before: Callable[[], object] = lambda: None
) -> None:
    """Whatever is raised there, one of these pairs is the answer, with a line at the most."""
    for number, edge in enumerate(edges):
        met = False
        for exception in some(number):
            before()
            answer = run.get(edge, exception)
            met = met or answer["hit"]
            assert pair_of(answer) in pairs, (edge, exception, answer)
            assert len(set(answer["errors"].splitlines())) <= 1, (edge, exception, answer)
        assert met, f"{edge} is not on the way"


def some(number: int) -> list[str]:
    """Exceptions for the edge of that number: in turn, two an edge, where not in full."""
    names = [*EXCEPTIONS, *EXCEPTIONS]
    return list(EXCEPTIONS) if IN_FULL else names[2 * number % len(EXCEPTIONS) :][:2]


def pair_of(answer: dict[str, Any]) -> tuple[str, str]:
    assert answer["status"] == 0, answer
    pair = json.loads(answer["output"])
    return pair["Username"], pair["Secret"]
