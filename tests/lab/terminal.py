"""A terminal with a program in it: what it shows, and what a person types there.

Source: pty(7), tty_ioctl(4) (TIOCSCTTY: the program's controlling terminal, which it finds as /dev/tty; TIOCSWINSZ).
"""

import fcntl
import os
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import pyte

from tests.lab.processes import PartError, wait_until

TIMEOUT_SECONDS = 60
CLEARED = re.compile(r"[^\n]*\r\033\[K")  # a line up to Erase in Line (ECMA-48 8.3.41)


class Terminal:
    """Runs one command from the start to the end of a ``with``; all three streams are the terminal."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], columns: int = 100, rows: int = 40) -> None:
        self._screen, inside = os.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._size = (columns, rows)
        self.chunks: list[tuple[float, bytes]] = []  # what was written to it, and when (time.monotonic)
        self.process = subprocess.Popen(
            command,
            env=env,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """Everything that can be read there by now, lines ending in a line feed; what was cleared is gone."""
        return CLEARED.sub("", self.raw.replace("\r\n", "\n"))

    @property
    def raw(self) -> str:
        """Everything that was written to it so far."""
        return b"".join(data for _, data in self.chunks).decode(errors="replace")

    @property
    def screen(self) -> list[str]:
        """What is seen there now, row by row: whatever was drawn over or has been pushed off the top is gone."""
        return [row.rstrip() for row in self._emulated().display]

    @property
    def scrolled_rows(self) -> list[str]:
        """What is seen by whoever scrolls up: the screen, and above it what has been pushed off the top."""
        screen = self._emulated()
        above = ["".join(row[column].data for column in range(self._size[0])).rstrip() for row in screen.history.top]
        return [*above, *(row.rstrip() for row in screen.display)]

    def _emulated(self) -> pyte.HistoryScreen:
        screen = pyte.HistoryScreen(*self._size, history=1000)
        stream = pyte.ByteStream(screen)
        for _, data in list(self.chunks):
            stream.feed(data)
        return screen

    def wait_for_on_screen(self, text: str, seconds: float = TIMEOUT_SECONDS) -> list[str]:
        """Waits until the text, which may be folded, is seen there; the rows of the screen."""
        wait_until(
            lambda: text in "".join(self.screen) or self.process.poll() is not None, f"{text!r} on the screen", seconds
        )
        if self.process.poll() is not None:
            self._reader.join(TIMEOUT_SECONDS)
        rows = self.screen
        assert text in "".join(rows), "\n".join(rows)
        return rows

    def wait_for(self, text: str, times: int = 1) -> str:
        """Waits until the text has been shown so often; everything shown so far."""
        wait_until(
            lambda: self.text.count(text) >= times or self.process.poll() is not None,
            f"{text!r} on the terminal",
            TIMEOUT_SECONDS,
        )
        if self.text.count(text) < times:
            self._reader.join(TIMEOUT_SECONDS)
        assert self.text.count(text) >= times, self.text
        return self.text

    def enter(self, keys: str) -> None:
        """Types keys; a line ends with "\\n", "\\x03" is Ctrl-C, "\\x04" Ctrl-D."""
        os.write(self._screen, keys.encode())

    def wait(self) -> int:
        """The exit status, once everything is shown."""
        try:
            status = self.process.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise PartError(f"{error}; the terminal shows:\n{self.text}") from error
        self._reader.join(TIMEOUT_SECONDS)
        return status

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._screen, 4096)
            except OSError:  # EIO: the last one who had it open has closed it
                return
            if not data:
                return
            self.chunks.append((time.monotonic(), data))

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(TIMEOUT_SECONDS)
        if not self._reader.is_alive():  # else it would read on at whatever gets that number
            os.close(self._screen)
