"""A call that is finished though this process is killed meanwhile: in a process that is forked for it.

Docker's clients and engines kill a helper, some with its whole process group. So the call begins after fork(2), in a
session of its own (setsid(2)), with none of the three streams, whose end callers wait for: what it writes to standard
error comes back with its result, through a pipe. A lock that is held here is held there too (flock(2): by the open
file), until this process gives it back, or both have ended. The call has to bound its time by itself.

Only on Linux: macOS' frameworks do not survive a fork, Windows has none. A fork takes along no other thread, and no
connection that both sides would use; where such things are about, the call is made in this process.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from docker_credential_harbor import errors
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Callable

_HOLD_THE_SESSION_BUS = (
    "dbus",
    "gi",
)  # libraries that keep one connection for the process, gi with a thread of its own


def finish(call: Callable[[], Any]) -> Any:
    """What ``call()`` returns, which must be JSON, or raises: Failures as they are, all else as BrokeOff.

    Raises BrokeOff where the other process was ended before it had an answer, too.
    """
    if sys.platform != "linux" or not _can_fork():
        return call()
    try:
        reading, writing = os.pipe()
    except OSError:  # too many files are open
        return call()
    try:
        pid = os.fork()
    except OSError:  # no process is to be had
        os.close(reading)
        os.close(writing)
        return call()
    if pid == 0:
        os.close(reading)
        _carry_out(call, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        message = pipe.read()
    with suppress(ChildProcessError):  # whoever started us has children that are not waited for
        os.waitpid(pid, 0)
    return _taken(message)


def _can_fork() -> bool:
    """A call that was too slow may have been left behind in a thread (time_limit.py)."""
    return threading.active_count() == 1 and not any(name in sys.modules for name in _HOLD_THE_SESSION_BUS)


def _carry_out(call: Callable[[], Any], writing: int) -> NoReturn:
    try:
        if sys.platform != "win32":
            os.setsid()
        _let_go_of_what_the_caller_gave()
        sys.stderr = said = io.StringIO()
        answer: dict[str, Any]
        try:
            answer = {"value": call()}
        except Exception as fault:
            failure = console.told(fault)
            answer = {"failure": type(failure).__name__, "facts": failure.facts}
        with open(writing, "wb") as pipe:
            pipe.write(json.dumps({**answer, "said": said.getvalue()}).encode())
    finally:
        os._exit(0)  # nothing of the other process' is to be flushed or tidied up here


def _let_go_of_what_the_caller_gave() -> None:
    """The three streams, and whatever else can be inherited: nothing that Python opens can (PEP 446)."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is wanted
        with suppress(OSError):
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.close(int(name))


def _taken(message: bytes) -> Any:
    if not message:
        raise errors.BrokeOff(reason="the process that was to finish it was ended")
    answer = json.loads(message)
    console.pass_on(answer["said"])
    if "failure" in answer:
        raise getattr(errors, answer["failure"])(**answer["facts"])
    return answer["value"]
