"""What runs `keepalive` again and again: the system's own scheduler. One file a system, the same functions in each."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from docker_credential_harbor.errors import NoScheduler, SchedulerFailed
from docker_credential_harbor.system import detached

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOL_SECONDS = 60  # for one call of a scheduler's own tool
NAME = "docker-credential-harbor-keepalive"


@dataclass(frozen=True)
class Job:
    """What is to run. A scheduler does not read the person's shell files, so ``environment`` brings what counts."""

    command: tuple[str, ...]  # the program by its absolute path, and its arguments
    interval_seconds: int  # one of keepalive_interval.STEPS_SECONDS
    environment: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()  # variables that must not be set


@dataclass(frozen=True)
class Schedule:
    """What is installed, in the system's own words; None for what the system does not tell."""

    interval_seconds: int | None
    next_run: str | None = None
    last_run: str | None = None


class Scheduler(Protocol):
    """What a file of this folder offers. Every function raises NotWritable, NotReadable and SchedulerFailed."""

    TITLE: str  # for people: "by …"

    def install(self, job: Job) -> bool:
        """From now on, and after every start of the system. False: it was so already. Raises NoScheduler."""

    def uninstall(self) -> bool:
        """Never again. False: it was not installed."""

    def status(self) -> Schedule | None:
        """None: not installed."""

    def advice(self) -> str | None:
        """What the person should know beside it, or None."""


def choose(platform: str = sys.platform) -> Scheduler:
    """This system's scheduler. Whether it runs shows when it is used."""
    if platform == "darwin":
        from docker_credential_harbor.system.scheduler import launchd

        return launchd
    if platform == "win32":
        from docker_credential_harbor.system.scheduler import windows_task

        return windows_task
    from docker_credential_harbor.system.scheduler import systemd

    return systemd


def no_scheduler(reason: str, job: Job) -> NoScheduler:
    """The failure that names the alternative."""
    return NoScheduler(reason=reason, line=crontab_line(job))


def crontab_line(job: Job) -> str:
    """crontab(5): five fields, then a line for the shell in which a ``%`` has to be escaped."""
    minutes, hours = job.interval_seconds // 60, job.interval_seconds // 3600
    when = f"*/{minutes} * * * *" if minutes < 60 else f"0 */{hours} * * *" if hours < 24 else "0 12 * * *"
    variables = [f"{name}={shlex.quote(value)}" for name, value in job.environment.items()]
    return f"{when} {' '.join([*variables, shlex.join(job.command)])}".replace("%", "\\%")


def run(command: Iterable[str]) -> tuple[int, str, str]:
    """Exit status, output and errors of a scheduler's own tool. Raises FileNotFoundError, SchedulerFailed."""
    import subprocess

    argv = list(command)
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TOOL_SECONDS,
            check=False,
            env=detached.environment_for_others(os.environ),
        )
    except FileNotFoundError:
        raise
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"no answer within {TOOL_SECONDS} s"
        raise SchedulerFailed(command=shlex.join(argv[:3]), reason=reason) from error
    return done.returncode, done.stdout, done.stderr


def must(command: Iterable[str]) -> str:
    """The output of a tool that has to succeed. Raises SchedulerFailed."""
    argv = list(command)
    try:
        status, output, said = run(argv)
    except FileNotFoundError as error:
        raise SchedulerFailed(command=argv[0], reason="it is not installed") from error
    if status != 0:
        raise SchedulerFailed(command=shlex.join(argv), reason=first_line(said or output) or f"exit status {status}")
    return output


def first_line(text: str) -> str:
    """The first line that says something, without a final full stop."""
    return next((line.strip().rstrip(".") for line in text.splitlines() if line.strip()), "")
