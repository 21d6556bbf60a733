"""A clock for what waits and looks: however slow the machine is, nothing passes but what is slept."""

from __future__ import annotations

import time


class SleptTime:
    """In place of `time` in a module of the product's."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @staticmethod
    def time() -> float:
        """This machine's."""
        return time.time()
