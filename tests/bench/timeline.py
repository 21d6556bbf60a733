"""What a warm `get` of the packaged executable spends its time on, as seen by strace(1) at its milestones."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.timing import Contestant

RUNS = 30
# Each is where a part ends, by the first system call that matches after the one before; the last is the process's end.
MILESTONES = (
    ("executable loaded", r"readlink(at)?\(.*/proc/self/exe"),
    ("the interpreter is ready", r"openat\(.*/docker_credential_harbor/__init__\.pyc"),
    ("our modules and _ctypes imported", r"keyctl\("),
    ("the kernel asked, the configuration compared, the answer written", r"exit_group\("),
    ("the kernel takes the process down", r"\+\+\+ exited"),
)


def measure(contestant: Contestant) -> dict[str, float] | None:
    """Milliseconds of each part, medians; strace itself makes each a little longer. None: no strace here."""
    if not shutil.which("strace"):
        return None
    runs = [_run(contestant) for _ in range(RUNS)]
    return {
        name: round(statistics.median(run[number] for run in runs), 2) for number, (name, _) in enumerate(MILESTONES)
    }


def _run(contestant: Contestant) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "trace"
        calls = "trace=execve,?readlink,readlinkat,openat,keyctl,exit_group"
        strace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-e", calls, "-o", str(output), *contestant.command]
        given = {"env": contestant.environment, "input": contestant.payload}
        subprocess.run(strace, check=True, stdout=subprocess.DEVNULL, **given)  # type: ignore[call-overload]
        lines = [line.split(maxsplit=2) for line in output.read_text(errors="replace").splitlines()]
    seen = [(float(instant), call) for _, instant, call in lines]
    parts, before, position = [], seen[0][0], 1
    for _, pattern in MILESTONES:
        position = next(at for at in range(position, len(seen)) if re.match(pattern, seen[at][1].lstrip()))
        parts.append((seen[position][0] - before) * 1000)
        before, position = seen[position][0], position + 1
    return parts
