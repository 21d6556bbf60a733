"""The last `get` of a registry that had no pair to give: when, for whom and why. One file a registry; no secret in it.

Some programs show nobody what a helper says, so it is kept for `status` and `doctor`. A file that cannot be read counts
as none.
"""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.clean_text import LONGEST_USED, shown
from docker_credential_harbor.outside.json_record import as_json, of_json
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system.files import make_private_folder, read_bytes, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Missed(NamedTuple):
    """One line each. Its annotations are read (json_record.py), and so not put off."""

    at: float  # since the epoch
    program: str  # the caller's, by name alone; "" where it is unknown
    code: str  # as in errors.py
    message: str
    place: str = ""  # the standard error that it was told on (console.place)
    process: str = ""  # that asked (processes.mark); "" where it is unknown


def load(name: str) -> Missed | None:
    """That of the registry of that name; None where a pair was given since."""
    try:
        missed = of_json(Missed, json_value.decoded(read_bytes(_path(name)) or b"null"), least=0)
    except (Failure, ValueError, TypeError, LookupError, ArithmeticError):
        return None
    return missed if all(shown(text, LONGEST_USED) == text for text in missed[1:]) else None


def of_process(process: str, names: "Iterable[str]") -> "Iterator[Missed]":
    """Those of these registries of which that process, no other, had no pair."""
    for name in names:
        missed = load(name)
        if missed and process and missed.process == process:
            yield missed


def save(name: str, missed: Missed) -> None:
    """Raises NotWritable, NoHome."""
    path = _path(name)
    make_private_folder(path.parent)
    write_private(path, json.dumps(as_json(missed)).encode())


def forget(name: str) -> None:
    """Once a pair was given, or Harbor accepts one, which a warm `get` hands out. Never raises."""
    with suppress(Exception):  # it is shown for a day at most
        _path(name).unlink(missing_ok=True)


def _path(name: str) -> "Path":
    return registry_lock.beside(name, ".missed")
