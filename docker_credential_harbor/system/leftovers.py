"""The files beside a file that is being written: their names, and how those of killed writers go.

One with content may hold secrets. Room (disk_room.py) holds none yet.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT, ROOM = ".tmp", ".room"
OLD_SECONDS = 3600  # after which nobody is at work on one any more


def name_beside(path: Path, ending: str) -> Path:
    """A new name in the same folder."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}{ending}")


def exist(path: Path) -> bool:
    """Whether writers that were killed, or are at work, have left content beside it."""
    with suppress(OSError):
        return any(True for _ in _beside(path, CONTENT))
    return False


def sweep(path: Path) -> None:
    """Removes the content, for a caller who excludes other writers."""
    _remove(path, CONTENT, older_than_seconds=None)


def sweep_old(path: Path) -> None:
    """Removes what no writer can be at work on any more."""
    _remove(path, (CONTENT, ROOM), OLD_SECONDS)


def _remove(path: Path, endings: str | tuple[str, ...], older_than_seconds: float | None) -> None:
    with suppress(OSError):
        for beside in list(_beside(path, endings)):
            with suppress(OSError):
                if older_than_seconds is None or beside.lstat().st_mtime < time.time() - older_than_seconds:
                    beside.unlink()


def _beside(path: Path, endings: str | tuple[str, ...]) -> Iterator[Path]:
    for beside in path.parent.iterdir():
        if beside.name.startswith(f".{path.name}.") and beside.name.endswith(endings):
            yield beside
