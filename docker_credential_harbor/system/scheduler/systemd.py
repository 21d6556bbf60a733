"""A timer of the user's own systemd instance: two unit files and `systemctl --user`.

Sources: systemd.unit(5), systemd.syntax(7), systemd.service(5), systemd.timer(5), systemd.time(7), systemd.exec(5).

A timer by the wall clock goes off at once when a machine wakes up late, which one by elapsed time does not. No setting
here needs a mount or user namespace: unprivileged ones may be forbidden, and in a user namespace of its own a service
has another kernel keyring (user_namespaces(7), keyrings(7)). ``KeyringMode=shared`` links the user's keyring into the
service's session keyring, so that what a login keeps there can be read whatever session started the manager.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.policy import durations, keepalive_interval
from docker_credential_harbor.system import files, folders, scheduler
from docker_credential_harbor.system.scheduler import NAME, Schedule

if TYPE_CHECKING:
    from docker_credential_harbor.system.scheduler import Job

TITLE = "a systemd user timer"
TIMER, SERVICE = f"{NAME}.timer", f"{NAME}.service"
SYSTEMCTL = ("systemctl", "--user")
LINGER_FOLDER = Path("/var/lib/systemd/linger")  # logind keeps one file a lingering user there

MODE = 0o644  # as every unit; there is nothing secret in it
UNSAFE_IN_PROGRAMS = "\"'\\"  # systemd takes no such path for the program itself, but as an argument of another

CALENDARS = {
    **{f"*:0/{s // 60}": s for s in keepalive_interval.STEPS_SECONDS if s < durations.HOUR},
    **{
        f"0/{s // durations.HOUR}:00": s
        for s in keepalive_interval.STEPS_SECONDS
        if durations.HOUR <= s < durations.DAY
    },
    "daily": durations.DAY,
}


def install(job: Job) -> bool:
    _need_manager(job)
    written = [
        files.replace_keeping_link(_folder() / SERVICE, service_text(job).encode(), MODE),
        files.replace_keeping_link(_folder() / TIMER, timer_text(job.interval_seconds).encode(), MODE),
    ]
    if not any(written) and scheduler.run([*SYSTEMCTL, "is-active", "--quiet", TIMER])[0] == 0:
        return False
    scheduler.must([*SYSTEMCTL, "daemon-reload"])
    scheduler.must([*SYSTEMCTL, "enable", "--quiet", TIMER])
    scheduler.must([*SYSTEMCTL, "restart", TIMER])  # `enable --now` leaves one that runs as it was
    return True


def uninstall() -> bool:
    paths = [path for path in (_folder() / TIMER, _folder() / SERVICE) if path.exists() or path.is_symlink()]
    if not paths:
        return False
    is_there = _manager_fault() is None
    if is_there:
        scheduler.must([*SYSTEMCTL, "disable", "--now", "--quiet", TIMER])
    for path in [*paths, _folder() / "timers.target.wants" / TIMER]:
        files.remove(path)
    if is_there:
        scheduler.must([*SYSTEMCTL, "daemon-reload"])
    return True


def status() -> Schedule | None:
    text = files.read_bytes(_folder() / TIMER)
    if text is None:
        return None
    lines = text.decode(errors="replace").splitlines()
    calendar = next((line.partition("=")[2] for line in lines if line.startswith("OnCalendar=")), "")
    if _manager_fault() is not None:
        return Schedule(CALENDARS.get(calendar))
    shown = scheduler.must([*SYSTEMCTL, "show", TIMER, "--property=NextElapseUSecRealtime,LastTriggerUSec"])
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    next_run, last_run = facts.get("NextElapseUSecRealtime"), facts.get("LastTriggerUSec")
    return Schedule(CALENDARS.get(calendar), next_run or None, None if last_run in ("", "n/a") else last_run)


def advice() -> str | None:
    import getpass

    try:
        if (LINGER_FOLDER / getpass.getuser()).exists():
            return None
    except (OSError, KeyError, ImportError):  # a user without a name
        pass
    return (
        "It runs while you are logged in. To let it run without (on a server, say): loginctl enable-linger; "
        "a sign-in in the desktop's keyring can only be read while that is unlocked."
    )


def service_text(job: Job) -> str:
    """The service unit."""
    lines = [
        "[Unit]",
        "Description=Keep the sign-ins at Harbor registries alive",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={_command(job.command)}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in job.environment.items()),
        *(f"UnsetEnvironment={name}" for name in job.without),
        "TimeoutStartSec=5min",
        "UMask=0077",
        "KeyringMode=shared",
        "NoNewPrivileges=true",
        "LockPersonality=true",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "RestrictNamespaces=true",
        "RestrictRealtime=true",
        "RestrictSUIDSGID=true",
    ]
    return "\n".join(lines) + "\n"


def timer_text(interval_seconds: int) -> str:
    """The timer unit. Not everybody asks Harbor in the same second, and a machine that was off catches up."""
    calendar = next(text for text, seconds in CALENDARS.items() if seconds == interval_seconds)
    lines = [
        "[Unit]",
        "Description=Keep the sign-ins at Harbor registries alive",
        "",
        "[Timer]",
        f"OnCalendar={calendar}",
        f"AccuracySec={interval_seconds // 20}s",
        f"RandomizedDelaySec={interval_seconds // 10}s",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _command(command: tuple[str, ...]) -> str:
    program, *arguments = command
    if any(c in UNSAFE_IN_PROGRAMS or not c.isprintable() for c in program):
        return _command(("/usr/bin/env", *command))
    # Variables are put in for ``$`` in arguments, and not in the program's path.
    return " ".join([_quoted(program), *(_quoted(argument.replace("$", "$$")) for argument in arguments)])


def _quoted(text: str) -> str:
    """systemd.syntax(7), Quoting; and a ``%`` stands for itself when doubled (systemd.unit(5), Specifiers)."""
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "%": "%%"}.get(c) or (c if c.isprintable() else _escaped(c)) for c in text
    )
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def _folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if configured.startswith("/") else folders.home() / ".config"
    return base / "systemd" / "user"


def _need_manager(job: Job) -> None:
    fault = _manager_fault()
    if fault is not None:
        raise scheduler.no_scheduler(fault, job)


def _manager_fault() -> str | None:
    """Why the user's instance cannot be asked; None: it can."""
    try:
        status, _, said = scheduler.run([*SYSTEMCTL, "show", "--property=Version"])
    except FileNotFoundError:
        return "there is no systemd"
    return None if status == 0 else scheduler.first_line(said) or "systemd does not answer"
