"""Room on the disk, taken before what will be written there is asked for: a file beside the target that becomes it.

Written with bytes that nothing can compress, and synced, so that a full disk or quota shows here and not later. It
holds no secret; one that a killed process left is swept by a later write (files.py).
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from pathlib import Path


_rooms: weakref.WeakSet[Room] = weakref.WeakSet()


class Room:
    """For the next write of one file, until it is spent or this process ends."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._taken: list[Path] = []
        weakref.finalize(self, _give_back, self._taken, os.getpid())
        _rooms.add(self)

    def take(self, size: int) -> None:
        """So many bytes, whatever was taken before. Raises NotWritable."""
        self.give_back()
        self._taken.append(files.make_room(self._target, size))

    def spend(self) -> Path | None:
        """The file, for ``files.write_private``; None where there is none."""
        return self._taken.pop() if self._taken else None

    def give_back(self) -> None:
        _give_back(self._taken, os.getpid())


def give_back_all() -> None:
    """For a process that is about to end without Python's own end."""
    for room in list(_rooms):
        room.give_back()


def _give_back(taken: list[Path], pid: int) -> None:
    if pid != os.getpid():  # a fork of the process that took it
        return
    while taken:
        with suppress(OSError):
            taken.pop().unlink()
