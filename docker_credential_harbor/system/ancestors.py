"""The command lines of the processes that this one was started by.

Sources: proc(5) (``cmdline``, ``stat`` 4); ps(1) elsewhere, which does not tell where an argument ends. Windows tells
neither without a library of its own.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

MOST = 8  # processes above this one that are looked at
_PS = "/bin/ps"
_PS_SECONDS = 2


def command_lines() -> tuple[tuple[str, ...], ...]:
    """The nearest one's first; those that cannot be read are left out. Never raises."""
    found: list[tuple[str, ...]] = []
    with suppress(Exception):  # an unknown caller is nothing to stop for
        pid = os.getppid()
        for _ in range(MOST):
            if pid <= 1:
                break
            line, pid = _read(pid)
            if line:
                found.append(line)
    return tuple(found)


if sys.platform == "win32":

    def _read(pid: int) -> tuple[tuple[str, ...], int]:  # noqa: ARG001
        return (), 0

elif sys.platform == "linux":

    def _read(pid: int) -> tuple[tuple[str, ...], int]:
        """The command line of that process, and the process above it."""
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - of every `get`
            parent = int(file.read().rpartition(")")[2].split()[1])
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return tuple(file.read().rstrip("\0").split("\0")), parent

else:

    def _read(pid: int) -> tuple[tuple[str, ...], int]:
        import subprocess

        command = [_PS, "-ww", "-o", "ppid=,command=", "-p", str(pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PS_SECONDS, check=False)
        parent, *line = done.stdout.split()
        return tuple(line), int(parent)
