"""The only writer to standard error: warnings, hints and the trace, with secrets and control characters taken out.

Docker passes a helper's standard error through to the terminal, so each line says who speaks. Nothing here
ever fails: a message that cannot be written is not worth the answer that it goes with.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import BrokeOff, Failure
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.system import redaction

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "docker-credential-harbor: "
TRACE_VARIABLE = "DOCKER_CREDENTIAL_HARBOR_TRACE"

LONGEST_LINE = 8000  # an address to open must stay whole

CLEAR_LINE = "\r\033[K"  # ECMA-48 8.3.41, Erase in Line

_shown_progress = ""  # in the terminal's last line now


def tell(failure: Failure, about: str = "") -> None:
    """Why something failed, behind the code that docs/troubleshooting.md has it under.

    The code stands in front, so that a command at the end of the line can be copied. ``about``: what it goes with.
    """
    _write(f"[{failure.note_code}] {about}{failure}")


def warn(text: str) -> None:
    """Something that a person should know or do, and that is no failure."""
    _write(text)


def hint(text: str) -> None:
    """Progress: what happens now, and what to open."""
    _write(text)


def progress(text: str) -> None:
    """A line in whose place the next one comes, on a terminal; nothing elsewhere. Empty: it is taken away."""
    global _shown_progress
    if text == _shown_progress:
        return
    try:
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write(CLEAR_LINE + (PREFIX + shown(text, LONGEST_LINE))[: columns - 1] if text else CLEAR_LINE)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return
    _shown_progress = text


def trace(text: str) -> None:
    """What was asked of whom, how long it took and what was decided: only when it is asked for."""
    if trace_is_on():
        _write(text, PREFIX + "trace: ")


def trace_exception(error: BaseException) -> None:
    """Where it happened, with everything that it was chained to: only when the trace is asked for."""
    if trace_is_on():
        import traceback

        for line in traceback.format_exception(type(error), error, error.__traceback__):
            trace(line)


def told(fault: Exception) -> Failure:
    """The failure to tell: what was raised, LibraryUnusable, or BrokeOff for what nobody foresaw.

    The trace shows the latter two whole.
    """
    if isinstance(fault, Failure):
        return fault
    from docker_credential_harbor.system import libraries

    trace_exception(fault)
    if unusable := libraries.unusable(fault):
        return unusable
    reason = getattr(fault, "strerror", None)
    return BrokeOff(reason=f"{type(fault).__name__}: {reason}" if reason else type(fault).__name__)


@contextmanager
def only_telling() -> Iterator[None]:
    """Why the block failed is told, and raised no further: what was found out is good even if it cannot be saved."""
    try:
        yield
    except Exception as fault:
        tell(told(fault))


def pass_on(written: str) -> None:
    """What this module wrote in a process that has no streams."""
    if not written:
        return
    progress("")
    try:
        sys.stderr.write(written)
        sys.stderr.flush()
    except Exception:  # there is none, it is closed, or it cannot show the characters
        return


def trace_is_on() -> bool:
    """Whether the trace is asked for."""
    return os.environ.get(TRACE_VARIABLE, "") not in ("", "0")


def _write(text: str, prefix: str = PREFIX) -> None:
    lines = [shown(line.rstrip(), LONGEST_LINE) for line in redaction.redact(text).splitlines()]
    pass_on("".join(f"{prefix}{line}\n" for line in lines if line.strip()))
