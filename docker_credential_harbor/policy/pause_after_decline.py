"""For how long no window opens by itself after one that was declined."""

from __future__ import annotations

PAUSES_SECONDS = (60, 600, 3600)  # after the first, the second, and every further declined window


def seconds_left(declines: int, declined_at: float | None, now: float) -> int:
    """For how long no window opens by itself any more: a minute after the first decline, then ten, then an hour."""
    if not declines or declined_at is None:
        return 0
    pause = PAUSES_SECONDS[min(declines, len(PAUSES_SECONDS)) - 1]
    return max(0, round(declined_at + pause - now))
