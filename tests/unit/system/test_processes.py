"""Which process a number stands for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from docker_credential_harbor.system import processes
from tests.lab import ordinary_user


def test_a_mark_is_of_one_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        mark = processes.mark(child.pid)
        assert mark == processes.mark(child.pid) != processes.mark(os.getpid()) != ""
        assert processes.is_running(child.pid, mark) is True
        assert processes.is_running(os.getpid(), mark) is False, "the number is another process's now"
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert processes.is_running(child.pid, mark) is False, "it is dead, and nobody has waited for it"
    assert processes.is_running(child.pid, mark) is False


def test_of_another_machine_or_unknown_nothing_is_said() -> None:
    mark = processes.mark(os.getpid())
    assert processes.is_running(os.getpid(), f"another-{mark}") is None
    assert processes.is_running(os.getpid(), "") is None


HIDDEN = """
import os, subprocess, sys
from docker_credential_harbor.system import processes
code = (
    "import ctypes, os; from docker_credential_harbor.system import processes;"
    "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print(processes.mark(os.getpid()), flush=True); input()"
)
with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
    mark = child.stdout.readline().decode().strip()
    print(bool(mark), processes.mark(child.pid) == "", processes.is_running(child.pid, mark))
    child.kill()
    child.wait()
    print(processes.is_running(child.pid, mark))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux'")
@pytest.mark.parametrize("hidepid", [1, 2])
def test_of_one_that_is_hidden_from_its_own_user_it_cannot_be_told(hidepid: int) -> None:
    """A process that holds secrets is not dumpable, and some machines show those to root alone."""
    mounted = f'mount -t proc -o hidepid={hidepid} proc /proc && exec "$@"'
    as_user = [*ordinary_user.command(), sys.executable, "-c", HIDDEN]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounted, "sh", *as_user], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True True None\nFalse\n"
