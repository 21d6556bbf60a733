"""What is started has none of our streams, a session of its own, and outlives us."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotStarted
from docker_credential_harbor.system import detached

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks at POSIX sessions")

REPORT = (
    "import os, sys\n"
    "with open(sys.argv[1], 'w') as pipe:\n"
    "    null = os.stat(os.devnull)\n"
    "    streams = [os.path.samestat(os.fstat(number), null) for number in range(3)]\n"
    "    print(os.getpid(), os.getsid(0), os.getcwd(), *streams, os.environ.get('LD_LIBRARY_PATH'), file=pipe)\n"
)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe: reading it waits until the started process has written and closed it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def test_streams_session_and_folder(pipe: Path) -> None:
    pid = detached.start([sys.executable, "-c", REPORT, str(pipe)])
    assert pipe.read_text().split() == [str(pid), str(pid), "/", "True", "True", "True", "None"]


def test_it_outlives_us_and_our_caller_reads_the_end_of_our_output(pipe: Path) -> None:
    waiter = "import sys\nopen(sys.argv[1]).read()\nopen(sys.argv[1], 'w').write('still here')\n"
    program = (
        "import sys\nfrom docker_credential_harbor.system import detached\n"
        f"print(detached.start([sys.executable, '-c', {waiter!r}, sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(pipe)], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) > 0
    assert done.stderr == ""
    pipe.write_text("go on")
    assert pipe.read_text() == "still here"


def test_a_missing_program() -> None:
    with pytest.raises(NotStarted, match=r"docker-credential-nothing cannot be started \(No such file"):
        detached.start(["docker-credential-nothing"])


def test_arguments_that_no_system_takes() -> None:
    with pytest.raises(NotStarted):
        detached.start([sys.executable, "a\0b"])


def test_a_relative_path_means_our_folder(pipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran > {pipe}\n")
    program.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    detached.start(["./program"])
    assert pipe.read_text() == "ran\n"


@pytest.mark.parametrize(("theirs", "expected"), [({"LD_LIBRARY_PATH": "/theirs"}, "/theirs"), ({}, "None")])
def test_a_frozen_build_hands_on_the_persons_library_path(
    pipe: Path, monkeypatch: pytest.MonkeyPatch, theirs: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    detached.start([sys.executable, "-c", REPORT, str(pipe)], env=theirs)
    assert pipe.read_text().split()[-1] == expected


@pytest.mark.parametrize(("frozen", "kept"), [(True, set()), (False, {"_PYI_ARCHIVE_FILE"})])
def test_only_a_frozen_build_keeps_its_loaders_variables(
    monkeypatch: pytest.MonkeyPatch, frozen: bool, kept: set[str]
) -> None:
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    given = {"_PYI_ARCHIVE_FILE": "/ours", "HOME": "/home/alice"}
    assert set(detached.environment_for_others(given)) == {"HOME", *kept}
