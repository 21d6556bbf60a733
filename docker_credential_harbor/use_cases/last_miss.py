"""Why a `get` had no pair: told once on each standard error, and kept for whoever looks for it later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.policy import durations
from docker_credential_harbor.storage import missed, registry_lock
from docker_credential_harbor.storage.missed import Missed
from docker_credential_harbor.system import console, redaction

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Registry

SHOWN_SECONDS = 24 * 3600  # after which it is no news
LOCK_SECONDS = 0.3  # beyond `timeout`: the answer waits for it


def tell(registry: Registry, failure: Failure, program: str, began_at: float) -> None:
    """Unless another `get` has told the same on this standard error since this one began: four services ask at once."""
    told = False
    try:
        with registry_lock.held(registry.name, LOCK_SECONDS):
            before, place = missed.load(registry.name), console.place()
            told = before is not None and before.at >= began_at and bool(place)
            told = told and before is not None and (before.code, before.place) == (failure.note_code, place)
            if not told:
                told = True
                console.tell(failure)  # before it is kept: whoever called may end this process at any moment
            message = redaction.redact(str(failure))
            missed.save(registry.name, Missed(time.time(), program, failure.note_code, message, place))
    except Exception as fault:  # what cannot be kept is not worth more
        console.told(fault)
        if not told:
            console.tell(failure)


def told(registry: Registry) -> str | None:
    """What became of the last pull, where it had no pair: one line, with which `status` and `doctor` begin."""
    last = missed.load(registry.name)
    past = time.time() - last.at if last else 0
    if last is None or not 0 <= past < SHOWN_SECONDS:
        return None
    by = f", by {last.program}" if last.program else ""
    return f"the last pull had no pair, {durations.ago(past)}{by}: {last.message}"
