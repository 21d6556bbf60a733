"""What is left of an allowance. A call in time passes its result or its exception on; a slow one is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from docker_credential_harbor.system.time_limit import Allowance, within
from tests.lab.processes import wait_until


class TestAllowance:
    def test_each_call_has_all_of_its_own(self) -> None:
        allowance = Allowance(3)
        assert allowance.left() == allowance.longer(-1).left() == 3

    def test_a_shared_one_becomes_less(self) -> None:
        allowance = Allowance.shared(30)
        first = allowance.left()
        assert first <= 30
        wait_until(lambda: allowance.left() < first, "time to pass")

    def test_a_shared_one_can_end_later_for_some(self) -> None:
        allowance = Allowance.shared(30)
        assert allowance.longer(5).left() > 30 > allowance.longer(-5).left()

    def test_what_is_used_up_is_not_less_than_nothing(self) -> None:
        assert Allowance.shared(30).longer(-31).left() == 0


def test_the_result_is_passed_on() -> None:
    assert within(30, lambda: "done") == "done"


def test_none_is_a_result_too() -> None:
    assert within(30, lambda: None) is None


def test_the_exception_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 / 0)


def test_even_one_that_is_no_exception() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        within(30, leave)


def test_a_slow_call_is_left_behind() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, never.wait)
    never.set()


def test_without_time_nothing_starts() -> None:
    started: list[bool] = []
    with pytest.raises(TimeoutError):
        within(0, lambda: started.append(True))
    assert not started


def test_an_unending_call_does_not_hold_up_the_end_of_the_process() -> None:
    program = (
        "import threading\n"
        "from docker_credential_harbor.system.time_limit import within\n"
        "try:\n    within(0.05, threading.Event().wait)\n"
        "except TimeoutError:\n    print('too slow')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "too slow\n"


def test_a_call_that_still_runs_is_kept_out_of_pythons_own_end_of_the_process() -> None:
    """Foreign code in such a thread (Rust's in cryptography, below a keyring) crashes there."""
    program = (
        "import atexit, sys, threading\n"
        "from docker_credential_harbor import __main__\n"
        "from docker_credential_harbor.system.time_limit import within\n"
        "atexit.register(print, 'at the end')\n"
        "try:\n    within(*((0.05, threading.Event().wait) if sys.argv[1] == 'runs on' else (30, lambda: None)))\n"
        "except TimeoutError:\n    print('too slow')\n"
        "sys.exit(__main__._with_output_written(3))\n"
    )
    for how, shown in (("runs on", "too slow\n"), ("is over", "at the end\n")):
        done = subprocess.run(
            [sys.executable, "-c", program, how], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (3, shown, "")


class TestWhereNoThreadCanBeStarted:
    """As many run as are allowed; on a real limit: flows/test_odd_environment.py."""

    @pytest.fixture(autouse=True)
    def _no_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)

    def test_the_call_is_made_all_the_same(self) -> None:
        assert within(30, lambda: "done") == "done"
        with pytest.raises(ZeroDivisionError):
            within(30, lambda: 1 / 0)

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
    def test_the_limit_holds(self) -> None:
        before = signal.getsignal(signal.SIGALRM)
        with pytest.raises(TimeoutError, match=r"not finished within 0\.05 s"):
            within(0.05, lambda: time.sleep(600))
        assert signal.getsignal(signal.SIGALRM) == before
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
