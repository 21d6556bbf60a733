"""Lengths of time, and how they are told to people."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600  # seconds
JUST_NOW_SECONDS = 10


def in_words(seconds: float) -> str:
    """A duration for people: the largest unit that it is a whole number of, or nearly."""
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if seconds >= unit and (seconds % unit == 0 or seconds >= 10 * unit):
            count = round(seconds / unit)
            return f"{count} {name}" + ("s" if count != 1 else "")
    return f"{round(seconds)} seconds"


def ago(seconds: float) -> str:
    """How long something is past, for people."""
    return "just now" if seconds < JUST_NOW_SECONDS else f"{in_words(seconds)} ago"
