"""A call in time passes its result or its exception on; a slow one is left behind."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from docker_credential_harbor.time_limit import within


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
        "from docker_credential_harbor.time_limit import within\n"
        "try:\n    within(0.05, threading.Event().wait)\n"
        "except TimeoutError:\n    print('too slow')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "too slow\n"
