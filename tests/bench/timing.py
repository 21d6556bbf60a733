"""Times of whole processes, taken in turns, so that all of them meet the same weather; and their instructions."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM_UP_RUNS = 3  # so that files are in memory


@dataclass(frozen=True)
class Contestant:
    """One command, with what it reads and the environment it runs in."""

    name: str
    command: list[str]
    environment: dict[str, str]
    payload: bytes = b""


def in_turns(contestants: Sequence[Contestant], runs: int, warm_up_runs: int = WARM_UP_RUNS) -> dict[str, list[float]]:
    """Milliseconds of each run of each contestant. Raises SystemExit where one fails."""
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    with tempfile.TemporaryDirectory() as folder:
        payloads = {contestant.name: Path(folder) / str(number) for number, contestant in enumerate(contestants)}
        for contestant in contestants:
            payloads[contestant.name].write_bytes(contestant.payload)
        for run in range(warm_up_runs + runs):
            for contestant in contestants:
                milliseconds = _milliseconds(contestant, payloads[contestant.name])
                if run >= warm_up_runs:
                    times[contestant.name].append(milliseconds)
    return times


def _milliseconds(contestant: Contestant, payload: Path) -> float:
    """From the start of the process to its end; `posix_spawn` itself costs the same for all."""
    program = shutil.which(contestant.command[0]) or contestant.command[0]
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, str(payload), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    began = time.perf_counter()
    pid = os.posix_spawn(program, contestant.command, contestant.environment, file_actions=streams)
    _, status = os.waitpid(pid, 0)
    ended = time.perf_counter()
    if status:
        raise SystemExit(f"bench: {contestant.name}: exit status {os.waitstatus_to_exitcode(status)}")
    return (ended - began) * 1000


def median(values: Sequence[float]) -> float:
    """To a hundredth."""
    return round(statistics.median(values), 2)


def tenth_percentile(values: Sequence[float]) -> float:
    """To a hundredth; less of the weather than the median has."""
    return round(statistics.quantiles(values, n=10)[0], 2)


MEASURED_RUNS = 3
# Beside a small process: what the one that starts it takes counts as the new one's until it is executed.
_PEAK = (
    "import os, sys; pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ); "
    "_, status, used = os.wait4(pid, 0); sys.stderr.write(str(used.ru_maxrss)); "
    "sys.exit(os.waitstatus_to_exitcode(status))"
)


def peak_memory(contestant: Contestant) -> float:
    """The most that it has in memory at a time, in MiB, libraries that others have there as well among it."""
    command = [sys.executable, "-I", "-S", "-c", _PEAK, *contestant.command]
    runs = [
        subprocess.run(command, env=contestant.environment, input=contestant.payload, capture_output=True, check=True)
        for _ in range(MEASURED_RUNS)
    ]
    return round(statistics.median(int(run.stderr) for run in runs) / 1024, 1)


def instructions(contestant: Contestant) -> int | None:
    """Instructions in user space as callgrind counts them, whatever else the machine does; None: no valgrind here.

    Of a program that starts itself anew (PyInstaller's loader, in an older commit) only the second start is counted.
    """
    if not shutil.which("valgrind"):
        return None
    valgrind = ["valgrind", "--tool=callgrind", "--trace-children=yes", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        [*valgrind, *contestant.command],
        env=contestant.environment,
        input=contestant.payload,
        capture_output=True,
        check=False,
    )
    counts = re.findall(rb"Collected : (\d+)", done.stderr)
    return int(counts[-1]) if done.returncode == 0 and counts else None
