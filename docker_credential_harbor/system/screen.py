"""The terminal that shows what is written to standard error, and how much room is on it."""

import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TERMINAL = "/dev/tty"  # the controlling one of whoever opens it (tty(4))

# Rows that are left for a caller to draw over: a build with four images draws ten, and twenty-three where compose makes
# it of four Dockerfiles. Not all rows, since its own last words push upwards what stands above them.
LEAST_ROOM = 13
MOST_ROOM = 5 / 8  # of the screen
GROWTH = 8  # rows that it may draw more than it did


class Screen(NamedTuple):
    """Its size in characters, and the encoding of standard error."""

    columns: int
    rows: int
    encoding: str

    def rows_of(self, lines: list[str]) -> int:
        """How many the lines take, folded where they are too long."""
        return sum(max(1, -(-len(line) // max(1, self.columns))) for line in lines)

    def room_below(self, lines: list[str]) -> int:
        """How many rows stay free below them, for a caller to draw over, while all of them are seen."""
        wanted = max(LEAST_ROOM, int(self.rows * MOST_ROOM))
        return max(0, min(wanted, self.rows - GROWTH - self.rows_of(lines)))


@contextmanager
def controlling_terminal() -> "Iterator[int]":
    """Open to be written to. Raises OSError where there is none."""
    if sys.platform == "win32":
        raise OSError
    descriptor = os.open(TERMINAL, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def screen() -> Screen | None:
    """Whether standard error is a terminal, or a pipe of Docker's, which copies it to the controlling one."""
    try:
        if sys.stderr.isatty():
            size = os.get_terminal_size(sys.stderr.fileno())
        elif stat.S_ISFIFO(os.fstat(sys.stderr.fileno()).st_mode):
            with controlling_terminal() as terminal:
                size = os.get_terminal_size(terminal)
        else:
            return None
    except (AttributeError, OSError, ValueError):  # there is no standard error, or it is closed; no terminal
        return None
    return None if os.environ.get("TERM") == "dumb" else Screen(size.columns, size.lines, sys.stderr.encoding)
