"""Asks the person at the terminal: the controlling one, so that a redirected standard input does not matter."""

from __future__ import annotations

import os
import sys
import warnings

from docker_credential_harbor import errors
from docker_credential_harbor.outside.clean_text import shown

LONGEST_LINE = 8000  # characters: an address to open must stay whole

COLOURS = {"green": 32, "yellow": 33, "red": 31}  # ECMA-48 8.3.117, Select Graphic Rendition


class Painted(str):
    """A word of ours that is written as it is, with what colours it."""

    __slots__ = ()


def say(*parts: str, flush: bool = False) -> None:
    """One line on standard output. What is not painted is cleaned once more. ``flush``: the next one takes its time.

    Raises OutputNotWritten, unless nobody reads it any more or it is closed.
    """
    write("".join(part if isinstance(part, Painted) else shown(part, LONGEST_LINE) for part in parts), flush=flush)


def write(text: str, *, flush: bool = False) -> None:
    """As it is, for programs. Raises as `say` does."""
    try:
        print(text, flush=flush)  # noqa: T201 - for the commands
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise errors.OutputNotWritten(reason=(fault.strerror or "unknown").lower()) from fault


def painted(word: str, colour: str) -> Painted:
    """In that colour on a terminal's standard output, unless NO_COLOR is set (no-color.org) or TERM is "dumb"."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or sys.platform == "win32"
    if plain or sys.stdout is None or not sys.stdout.isatty():
        return Painted(word)
    return Painted(f"\033[{COLOURS[colour]}m{word}\033[0m")


def can_ask() -> bool:
    """Whether there is a terminal to ask at."""
    if sys.platform == "win32":
        return sys.stdin is not None and sys.stdin.isatty()
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def ask(question: str) -> str:
    """One line as it was typed. Raises EOFError at its end (Ctrl-D)."""
    if sys.platform == "win32":
        return input(question)
    with open("/dev/tty", "w", encoding="utf-8") as screen:  # noqa: PTH123 - a device
        screen.write(question)
    with open("/dev/tty", encoding="utf-8", errors="replace") as keyboard:  # noqa: PTH123
        line = keyboard.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def agrees(question: str) -> bool:
    """Whether the person answers with a yes. False where nobody can be asked, too."""
    if not can_ask():
        return False
    try:
        return ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def ask_secret(question: str) -> str:
    """One line, typed or pasted without showing. Raises EOFError at its end, and where it would show."""
    import getpass

    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except getpass.GetPassWarning as shown:
            raise EOFError from shown
