"""The one window in which a person is asked: who has it, how it is started, waited for and ended.

The worker (worker.py) holds the window lock for as long as it runs, and writes its note beside it: what it
does, which links a person can open, and at the end how it went. So any number of processes can wait for the same
window, and one that was killed leaves nothing but a free lock.
"""

from __future__ import annotations

import math
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from docker_credential_harbor import errors
from docker_credential_harbor.config import read_config
from docker_credential_harbor.sign_in import window_note
from docker_credential_harbor.sign_in.window_note import Link, Note, room_for_one
from docker_credential_harbor.sign_in.window_note import read as read_note
from docker_credential_harbor.system import lock, processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.policy.known import Asked, Step

AskedBy = Literal["get", "login", "login --browser", "login --device"]

WORKER_VERB = "_ask-the-person"  # not for people; the packaged executable starts itself with it
START_SECONDS = 20  # within which a worker that was started has the lock, or has ended
GRACE_SECONDS = 30  # beside login_timeout, for a worker to find the provider, to save and to end
POLL_SECONDS = 0.05
REMIND_AFTER_SECONDS = 15  # of waiting: by then a page that shows an error has been looked at


class OutOfPatience(Exception):
    """The sign-in goes on, and whoever asked does not wait for it."""


def login_choice(asked_by: str) -> Literal["browser", "device"] | None:
    """What the person asked for beside `login`."""
    return {"login --browser": "browser", "login --device": "device"}.get(asked_by)  # type: ignore[return-value]


def under_way() -> Note | None:
    """The note of the worker that has the window now; None: nobody has it, or only just and not said who.

    Where its lock cannot be opened, nobody has it either: whoever asks a person then is told why that cannot be.
    """
    try:
        if not _is_taken():
            return None
    except errors.NotWritable:
        return None
    note = read_note()
    return note if note and not note.ended and processes.is_running(note.pid, note.process) is not False else None


def _is_taken() -> bool:
    """Whether a worker has the window; where there are no locks (lock.py) by its note. Raises NotWritable."""
    return lock.is_held(window_note.lock_path()) or _runs(read_note())


def _runs(note: Note | None) -> bool:
    """Whether the worker that wrote the note is known to run, here."""
    return note is not None and not note.ended and processes.is_running(note.pid, note.process) is True


def start(registry_name: str, step: Step, generation: int, asked_by: AskedBy) -> str:
    """Starts a worker and returns its run once it has the window, or has ended. Raises NotStarted, NotWritable.

    The caller holds the registry's lock, so that no second worker is started for it meanwhile.
    """
    from docker_credential_harbor.system import detached

    room_for_one().give_back()  # without room for its note the worker could not even say so
    run = os.urandom(8).hex()
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "docker_credential_harbor"]
    arguments = [run, registry_name, step.name, str(generation), asked_by]
    pid = detached.start([*program, WORKER_VERB, *arguments], _environment())
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and _is_alive(pid):
        note = read_note()
        if note and note.run == run:
            break
        time.sleep(POLL_SECONDS)
    return run


def _environment() -> dict[str, str]:
    """Ours, with the same configuration for a process that works in another folder."""
    environment = dict(os.environ)
    if environment.get(read_config.USER_FILE_VARIABLE):
        environment[read_config.USER_FILE_VARIABLE] = str(read_config.user_file())
    return environment


def wait(
    run: str,
    registry_name: str,
    seconds: float,
    patience_seconds: float = math.inf,
    show: Callable[[Note], None] | None = None,
    count_down: Callable[[float], None] | None = None,
    remind: Callable[[], None] | None = None,
) -> tuple[Asked | None, Failure | None] | None:
    """How that run for the registry ended, waited for at most ``seconds``; None: another one had the window.

    Raises OutOfPatience after ``patience_seconds``, if it has not ended by then.

    ``show`` is called for every new link or line of its note, ``count_down`` all the time that a person can be waited
    for, with the seconds that are left to them, ``remind`` once, after a while. A run that left no note counts as ended
    by somebody.
    """
    now = time.monotonic()
    ends_at, patience_ends_at, remind_at = now + seconds, now + patience_seconds, math.inf
    seen: Note | None = None
    while True:
        # Looked at before the note, which is written before the lock is given back.
        held = _is_taken()
        note = read_note()
        if not (note and note.run == run):
            return None if held and not seen else (None, errors.SignInEnded(registry=registry_name))
        if show and seen != note:
            shown = len(seen.links) if seen else 0
            show(note._replace(links=note.links[shown:]))
            if len(note.links) > shown:  # something else that the person is given time for
                ends_at = time.monotonic() + seconds
                remind_at = remind_at if shown else time.monotonic() + REMIND_AFTER_SECONDS
            seen = note
        if note.ended or not held:
            return note.outcome()
        if remind and time.monotonic() >= remind_at:
            remind()
            remind_at = math.inf
        if count_down and note.links:
            count_down(_seconds_left(note.links[-1], min(ends_at - GRACE_SECONDS, patience_ends_at)))
        if time.monotonic() > patience_ends_at:
            raise OutOfPatience
        if time.monotonic() > ends_at:
            return None, errors.SignInTimedOut(registry=registry_name, seconds=round(seconds))
        time.sleep(POLL_SECONDS)


def _seconds_left(link: Link, ends_at: float) -> float:
    """For a person to use the link, until ``ends_at`` of the monotonic clock at the latest."""
    code_ends_at = link.ends_at or float("inf")
    return max(0.0, min(ends_at - time.monotonic(), code_ends_at - time.time()))


def wait_until_free(seconds: float) -> bool:
    """Waits while a worker for another registry has the window. False: it still has it."""
    ends_at = time.monotonic() + seconds
    while _is_taken():
        if time.monotonic() > ends_at:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(registry_name: str, run: str | None = None) -> None:
    """Ends the sign-in under way for that registry (``run``: only if it is that one).

    Only a process that is known to be the worker is signalled. Another machine's looks at the notes itself.
    """
    import signal

    note = under_way()
    if note and note.registry == registry_name and run in (None, note.run) and _runs(note):
        with suppress(OSError):
            os.kill(note.pid, signal.SIGTERM)


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill(pid, 0) is Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
