"""Several processes with one standard error, and a caller that draws over it: on a real terminal and real pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.terminal import Terminal

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


def start(stderr: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ASKED],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    return process.stdout.readline() == "True\n"


def ask_again(process: subprocess.Popen[str]) -> bool:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_one_of_those_that_share_it_speaks_until_it_is_gone() -> None:
    reading, writing = os.pipe()
    one, other, elsewhere = start(writing), None, None
    try:
        assert answer(one)
        other = start(writing)
        assert not answer(other)
        elsewhere = start(subprocess.DEVNULL)
        assert answer(elsewhere)
        end(one)
        assert ask_again(other), "its place is taken"
    finally:
        for process in (one, other, elsewhere):
            if process:
                end(process)
        os.close(reading)
        os.close(writing)


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_another_one_speaks_while_it_is_stopped() -> None:
    """As by Ctrl-Z, after which a person starts another pull."""
    reading, writing = os.pipe()
    one, other = start(writing), None
    try:
        assert answer(one)
        other = start(writing)
        assert not answer(other)
        one.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, one.pid, os.WSTOPPED)
        assert ask_again(other)
    finally:
        for process in (one, other):
            if process:
                end(process)
        os.close(reading)
        os.close(writing)


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_it_speaks_alone_once_it_goes_on() -> None:
    reading, writing = os.pipe()
    one, other = start(writing), None
    try:
        assert answer(one)
        one.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, one.pid, os.WSTOPPED)
        other = start(writing)
        assert answer(other)
        one.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, one.pid, os.WCONTINUED)
        assert not ask_again(other)
    finally:
        for process in (one, other):
            if process:
                end(process)
        os.close(reading)
        os.close(writing)
