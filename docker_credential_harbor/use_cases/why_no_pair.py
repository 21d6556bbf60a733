"""Why a `get` had no pair: told once on each standard error, and kept for whoever looks for it later."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import NoSignInNeeded
from docker_credential_harbor.outside.clean_text import LONGEST_USED, shown
from docker_credential_harbor.policy import durations
from docker_credential_harbor.storage import miss_note, registry_lock
from docker_credential_harbor.storage.miss_note import Missed
from docker_credential_harbor.system import console, redaction

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Registry

SHOWN_SECONDS = durations.DAY  # after which it is no news
LOCK_SECONDS = 0.3  # beyond `timeout`: the answer waits for it
LONGEST_PROGRAM = 60  # characters
ONE_LOGIN_SECONDS = 10  # within which `podman login` asks again


def tell(registry: Registry, failure: Failure, program: str, began_at: float, process: str = "") -> None:
    """Unless another `get` has told the same on this standard error since this one began: four services ask at once.

    ``program``: the caller's name; ``process``: which one it is (processes.mark). NoSignInNeeded is of no interest
    later on, and told once to whoever asks again.
    """
    place, in_passing = console.place(), isinstance(failure, NoSignInNeeded)
    since = began_at - ONE_LOGIN_SECONDS if in_passing else began_at
    with ExitStack() as lock:
        with suppress(Exception):  # without the lock it may be told twice
            lock.enter_context(registry_lock.held(registry.name, LOCK_SECONDS))
        if _is_told(registry, failure, place, since):
            return
        console.tell(failure)  # before it is kept: whoever called may end this process at any moment
        if in_passing and told(registry):
            return
        message = shown(redaction.redact(str(failure)), LONGEST_USED)
        with suppress(Exception):  # what cannot be kept is not worth more
            by = shown(program, LONGEST_PROGRAM)
            miss_note.save(registry.name, Missed(time.time(), by, failure.note_code, message, place, process))


def _is_told(registry: Registry, failure: Failure, place: str, since: float) -> bool:
    with suppress(Exception):
        before = miss_note.load(registry.name)
        if before and place and before.at >= since:
            return (before.code, before.place) == (failure.note_code, place)
    return False


def told(registry: Registry) -> str | None:
    """What became of the last pull, where it had no pair: one line, with which `status` and `doctor` begin.

    Asked for before they ask Harbor, which mends it where the pair is accepted.
    """
    last = miss_note.load(registry.name)
    past = time.time() - last.at if last else 0
    if last is None or last.code == NoSignInNeeded.code or not 0 <= past < SHOWN_SECONDS:
        return None
    by = f", by {last.program}" if last.program else ""
    return f"the last pull had no pair, {durations.ago(past)}{by}: {last.message}"
