"""Which process a number stands for."""

from __future__ import annotations

import os
import subprocess
import sys

from docker_credential_harbor import processes


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
