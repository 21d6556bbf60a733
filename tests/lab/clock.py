"""A wall clock that a test puts forward, of all who have it: servers of the lab, and processes by environment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.lab.walk import IN_PROCESS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_VARIABLE = "HARBOR_LAB_CLOCK"


class Clock:
    """This machine's own until it is put forward."""

    def __init__(self, folder: Path) -> None:
        self._seconds = 0.0
        self._file = folder / "seconds-forward"
        self._file.write_text("0")

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes it the clock of a Python process, and of all that it starts."""
        return {"PYTHONPATH": str(IN_PROCESS), FILE_VARIABLE: str(self._file)}

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._seconds

    def put_forward(self, seconds: float) -> None:
        """Everybody's at once, whatever they are doing."""
        self._seconds += seconds
        new = self._file.with_suffix(".new")
        new.write_text(repr(self._seconds))
        new.replace(self._file)
