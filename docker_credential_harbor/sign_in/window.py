"""The one window in which a person is asked: who has it, how it is started, waited for and ended.

The worker (worker.py) holds the window lock for as long as it runs, and writes its note beside it: what it
does, which links a person can open, and at the end how it went. So any number of processes can wait for the same
window, and one that was killed leaves nothing but a free lock.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from docker_credential_harbor import errors
from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import Failure, FoundOut
from docker_credential_harbor.model import as_json
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.text import shown
from docker_credential_harbor.person import qr_code, reaching
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console, detached, files, lock, processes
from docker_credential_harbor.system.disk_room import Room

if TYPE_CHECKING:
    from collections.abc import Callable

AskedBy = Literal["get", "login", "login --browser", "login --device"]

WORKER_VERB = "_ask-the-person"  # not for people; the packaged executable starts itself with it
START_SECONDS = 20  # within which a worker that was started has the lock, or has ended
GRACE_SECONDS = 30  # beside login_timeout, for a worker to find the provider, to save and to end
POLL_SECONDS = 0.05
REMIND_AFTER_SECONDS = 15  # of waiting: by then a page that shows an error has been looked at
NOTE_BYTES = 8192


class Link(NamedTuple):
    """What the person can open, and for what. The user code (RFC 8628) is there to be compared or typed: no secret."""

    url: str
    purpose: str  # as in "to … at REGISTRY"
    user_code: str | None = None
    code_in_url: bool = False
    ends_at: float | None = None  # when the code is worth nothing any more


class Note(NamedTuple):
    """What the worker tells whoever waits for it. Nothing secret in it."""

    run: str
    registry: str
    step: str  # Step.SIGN_IN or Step.RENEW_HARBOR_SIDE, by name
    pid: int
    process: str = ""  # its mark (processes.py): the number alone may be another process's by now
    links: tuple[Link, ...] = ()  # for the person, to be printed as well where a browser is opened
    browser: bool = False  # whether one is
    ended: bool = False
    asked: str | None = None  # Asked.DONE or Asked.NOT_PASSED, by name
    failure_code: str | None = None
    failure_message: str | None = None
    failure_fix: str | None = None
    lines: tuple[str, ...] = ()  # for standard error of whoever waits
    trace: tuple[str, ...] = ()

    def outcome(self) -> tuple[Asked | None, Failure | None]:
        """How it ended; a worker that ended without a word was killed."""
        if self.failure_code:
            return None, FoundOut(self.failure_code, self.failure_message or "", self.failure_fix or "")
        if self.asked:
            return Asked[self.asked], None
        return None, errors.SignInEnded(registry=self.registry)


def login_choice(asked_by: str) -> Literal["browser", "device"] | None:
    """What the person asked for beside `login`."""
    return {"login --browser": "browser", "login --device": "device"}.get(asked_by)  # type: ignore[return-value]


def write(note: Note, room: Room) -> None:
    """For the worker, which holds the lock. Raises NotWritable.

    In ``room`` is kept what the next note takes: how it ends must be told on a disk that is full by then, too.
    """
    data = json.dumps(as_json(note)).encode()
    files.write_private(registry_notes.window_note_path(), data, alone=True, room=room.spend)
    if not note.ended:
        room.take(NOTE_BYTES)


def note_room() -> Room:
    """Room on the disk for a note. Raises NotWritable."""
    room = Room(registry_notes.window_note_path())
    room.take(NOTE_BYTES)
    return room


def read() -> Note | None:
    """The note of the last worker; None if there is none that can be read."""
    try:
        data = json_value.decoded(files.read_bytes(registry_notes.window_note_path()) or b"null")
        return _note(data) if data else None
    except (Failure, ValueError, ArithmeticError, TypeError, KeyError):
        return None


def _note(data: dict[str, Any]) -> Note:
    """Raises TypeError, KeyError, ArithmeticError or ValueError for anything that ``write`` does not write."""
    links = tuple(Link(**link) for link in data["links"])
    note = Note(**{**data, "links": links, "lines": tuple(data["lines"]), "trace": tuple(data["trace"])})
    of_links = [text for link in links for text in (link.url, link.purpose)]
    texts = (note.run, note.registry, note.step, note.process, *of_links, *note.lines, *note.trace)
    failure = (note.failure_code, note.failure_message, note.failure_fix)
    words = (note.asked, *failure, *(link.user_code for link in links))
    if not (all(isinstance(text, str) for text in texts) and all(isinstance(word, str | None) for word in words)):
        raise TypeError
    if not all(shown(text, console.LONGEST_LINE) == text for text in (note.registry, *of_links)):
        raise ValueError
    if not all(link.ends_at is None or 0 <= float(link.ends_at) < math.inf for link in links):
        raise ValueError
    if note.step not in Step.__members__ or (note.asked is not None and note.asked not in Asked.__members__):
        raise ValueError
    if not isinstance(note.pid, int) or not 1 < note.pid < 2**31:  # it is signalled: below 1 stands for whole groups
        raise ValueError
    return note


def under_way() -> Note | None:
    """The note of the worker that has the window now; None: nobody has it, or only just and not said who.

    Where its lock cannot be opened, nobody has it either: whoever asks a person then is told why that cannot be.
    """
    try:
        if not _is_taken():
            return None
    except errors.NotWritable:
        return None
    note = read()
    return note if note and not note.ended and processes.is_running(note.pid, note.process) is not False else None


def _is_taken() -> bool:
    """Whether a worker has the window; where there are no locks (lock.py) by its note. Raises NotWritable."""
    return lock.is_held(registry_notes.window_lock_path()) or _runs(read())


def _runs(note: Note | None) -> bool:
    """Whether the worker that wrote the note is known to run, here."""
    return note is not None and not note.ended and processes.is_running(note.pid, note.process) is True


def start(registry_name: str, step: Step, generation: int, asked_by: AskedBy) -> str:
    """Starts a worker and returns its run once it has the window, or has ended. Raises NotStarted, NotWritable.

    The caller holds the registry's lock, so that no second worker is started for it meanwhile.
    """
    note_room().give_back()  # without room for its note the worker could not even say so
    run = os.urandom(8).hex()
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "docker_credential_harbor"]
    arguments = [run, registry_name, step.name, str(generation), asked_by]
    pid = detached.start([*program, WORKER_VERB, *arguments], _environment())
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and _is_alive(pid):
        note = read()
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
    show: Callable[[Note], None] | None = None,
    count_down: Callable[[float], None] | None = None,
    remind: Callable[[], None] | None = None,
) -> tuple[Asked | None, Failure | None] | None:
    """How that run for the registry ended, waited for at most ``seconds``; None: another one had the window.

    ``show`` is called for every new link or line of its note, ``count_down`` all the time that a person can be waited
    for, with the seconds that are left to them, ``remind`` once, after a while. A run that left no note counts as ended
    by somebody.
    """
    ends_at = time.monotonic() + seconds
    remind_at = float("inf")
    seen: Note | None = None
    while True:
        # Looked at before the note, which is written before the lock is given back.
        held = _is_taken()
        note = read()
        if not (note and note.run == run):
            return None if held and not seen else (None, errors.SignInEnded(registry=registry_name))
        if show and seen != note:
            shown = seen.links if seen else ()
            new = note.links[len(shown) :]
            show(note._replace(links=new))
            if new and not shown:
                remind_at = time.monotonic() + REMIND_AFTER_SECONDS
            if new:  # something else that the person is given time for
                ends_at = time.monotonic() + seconds
            seen = note
        if note.ended or not held:
            return note.outcome()
        if remind and time.monotonic() >= remind_at:
            remind()
            remind_at = float("inf")
        if count_down and note.links:
            count_down(_seconds_left(note.links[-1], ends_at - GRACE_SECONDS))
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
    note = under_way()
    if note and note.registry == registry_name and run in (None, note.run) and _runs(note):
        with suppress(OSError):
            os.kill(note.pid, signal.SIGTERM)


def show(note: Note) -> None:
    """Prints what the person may need, as it comes up."""
    for link in note.links:
        what = f"{link.purpose} at {note.registry}"
        if note.browser:
            console.hint(f"opening a browser to {what}; only if none appears, open: {link.url}")
        else:
            console.hint(f"to {what}, open this in a browser on any device: {link.url}")
            show_qr_code(link.url)
            _show_user_code(link)
    if note.ended:
        for line in note.lines:
            console.warn(line)
        for line in note.trace:
            console.trace(line)


def count_down(seconds: float) -> None:
    """On a terminal: that somebody is waited for, and for how long."""
    minutes, rest = divmod(round(seconds), 60)
    console.progress(f"waiting for the browser, {minutes}:{rest:02} left (Ctrl-C stops it)")


def remind() -> None:
    """What to look for in the browser, which cannot be seen from here."""
    console.hint(f"still waiting for the browser: {errors.HARBORS_PAGE}; Ctrl-C ends this")


def show_qr_code(url: str) -> None:
    """For a phone; nothing where the screen cannot show it."""
    screen = reaching.screen()
    for line in qr_code.lines(url, screen.columns - len(console.PREFIX), screen.encoding) if screen else ():
        console.hint(line)


def _show_user_code(link: Link) -> None:
    if link.user_code:
        left = f"{max(0, round((link.ends_at or 0) - time.time()))} s"
        if link.code_in_url:
            console.hint(f"it must show the code {link.user_code}; confirm it there within {left}")
        else:
            console.hint(f"enter the code {link.user_code} there within {left}")


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
