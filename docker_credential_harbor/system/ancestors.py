"""The processes that this one was started by: their command lines, and where their standard error leads.

Sources: proc(5) (``cmdline``, ``stat`` 4, ``fd``); ps(1) elsewhere, which does not tell where an argument ends, nor of
standard error. Windows tells neither without a library of its own.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NamedTuple

MOST = 8  # processes above this one that are looked at
_PS = "/bin/ps"
_PS_SECONDS = 2


class Process(NamedTuple):
    """``stderr``: the same text for the same file, pipe or terminal, whose path it is; "" where that is not told."""

    command_line: tuple[str, ...]
    stderr: str = ""


def above() -> tuple[Process, ...]:
    """The nearest one first; those that cannot be read are left out. Never raises."""
    found: list[Process] = []
    with suppress(Exception):  # an unknown caller is nothing to stop for
        pid = os.getppid()
        for _ in range(MOST):
            if pid <= 1:
                break
            line, parent = _read(pid)
            if line:
                found.append(Process(line, stderr_of(pid)))
            pid = parent
    return tuple(found)


def stderr_of(pid: int | str = "self") -> str:
    """As in Process."""
    try:
        return os.readlink(f"/proc/{pid}/fd/2")  # noqa: PTH115 - of every `get`
    except (OSError, ValueError):  # another user's, or no Linux
        return ""


if sys.platform == "win32":

    def _read(pid: int) -> tuple[tuple[str, ...], int]:  # noqa: ARG001
        return (), 0

elif sys.platform == "linux":

    def _read(pid: int) -> tuple[tuple[str, ...], int]:
        """The command line of that process, and the process above it."""
        parent = int(_content(f"/proc/{pid}/stat").rpartition(b")")[2].split()[1])
        line = _content(f"/proc/{pid}/cmdline").decode(errors="replace")
        return tuple(line.rstrip("\0").split("\0")), parent

    def _content(path: str) -> bytes:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - of every `get`: without what reading a text takes
            return file.read()

else:

    def _read(pid: int) -> tuple[tuple[str, ...], int]:
        import subprocess

        command = [_PS, "-ww", "-o", "ppid=,command=", "-p", str(pid)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PS_SECONDS, check=False)
        parent, *line = done.stdout.split()
        return tuple(line), int(parent)
