"""The only writer to standard error: warnings, hints and the trace, with secrets and control characters taken out.

Docker passes a helper's standard error through to the terminal, so each line says who speaks. Nothing here
ever fails: a message that cannot be written is not worth the answer that it goes with.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import BrokeOff, Failure
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.system import redaction, screen

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "docker-credential-harbor: "
TRACE_VARIABLE = "DOCKER_CREDENTIAL_HARBOR_TRACE"

LONGEST_LINE = 8000  # an address to open must stay whole

CLEAR_LINE = "\r\033[K"  # ECMA-48 8.3.41, Erase in Line
TAKEN = (errno.EAGAIN, errno.EACCES)  # fcntl(2), F_SETLK

_shown_progress = ""  # in the terminal's last line now
_drawn_over = False  # by the caller
_passed_on = True  # by the caller, where it is a pipe


def called_by(*, drawn_over: bool, passed_on: bool) -> None:
    """What becomes of standard error at the caller's.

    ``drawn_over``: it draws over the last lines of the terminal. So what is written is followed by empty ones, in the
    same write, since it may draw at any moment. ``passed_on``: where it is a pipe, a person sees what is written.
    """
    global _drawn_over, _passed_on
    _drawn_over, _passed_on = drawn_over, passed_on


def is_drawn_over() -> bool:
    """Whether the caller draws over what is written here."""
    return _drawn_over and screen.screen() is not None


def speaks_for_all() -> bool:
    """Whether this process is the one of all that share this standard error which tells what all of them wait for.

    Asked again, since the one that did may have been killed: then another one takes its place. The lock is standard
    error's own (fcntl(2)): it goes with its process. Where there is none everybody speaks, and so does whoever finds
    that one stopped (Ctrl-Z), as long as it is.
    """
    if sys.platform == "win32" or not place():
        return True
    import fcntl

    try:
        fcntl.lockf(sys.stderr.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        from docker_credential_harbor.system import processes

        return fault.errno not in TAKEN or processes.is_stopped(_speaker())
    return True


def _speaker() -> int:
    """The process that has standard error's lock; 0 where the system does not tell."""
    if sys.platform != "linux":  # elsewhere `struct flock` has another order
        return 0
    import fcntl
    import struct

    layout = "hhqqi"  # type, whence, start, length, process
    asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        return int(struct.unpack(layout, fcntl.fcntl(sys.stderr.fileno(), fcntl.F_GETLK, asked))[-1])
    except (OSError, ValueError):
        return 0


def place() -> str:
    """What has the same value in processes that write to the same terminal, pipe or file; "" where nobody reads it."""
    try:
        at = os.fstat(sys.stderr.fileno())
        is_read = os.isatty(sys.stderr.fileno()) or not stat.S_ISCHR(at.st_mode)
    except (AttributeError, OSError, ValueError):  # there is no standard error
        return ""
    return f"{at.st_dev:x}-{at.st_ino:x}" if at.st_ino and is_read else ""


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


def hint_for_person(text: str) -> None:
    """What a person has to read: on the controlling terminal, too, where nobody may see standard error."""
    hint(text)
    if is_swallowed():
        written = _as_written(text)
        with suppress(OSError), screen.controlling_terminal() as terminal:
            room = _room_below(written.splitlines())
            os.write(terminal, (written + "\n" * room).encode(errors="backslashreplace"))


def is_swallowed() -> bool:
    """Whether standard error may be shown to nobody: it is no terminal, nor a pipe that is copied to one."""
    try:
        number = sys.stderr.fileno()
        return not os.isatty(number) and not (_passed_on and stat.S_ISFIFO(os.fstat(number).st_mode))
    except (AttributeError, OSError, ValueError):  # there is none
        return True


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


def pass_on(written: str, *, at_once: bool = False) -> None:
    """What this module wrote in a process that has no streams. ``at_once``: in one call of the system's."""
    if not written:
        return
    progress("")
    try:
        if at_once:
            sys.stderr.flush()
            os.write(sys.stderr.fileno(), written.encode(sys.stderr.encoding, "backslashreplace"))
            return
        sys.stderr.write(written)
        sys.stderr.flush()
    except Exception:  # there is none, it is closed, or it cannot show the characters
        return


def trace_is_on() -> bool:
    """Whether the trace is asked for."""
    return os.environ.get(TRACE_VARIABLE, "") not in ("", "0")


def _write(text: str, prefix: str = PREFIX) -> None:
    written = _as_written(text, prefix)
    if prefix != PREFIX:  # the trace, which is long and asked for
        pass_on(written)
    elif written:
        room = 0 if is_swallowed() else _room_below(written.splitlines())
        pass_on(written + "\n" * room, at_once=room > 0)


def _as_written(text: str, prefix: str = PREFIX) -> str:
    lines = [shown(line.rstrip(), LONGEST_LINE) for line in redaction.redact(text).splitlines()]
    return "".join(f"{prefix}{line}\n" for line in lines if line.strip())


def _room_below(lines: list[str]) -> int:
    """Rows to be left free for a caller that draws over the last ones."""
    at = screen.screen() if _drawn_over else None
    return at.room_below(lines) if at else 0
