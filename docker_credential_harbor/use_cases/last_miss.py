"""Why a `get` had no pair: told once on each standard error, and kept for whoever looks for it later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.storage import missed, registry_notes
from docker_credential_harbor.storage.missed import Missed
from docker_credential_harbor.system import console, redaction

if TYPE_CHECKING:
    from docker_credential_harbor.model import Registry

LOCK_SECONDS = 1  # beyond `timeout`: the answer waits for it


def tell(registry: Registry, failure: Failure, program: str, began_at: float) -> None:
    """Unless another `get` has told the same on this standard error since this one began: four services ask at once."""
    told = False
    try:
        with registry_notes.registry_lock(registry.name, LOCK_SECONDS):
            before, place = missed.load(registry.name), console.place()
            told = before is not None and before.at >= began_at and bool(place)
            told = told and before is not None and (before.code, before.place) == (failure.note_code, place)
            if not told:
                told = True
                console.tell(failure)  # before it is kept: whoever called may end this process at any moment
            message = redaction.redact(str(failure))
            missed.save(registry.name, Missed(time.time(), program, failure.note_code, message, place))
    except Failure:
        if not told:
            console.tell(failure)
