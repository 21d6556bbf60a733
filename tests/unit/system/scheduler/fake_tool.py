"""A job, and a fake of a scheduler's own tool for it; the real ones of two systems are not to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.system.scheduler import Job

if TYPE_CHECKING:
    from pathlib import Path

JOB = Job(("/usr/bin/docker-credential-harbor", "keepalive"), 600, {"XDG_CONFIG_HOME": "/c"}, ("XDG_DATA_HOME",))

# Records its arguments, one call a line; answers as the files beside it say.
FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> {folder}/calls
case " $(cat {folder}/fails 2>/dev/null) " in *" $1 "*) echo "it is refused." >&2; exit 5;; esac
cat {folder}/output 2>/dev/null || true
"""


def calls(folder: Path) -> list[str]:
    """What the fake was asked since the last time."""
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines
