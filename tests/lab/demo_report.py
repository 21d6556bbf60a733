"""What the demo prints: each step in plain words, what was run, what came back, a tick or a cross, and a summary."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "********"
INDENT = "     "


@dataclass
class Step:
    """One thing that is shown. It did what it should when it expected something, and all of that held."""

    number: int
    title: str
    report: Report
    milliseconds: float = 0.0
    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def ok(self) -> bool:
        return not self.broken and bool(self.held or self.skipped)

    @property
    def mark(self) -> str:
        return self.report.marks["skipped" if self.skipped and self.ok else "ok" if self.ok else "failed"]

    def say(self, text: str) -> None:
        """What happens, in plain words."""
        self.report.line(f"{INDENT}{text}")

    def ran(self, command: str) -> None:
        """What is run, as it could be typed."""
        self.report.line(f"{INDENT}$ {command}")

    def came(self, stream: str, text: str) -> None:
        """What came back on one of the streams."""
        for line in text.splitlines():
            self.report.line(f"{INDENT}{stream:<7}| {line}")

    def took(self, milliseconds: float) -> None:
        """Adds to the time that the summary shows."""
        self.milliseconds += milliseconds

    def expect(self, what: str, holds: bool) -> None:
        """Something that has to be so."""
        (self.held if holds else self.broken).append(what)

    def skip(self, why: str) -> None:
        """This step needs something that is not on this machine."""
        self.skipped = why


class Report:
    """Writes as it goes; `steps` are those so far."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.steps: list[Step] = []
        self.began_at = time.monotonic()
        plain = {"ok": "ok", "failed": "FAILED", "skipped": "-"}
        drawn = {"ok": "\u2713", "failed": "\u2717", "skipped": "-"}
        self.marks = drawn if self._can_write("".join(drawn.values())) else plain

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    def line(self, text: str = "") -> None:
        """One line, at once."""
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step. Whatever goes wrong in it is its cross, and the next one follows."""
        step = Step(len(self.steps) + 1, title, self)
        self.steps.append(step)
        self.line(f"\n{step.number:>3}. {title}")
        try:
            yield step
        except Exception as error:  # a demo that breaks off shows nothing of what would still work
            step.broken.append(f"{type(error).__name__}: {error}")
        if step.skipped:
            step.say(f"{self.marks['skipped']} {step.skipped}")
        if step.held:
            mark = self.marks["ok"]
            step.say(f"{mark} {step.milliseconds:.0f} ms   {'; '.join(step.held)}")
        for fault in step.broken:
            step.say(f"{self.marks['failed']} not so: {fault}")

    def summary(self) -> None:
        """One line a step, and one for all."""
        self.line("\nSummary")
        width = max(len(mark) for mark in self.marks.values())
        for step in self.steps:
            note = f" ({step.skipped})" if step.skipped else ""
            self.line(f"  {step.mark:<{width}} {step.milliseconds:>6.0f} ms  {step.number:>2}. {step.title}{note}")
        skipped = sum(step.ok and bool(step.skipped) for step in self.steps)
        good = sum(step.ok for step in self.steps) - skipped
        not_shown = f"; {skipped} not shown here" if skipped else ""
        seconds = time.monotonic() - self.began_at
        self.line(f"  {good} of {len(self.steps)} steps did what they should, in {seconds:.1f} s{not_shown}.")

    def _can_write(self, text: str) -> bool:
        try:
            text.encode(self._stream.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True


def masked(answer: str) -> str:
    """Docker's answer without the secret."""
    try:
        pair = json.loads(answer)
    except ValueError:
        return answer
    if isinstance(pair, dict) and "Secret" in pair:
        pair["Secret"] = MASK
    return json.dumps(pair, separators=(",", ":"))
