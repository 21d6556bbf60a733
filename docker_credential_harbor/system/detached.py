"""Starts a process that outlives this one: the browser, the worker.

Docker's clients wait until the helper's three streams are closed and some kill the helper after 30 seconds, with its
process group. So what is started gets none of the streams and a session of its own (setsid(2); on Windows a process
group of its own without a console, CreateProcess).
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import NotStarted, ProcessLimit

if TYPE_CHECKING:
    from collections.abc import Mapping


_WINDOWS_FLAGS = 0x00000008 | 0x00000200  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP: named by subprocess there only


def start(argv: list[str], env: Mapping[str, str] | None = None) -> int:
    """Start ``argv`` (a program on PATH or a path, and its arguments) and return its process ID without waiting.

    ``env`` is its whole environment (None: ours). It works in the root folder, so that it keeps no other one busy.
    Raises NotStarted.
    """
    import subprocess

    program = argv[0]
    windows = sys.platform == "win32"
    try:
        if os.path.dirname(program):  # noqa: PTH120 - a bare name must stay one, to be looked up on PATH
            program = str(Path(program).absolute())
        process = subprocess.Popen(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            cwd=str(Path.home()) if windows else "/",
            env=environment_for_others(os.environ if env is None else env),
            start_new_session=True,
            creationflags=_WINDOWS_FLAGS if windows else 0,
        )
    except (OSError, ValueError, RuntimeError) as error:
        if getattr(error, "errno", None) == errno.EAGAIN:
            raise ProcessLimit(program=argv[0]) from error
        raise NotStarted(program=argv[0], reason=getattr(error, "strerror", None) or error) from error
    # Reaps it should it end before us (a browser that hands over to a running one does): otherwise a zombie until then.
    with suppress(RuntimeError):  # no thread can be started
        threading.Thread(target=process.wait, name="reap", daemon=True).start()
    return process.pid


def environment_for_others(given: Mapping[str, str]) -> dict[str, str]:
    """Without what a PyInstaller build sets for itself (_PYI_…): an executable of ours would take itself for a part of
    this process, and not look for its libraries at all.
    """
    ours = "_PYI_" if getattr(sys, "frozen", False) else None
    return {name: value for name, value in given.items() if not (ours and name.startswith(ours))}
