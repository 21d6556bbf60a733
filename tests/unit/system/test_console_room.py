"""Several processes with one standard error, and a caller that draws over it: on a real terminal and real pipes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(FOLDER)}
PADDED = """
from docker_credential_harbor.system import console
console.called_by(drawn_over={}, passed_on=True)
console.hint("one\\ntwo")
console.trace("not that")
"""
ASKED = """
import sys
from docker_credential_harbor.system import console
print(console.speaks_for_all(), flush=True)
sys.stdin.readline()
print(console.speaks_for_all(), flush=True)
"""


def written(drawn_over: bool) -> str:
    environment = {**ENVIRONMENT, "DOCKER_CREDENTIAL_HARBOR_TRACE": "1"}
    with Terminal([sys.executable, "-c", PADDED.format(drawn_over)], environment, rows=24) as terminal:
        terminal.wait()
        return terminal.raw.replace("\r\n", "\n")


def test_what_is_written_has_room_below_it() -> None:
    lines = "docker-credential-harbor: one\ndocker-credential-harbor: two\n"
    trace = "docker-credential-harbor: trace: not that\n"
    assert written(True) == lines + "\n" * 14 + trace
    assert written(False) == lines + trace


def test_nothing_is_added_where_there_is_no_terminal() -> None:
    command = [sys.executable, "-c", PADDED.format(True)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stderr == "docker-credential-harbor: one\ndocker-credential-harbor: two\n"


class Processes:
    """Those that ask whether they speak for all; with a standard error that they share, unless told another."""

    def __init__(self) -> None:
        self._reading, self._shared = os.pipe()
        self._started: list[subprocess.Popen[str]] = []

    def start(self, stderr: int | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", ASKED],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._shared if stderr is None else stderr,
            text=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            end(process)
        os.close(self._reading)
        os.close(self._shared)


@pytest.fixture
def processes() -> Iterator[Processes]:
    with contextlib.closing(Processes()) as started:
        yield started


def answer(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    return process.stdout.readline() == "True\n"


def ask_again(process: subprocess.Popen[str]) -> bool:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


def stop(process: subprocess.Popen[str]) -> None:
    """As by Ctrl-Z."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_one_of_those_that_share_it_speaks_until_it_is_gone(processes: Processes) -> None:
    one = processes.start()
    assert answer(one)
    other = processes.start()
    assert not answer(other)
    assert answer(processes.start(subprocess.DEVNULL))
    end(one)
    assert ask_again(other), "its place is taken"


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_another_one_speaks_while_it_is_stopped(processes: Processes) -> None:
    """After which a person starts another pull."""
    one = processes.start()
    assert answer(one)
    other = processes.start()
    assert not answer(other)
    stop(one)
    assert ask_again(other)


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_it_speaks_alone_once_it_goes_on(processes: Processes) -> None:
    one = processes.start()
    assert answer(one)
    stop(one)
    other = processes.start()
    assert answer(other)
    one.send_signal(signal.SIGCONT)
    os.waitid(os.P_PID, one.pid, os.WCONTINUED)
    assert not ask_again(other)
