"""How long things may take: one allowance for everything that a `get` does, and a limit on calls that offer none.

Those are D-Bus and the prompts behind it, name resolution, requests in redirects. A thread cannot be ended from outside
(``threading``), so a call that is too slow is left behind in a daemon thread, which does not hold up the end of the
process. Hence only for calls whose late effect does no harm.
"""

import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_left_behind: list[threading.Thread] = []


class Allowance(NamedTuple):
    """The seconds that a call may take: its own each time, or what is left of those that all calls share.

    ``ends_at`` is an instant of ``time.monotonic``; None: every call has all the ``seconds`` for itself.
    """

    seconds: float
    ends_at: float | None = None

    @classmethod
    def shared(cls, seconds: float) -> "Allowance":
        """For all calls from now on together."""
        return cls(seconds, time.monotonic() + seconds)

    def longer(self, seconds: float) -> "Allowance":
        """The same shared one with a later end (below 0: an earlier one); that of each call stays as it is."""
        if self.ends_at is None:
            return self
        return self._replace(seconds=self.seconds + seconds, ends_at=self.ends_at + seconds)

    def left(self) -> float:
        """Seconds for the next call; 0 where none are left."""
        return self.seconds if self.ends_at is None else max(0.0, self.ends_at - time.monotonic())


def within(seconds: float, call: "Callable[[], T]") -> T:
    """What ``call()`` returns or raises, if it does so within ``seconds``; else raises TimeoutError.

    With no time left (0 or less) it is not even started. Where no thread can be started it is called in this one.
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
    try:
        thread.start()
    except RuntimeError:  # as many run as are allowed
        return _in_this_thread(seconds, call)
    thread.join(min(seconds, threading.TIMEOUT_MAX))
    if failures:
        raise failures[0]
    if results:
        return results[0]
    _left_behind.append(thread)
    raise TimeoutError(f"not finished within {seconds:g} s")


def _in_this_thread(seconds: float, call: "Callable[[], T]") -> T:
    """Within the limit by a signal, which ends what Python waits for, and where there are none by the call's own."""
    import signal

    def end(_number: int, _frame: object) -> NoReturn:
        raise TimeoutError(f"not finished within {seconds:g} s")

    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return call()
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, threading.TIMEOUT_MAX))
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def calls_run_on() -> bool:
    """Whether a call that was left behind still runs. Python's own end of the process can crash it in foreign code."""
    return any(thread.is_alive() for thread in _left_behind)
