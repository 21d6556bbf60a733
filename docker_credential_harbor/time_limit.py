"""A limit on calls that offer none: D-Bus and the prompts behind it, name resolution, requests in redirects.

A thread cannot be ended from outside (``threading``), so a call that is too slow is left behind in a daemon thread,
which does not hold up the end of the process. Hence only for calls whose late effect does no harm.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_left_behind: list[threading.Thread] = []


def within(seconds: float, call: Callable[[], T]) -> T:
    """What ``call()`` returns or raises, if it does so within ``seconds``; else raises TimeoutError.

    With no time left (0 or less) it is not even started.
    """
    if seconds <= 0:
        raise TimeoutError("no time is left")
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as failure:  # whatever it is, it is passed on below
            failures.append(failure)

    thread = threading.Thread(target=run, name="within", daemon=True)
    thread.start()
    thread.join(min(seconds, threading.TIMEOUT_MAX))
    if failures:
        raise failures[0]
    if results:
        return results[0]
    _left_behind.append(thread)
    raise TimeoutError(f"not finished within {seconds:g} s")


def calls_run_on() -> bool:
    """Whether a call that was left behind still runs. Python's own end of the process can crash it in foreign code."""
    return any(thread.is_alive() for thread in _left_behind)
