"""Which process a number stands for: numbers are used again, after a reboot, and in every container anew.

Sources: proc(5) (``stat`` 22, start time; ``ns/pid``; ``sys/kernel/random/boot_id``), ps(1), GetProcessTimes.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

_PS = "/bin/ps"
_START_FIELD = 22 - 3  # of /proc/PID/stat, counted from the one behind the command's name


def mark(pid: int) -> str:
    """A text that no other process has, at any time, on any machine; "" where none runs or the system does not tell."""
    try:
        start = _started(pid)
        return f"{_place()} {start}" if start else ""
    except OSError:
        return ""


def is_running(pid: int, its_mark: str) -> bool | None:
    """Whether the process of that mark still runs; None: that cannot be told, of another machine's or container's."""
    try:
        if not its_mark.startswith(f"{_place()} "):
            return None
    except OSError:
        return None
    now = mark(pid)
    return None if not now and _is_hidden(pid) else now == its_mark


def is_stopped(pid: int) -> bool:
    """Whether it waits to be continued, as after Ctrl-Z (proc(5), ``stat`` 3); False where the system does not tell."""
    try:
        return bool(pid) and _fields(pid)[0] in "Tt"
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the one behind the command's name."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


if sys.platform == "win32":

    def _place() -> str:
        import platform

        return platform.node()

    def _started(pid: int) -> str:
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel32.OpenProcess(0x1000, False, pid))  # PROCESS_QUERY_LIMITED_INFORMATION
        if not process:
            return ""
        times = [ctypes.c_uint64() for _ in range(4)]  # created, ended, in the kernel, outside
        told = kernel32.GetProcessTimes(process, *[ctypes.byref(each) for each in times])
        kernel32.CloseHandle(process)
        return str(times[0].value) if told and not times[1].value else ""

    def _is_hidden(pid: int) -> bool:  # noqa: ARG001
        return False

elif sys.platform == "linux":

    def _place() -> str:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"

    def _started(pid: int) -> str:
        fields = _fields(pid)
        return "" if fields[0] in "ZX" else fields[_START_FIELD]  # dead, and nobody has waited for it

    def _is_hidden(pid: int) -> bool:
        """Whether it is this user's and yet not shown (proc(5), hidepid): one that is not dumpable is shown to root."""
        try:
            _started(pid)
        except OSError:
            with suppress(OSError):
                os.kill(pid, 0)
                return True
        return False

else:

    def _place() -> str:
        return os.uname().nodename

    def _started(pid: int) -> str:
        import subprocess

        command = [_PS, "-o", "lstart=", "-p", str(pid)]
        return subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, text=True, check=False).stdout.strip()

    def _is_hidden(pid: int) -> bool:  # noqa: ARG001
        return False
