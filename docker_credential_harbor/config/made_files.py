"""What `setup` made for this user beside its own entries, so that `setup --undo` can tell it: a note without secrets.

That is the files that were not there, which may go, and the system's own credential stores that it named in files of
clients (clients/native_store.py). It can be done without: what is not noted stays, with nothing of ours in it. Whoever
changes the note holds registry_files.setup_lock().
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.system import files, folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VERSION = 1


class Made(NamedTuple):
    """``files``: whether they are still there or not. ``stores``: by the file that names it."""

    files: set[Path]
    stores: dict[Path, str]


def noted() -> Made:
    """All that is noted."""
    try:
        content = json_value.decoded(files.read_bytes(_note()) or b"{}")
        if content["version"] != VERSION:
            return Made(set(), {})
        stores = {Path(name): str(store) for name, store in content.get("stores", {}).items()}
        return Made({Path(name) for name in content["made"]}, stores)
    except (Failure, ValueError, LookupError, TypeError, AttributeError):
        return Made(set(), {})


def note(paths: Iterable[Path], stores: Mapping[Path, str] | None = None) -> None:
    """These were made, too."""
    before = noted()
    _write(Made(before.files.union(paths), before.stores | dict(stores or {})))


@contextmanager
def noting(paths: Iterable[Path], stores: Mapping[Path, str]) -> Iterator[None]:
    """These are made in the block: noted before, so that a crash leaves none that nobody knows of.

    Where the block raises, the note is as it was.
    """
    before = noted()
    note(paths, stores)
    try:
        yield
    except BaseException:
        _write(before)
        raise


def forget_those_gone(settled: Iterable[Path] = ()) -> None:
    """Whoever makes such a file anew is not `setup`; nor is whoever names a store in a file that is ``settled``."""
    made = noted()
    there = {path for path in (*made.files, *made.stores) if os.path.exists(path)}  # noqa: PTH110 - or closed to us
    unsettled = there.difference(settled)
    _write(Made(made.files & there, {path: store for path, store in made.stores.items() if path in unsettled}))


def _write(made: Made) -> None:
    document: dict[str, object] = {"version": VERSION, "made": sorted(map(str, made.files))}
    if made.stores:
        document["stores"] = {str(path): store for path, store in sorted(made.stores.items())}
    if made.files or made.stores or _note().exists():
        with suppress(Failure):
            files.write_private(_note(), json.dumps(document, indent=1).encode())


def _note() -> Path:
    return folders.user_folder("state") / "setup.json"
