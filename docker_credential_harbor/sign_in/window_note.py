"""What the worker writes down for whoever waits for it: what the person can open, and how it ended.

It lies beside the window lock, which the worker holds for as long as it runs. Nothing secret in it.
"""

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from docker_credential_harbor import errors
from docker_credential_harbor.errors import Failure, FoundOut
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.outside.json_record import as_json, of_json
from docker_credential_harbor.policy.known import Asked, Step
from docker_credential_harbor.system import console, files, folders
from docker_credential_harbor.system.disk_room import Room

if TYPE_CHECKING:
    from pathlib import Path

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


def lock_path() -> "Path":
    """The lock of the one window that a user has, over all registries; held by the worker."""
    return folders.user_folder("state") / "window.lock"


def path() -> "Path":
    """Where the note lies."""
    return folders.user_folder("state") / "window.json"


def write(note: Note, room: Room) -> None:
    """For the worker, which holds the lock. Raises NotWritable.

    In ``room`` is kept what the next note takes: how it ends must be told on a disk that is full by then, too.
    """
    data = json.dumps(as_json(note)).encode()
    files.write_private(path(), data, alone=True, room=room.spend)
    if not note.ended:
        room.take(NOTE_BYTES)


def room_for_one() -> Room:
    """Room on the disk for a note. Raises NotWritable."""
    room = Room(path())
    room.take(NOTE_BYTES)
    return room


def read() -> Note | None:
    """The note of the last worker; None if there is none that can be read."""
    try:
        data = json_value.decoded(files.read_bytes(path()) or b"null")
        return _note(data) if data else None
    except (Failure, ValueError, ArithmeticError, TypeError, KeyError):
        return None


def _note(data: Any) -> Note:
    """Raises LookupError, TypeError, ValueError or ArithmeticError for what can be neither shown nor acted upon."""
    note = of_json(Note, data, least=0)
    texts = [note.registry, *(text for link in note.links for text in (link.url, link.purpose))]
    if not all(shown(text, console.LONGEST_LINE) == text for text in texts):
        raise ValueError
    if note.step not in Step.__members__ or note.asked not in (None, *Asked.__members__):
        raise ValueError
    if not 1 < note.pid < 2**31:  # it is signalled: below 1 stands for whole groups
        raise ValueError
    return note
