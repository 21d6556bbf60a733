"""`keepalive` run by the system's own scheduler: installed, taken out, looked at; its command and its environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.config import read_config
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.policy import keepalive_interval
from docker_credential_harbor.remote.web import proxies
from docker_credential_harbor.system import scheduler

if TYPE_CHECKING:
    from collections.abc import Collection

    from docker_credential_harbor.system.scheduler import Schedule
    from docker_credential_harbor.use_cases.keepalive import Sessions

# What a shell may have set and a scheduler would not, beside what our own configuration depends on.
NETWORK_VARIABLES = (*proxies.VARIABLES, *proxies.EXEMPTING, "SSL_CERT_FILE", "SSL_CERT_DIR")


class Installed(NamedTuple):
    """``by``: the scheduler, as people call it. ``is_new`` False: it was installed so already."""

    by: str
    seconds: int
    is_new: bool


class AsItRuns(NamedTuple):
    """``schedule`` None: not by itself. ``fitting_seconds``: the interval that would be installed now."""

    by: str
    schedule: Schedule | None
    fitting_seconds: int


def install(sessions: Collection[Sessions]) -> Installed:
    """For all registries; ``sessions``: of each. Raises NoScheduler, SchedulerFailed, NotWritable."""
    chosen = scheduler.choose()
    seconds = _fitting_seconds(sessions)
    is_new = chosen.install(scheduler.Job(own_command(), seconds, *environment_to_carry()))
    return Installed(chosen.TITLE, seconds, is_new)


def advice() -> str | None:
    """What a person should know beside it once it is installed, or None. Raises SchedulerFailed."""
    return scheduler.choose().advice()


def uninstall() -> bool:
    """False: it was not installed. Raises NotWritable, NotReadable, SchedulerFailed."""
    return scheduler.choose().uninstall()


def as_it_runs(sessions: Collection[Sessions]) -> AsItRuns:
    """As the scheduler has it; ``sessions``: of each registry. Raises NotReadable, SchedulerFailed."""
    chosen = scheduler.choose()
    return AsItRuns(chosen.TITLE, chosen.status(), _fitting_seconds(sessions))


def _fitting_seconds(sessions: Collection[Sessions]) -> int:
    """Somebody who is not signed in now will be; a robot's pair counts for nothing."""
    return keepalive_interval.interval_seconds(
        keepalive_interval.session_seconds(each.harbor_has_offline_access, each.life_seconds)
        for each in sessions
        if not each.needs_none
    )


def own_command() -> tuple[str, ...]:
    """This program by its absolute path, as whoever called it found it, so that an update keeps it."""
    if getattr(sys, "frozen", False):
        return (str(Path(sys.executable).absolute()), "keepalive")
    suffix = ".exe" if sys.platform == "win32" else ""
    for path in (Path(sys.argv[0]).absolute(), Path(sys.executable).with_name(PROGRAM + suffix)):
        if path.name.removesuffix(suffix) == PROGRAM and path.is_file():
            return (str(path), "keepalive")
    return (sys.executable, "-m", "docker_credential_harbor", "keepalive")


def environment_to_carry() -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables to set, and those to leave unset, for the same configuration, and the same remembered pairs.

    A proxy's address with a password in it stays out: the scheduler's files are no place for secrets.
    """
    ours = [name for name in read_config.sources().variables if name != "HOME"]
    names = [*ours, *NETWORK_VARIABLES]
    given = {name: os.environ[name] for name in names if os.environ.get(name) and "@" not in os.environ[name]}
    if read_config.USER_FILE_VARIABLE in given:
        given[read_config.USER_FILE_VARIABLE] = str(read_config.user_file())
    return given, tuple(name for name in ours if name not in os.environ)
