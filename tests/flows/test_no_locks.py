"""A home on a file system without locks: they lie elsewhere on this machine, and where that cannot be, it goes on."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system import lock, lock_elsewhere
from tests.conftest import need
from tests.lab import no_locks
from tests.lab.workplace import pairs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.sealed_home import Helper
    from tests.lab.workplace import Workplace

NUMBERS = (errno.ENOLCK, errno.EIO, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE)
ELSEWHERE = ("/dev/shm", "/run/user", "/tmp")
SERVER = "ghcr.io"
HOLDER = (
    "import sys, pathlib\n"
    "from docker_credential_harbor.system.lock import Lock\n"
    "lock = Lock(pathlib.Path(sys.argv[1]))\n"
    "print(lock.acquire(0), flush=True)\n"
    "sys.stdin.readline()\n"
)


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    need("a C compiler", "apt-get install gcc libc6-dev", no_locks.compiler())
    yield
    for path in tmp_path.rglob("*.lock"):
        other = lock_elsewhere.existing(path)
        if other:
            other.unlink()


def holder(path: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


class TestElsewhere:
    @pytest.mark.parametrize("other", ["without locks", "with another environment", "with locks again"])
    def test_all_processes_come_to_the_same_place(self, tmp_path: Path, other: str) -> None:
        path = tmp_path / "a.lock"
        without = no_locks.variables(tmp_path, tmp_path)
        environments = {
            "without locks": without,
            "with another environment": {**without, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)},
            "with locks again": {},
        }
        with holder(path, without) as first:
            assert said(first) == "True\n"
            with holder(path, environments[other]) as second:
                assert said(second) == "False\n"
                second.communicate("\n")
            assert lock.is_held(path)
            first.communicate("\n")
        assert not lock.is_held(path)
        with holder(path, environments[other]) as third:
            assert said(third) == "True\n"
            third.communicate("\n")

    @pytest.mark.parametrize("number", NUMBERS, ids=lambda number: errno.errorcode[number])
    def test_whatever_the_error(self, helper: Helper, tmp_path: Path, number: int) -> None:
        helper.configure('storage = "file"\n')
        helper.home.environment.update(no_locks.variables(tmp_path, helper.home.path, number=number))
        pair = json.dumps({"ServerURL": SERVER, "Username": "alice", "Secret": "s"})
        stored = helper.run("store", pair)
        assert (stored.returncode, stored.stdout, stored.stderr) == (0, "", "")
        assert json.loads(helper.get(SERVER).stdout)["Secret"] == "s"

    def test_three_at_once_are_one_sign_in(self, workplace: Workplace, tmp_path: Path) -> None:
        workplace.helper.home.environment.update(no_locks.variables(tmp_path, workplace.helper.home.path))
        answers = workplace.many_gets(3)
        assert len(pairs_of(answers)) == 1
        assert "not-locked" not in "".join(answer.errors for answer in answers)
        assert workplace.person.windows == 1
        assert workplace.helper.run("erase", workplace.name).returncode == 0


class TestNowhere:
    def test_it_goes_on_and_tells_once_what_is_at_risk(self, workplace: Workplace, tmp_path: Path) -> None:
        home = workplace.helper.home
        home.environment.update(no_locks.variables(tmp_path, *ELSEWHERE))
        answer = workplace.get()
        assert json.loads(answer.stdout)["Username"] == "alice-h", answer.stderr
        assert answer.stderr.count("[not-locked] ") == 1
        assert "else pulls at once can end the sign-in" in answer.stderr
        workplace.end_trust_window()
        again = workplace.get()
        assert (again.returncode, again.stderr) == (0, "")
        assert workplace.person.windows == 1
