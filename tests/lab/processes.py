"""Programs that the lab starts: waiting until they answer, ending them by process id.

Nothing here waits for a fixed time: a condition is polled until it holds, the program has died, or a limit is over.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class PartError(RuntimeError):
    """A real part did not start or did not do its job; the text holds the end of its log."""


def wait_until(
    condition: Callable[[], bool], what: str, timeout_seconds: float = 60, step_seconds: float = 0.02
) -> None:
    """Polls until `condition` holds; raises PartError naming `what` after `timeout_seconds`."""
    end = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end:
            raise PartError(f"{what}: not within {timeout_seconds} s")
        time.sleep(step_seconds)


def wait_for_start(
    process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path, timeout_seconds: float = 60
) -> None:
    """Waits until a program answers; ends it and raises PartError with the end of `log` when it does not."""

    def ready() -> bool:
        if process.poll() is not None:
            raise PartError(f"{process.args!r} ended with {process.returncode}: {tail(log)}")
        return answers()

    try:
        wait_until(ready, f"{process.args!r} to answer", timeout_seconds, 0.05)
    except PartError as error:
        end(process)
        raise PartError(f"{error}\n{tail(log)}") from error


def tail(log: Path, characters: int = 2000) -> str:
    """The end of a log file; empty when there is none."""
    return log.read_text(errors="replace")[-characters:] if log.exists() else ""


def end(process: subprocess.Popen[Any], timeout_seconds: float = 20) -> None:
    """Ends a child by its pid and waits; kills it when it does not listen."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def alive(pid: int) -> bool:
    """Whether a process runs. A dead one that nobody has waited for counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end_pid(pid: int, timeout_seconds: float = 20) -> None:
    """Ends a process that another process of the test run started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sign)
            wait_until(lambda: not alive(pid), f"process {pid} to end", timeout_seconds)
        except ProcessLookupError:
            return
        except PartError:
            continue
        return
