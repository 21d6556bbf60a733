"""A launchd agent of the user's: one property list in ``~/Library/LaunchAgents``, and `launchctl`.

Sources: launchd.plist(5), launchctl(1). Written from documentation: this system is not tested.
"""

from __future__ import annotations

import os
import plistlib
import sys
from typing import TYPE_CHECKING

from docker_credential_harbor.system import files, folders, scheduler
from docker_credential_harbor.system.scheduler import NAME, Schedule

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.system.scheduler import Job

TITLE = "a launchd agent"
MODE = 0o644
PRIVATE_UMASK = 0o077


def install(job: Job) -> bool:
    written = files.replace_keeping_link(_path(), plist(job), MODE)
    try:
        loaded = scheduler.run(["launchctl", "print", target()])[0] == 0
    except FileNotFoundError as error:
        raise scheduler.no_scheduler("there is no launchctl", job) from error
    if loaded and not written:
        return False
    if loaded:
        scheduler.must(["launchctl", "bootout", target()])
    scheduler.must(["launchctl", "bootstrap", _domain(), str(_path())])
    return True


def uninstall() -> bool:
    if not _path().exists():
        return False
    try:
        loaded = scheduler.run(["launchctl", "print", target()])[0] == 0
    except FileNotFoundError:
        loaded = False
    if loaded:
        scheduler.must(["launchctl", "bootout", target()])
    files.remove(_path())
    return True


def status() -> Schedule | None:
    content = files.read_bytes(_path())
    if content is None:
        return None
    try:
        seconds = plistlib.loads(content).get("StartInterval")
    except (plistlib.InvalidFileException, ValueError, AttributeError):
        seconds = None
    return Schedule(seconds if isinstance(seconds, int) else None)


def advice() -> str | None:
    return f"It runs while you are logged in; what it has to say goes to {_log()}."


def plist(job: Job) -> bytes:
    """The agent. launchd runs one that fell due while the machine slept as soon as it wakes up."""
    return plistlib.dumps(
        {
            "Label": NAME,
            "ProgramArguments": list(job.command),
            "EnvironmentVariables": job.environment,
            "StartInterval": job.interval_seconds,
            "ProcessType": "Background",
            "Umask": PRIVATE_UMASK,
            "StandardErrorPath": str(_log()),
        }
    )


def _path() -> Path:
    return folders.home() / "Library" / "LaunchAgents" / f"{NAME}.plist"


def _log() -> Path:
    return folders.home() / "Library" / "Logs" / f"{NAME}.log"


def _domain() -> str:
    if sys.platform == "win32":  # which has no launchd
        return ""
    return f"gui/{os.getuid()}"


def target() -> str:
    return f"{_domain()}/{NAME}"
