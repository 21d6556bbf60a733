"""A call in a forked process: its result and its failures come back, and it has nothing of the caller's but the lock.

Each in a program of its own: pytest's process has threads, and there nothing is forked.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")

BEGIN = """
import os, signal, sys, threading
from docker_credential_harbor.system import console
from docker_credential_harbor import errors
from docker_credential_harbor.system import forked
here = os.getpid()
"""


def program(body: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BEGIN + textwrap.dedent(body), *arguments]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **options
    )  # type: ignore[call-overload]
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_result_is_passed_on() -> None:
    assert (
        program("print(forked.finish(lambda: [None, 'ü' * 3, os.getpid() != here]))").stdout == "[None, 'üüü', True]\n"
    )


def test_a_large_one_too() -> None:
    assert program("print(len(forked.finish(lambda: 'x' * 300_000)))").stdout == "300000\n"


def test_a_failure_comes_with_its_class_and_facts() -> None:
    body = """
    def refuse():
        raise errors.ClientRefused(client_id="c", reason="r", registry="h")
    try:
        forked.finish(refuse)
    except errors.ClientRefused as failure:
        print(failure.facts)
    """
    assert program(body).stdout == "{'client_id': 'c', 'reason': 'r', 'registry': 'h'}\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [("raise ValueError('S3cret')", "ValueError"), ("os.kill(os.getpid(), signal.SIGKILL)", "was ended")],
)
def test_what_nobody_foresaw_counts_as_unreachable(body: str, reason: str) -> None:
    done = program(f"""
    def go():
        {body}
    try:
        forked.finish(go)
    except errors.Unreachable as failure:
        print(failure)
    """)
    assert reason in done.stdout
    assert "S3cret" not in done.stdout + done.stderr


def test_what_it_says_is_said_once_at_its_place() -> None:
    done = program("""
    console.warn("before")
    print("buffered", end="")
    forked.finish(lambda: console.warn("meanwhile"))
    console.warn("after")
    """)
    assert [line.rpartition(" ")[2] for line in done.stderr.splitlines()] == ["before", "meanwhile", "after"]
    assert done.stdout == "buffered"


def test_it_has_a_session_of_its_own_and_nothing_of_the_callers() -> None:
    done = program(
        """
        inherited = int(sys.argv[1])
        def look():
            gone = []
            for number in (0, 1, 2):
                gone.append(os.readlink(f"/proc/self/fd/{number}"))
            try:
                os.fstat(inherited)
            except OSError:
                gone.append("closed")
            return [os.getsid(0) == os.getpid(), *gone]
        print(forked.finish(look))
        """,
        "9",
        preexec_fn=lambda: _dup_to(9),
        pass_fds=(9,),
    )
    assert done.stdout == "[True, '/dev/null', '/dev/null', '/dev/null', 'closed']\n"


def _dup_to(number: int) -> None:
    import os

    os.dup2(1, number, inheritable=True)


def test_a_lock_is_held_for_as_long_as_it_goes_on_and_given_back_by_either(tmp_path: Path) -> None:
    done = program(
        """
        from pathlib import Path
        from docker_credential_harbor.system.lock import Lock, is_held
        path = Path(sys.argv[1])
        lock = Lock(path)
        assert lock.acquire(0)
        print(forked.finish(lambda: is_held(path)), is_held(path))
        lock.release()
        print(is_held(path))
        """,
        str(tmp_path / "a.lock"),
    )
    assert done.stdout == "True True\nFalse\n"


@pytest.mark.parametrize(
    "about",
    [
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "sys.modules['dbus'] = sys",
        "def none(): raise BlockingIOError\nos.fork = none",
        "def none(): raise OSError\nos.pipe = none",
        "sys.platform = 'darwin'",
    ],
)
def test_where_a_fork_is_not_safe_or_not_to_be_had_the_call_is_made_here(about: str) -> None:
    body = f"{about}\nprint(forked.finish(os.getpid) == here)"
    assert program(body).stdout == "True\n"


def test_children_that_are_not_waited_for() -> None:
    body = "signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(forked.finish(lambda: 1))"
    assert program(body).stdout == "1\n"
