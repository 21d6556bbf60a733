"""One process at a time, across processes: released by the kernel when its holder dies, even by SIGKILL.

Sources: flock(2); ``_locking`` of the Microsoft C runtime. The lock file stays where it is after release (removing it
would let two processes hold two files of one name) and never is the file that holds the data (that one is replaced).

Where the file system has no locks (ENOLCK and others: flock(2) on NFS), they lie elsewhere (lock_elsewhere.py). Whoever
can lock a file takes that other lock as well if it was ever needed, since locks may come and go with a server. Where
there is no such place either, it goes on without, and a person is told once.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import NoHome, NotLocked, NotWritable
from docker_credential_harbor.system import lock_elsewhere
from docker_credential_harbor.system.files import make_private_folder, not_writable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL_SECONDS = 0.02
_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int, shared: bool = False) -> None:  # noqa: ARG001 - Windows locks are exclusive
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _give_back(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(descriptor: int, shared: bool = False) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _give_back(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class Lock:
    """The lock that lies in one file. Two objects exclude each other, within one process too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptors: list[int] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it, or goes on without where there are no locks."""
        return self._descriptors is not None

    def acquire(self, wait_seconds: float) -> bool:
        """Take it, at the latest after ``wait_seconds`` (0: one try). False: somebody else still holds it.

        Raises NotWritable where its folder or file cannot be made.
        """
        if self.held:
            return True
        ends_at = time.monotonic() + wait_seconds
        while True:
            self._descriptors = _take(self.path)
            if self.held:
                return True
            left = ends_at - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(POLL_SECONDS, left))

    def release(self) -> None:
        """Give it back; nothing where it is not held."""
        for descriptor in self._descriptors or ():
            _release(descriptor)
        self._descriptors = None


@contextmanager
def hold(path: Path, wait_seconds: float) -> Iterator[bool]:
    """Run the block with the lock; the block is told False where it was not to be had within ``wait_seconds``.

    Raises NotWritable.
    """
    lock = Lock(path)
    try:
        yield lock.acquire(wait_seconds)
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether anybody holds the lock at this instant; makes no file. Raises NotWritable where that cannot be told.

    It is found out by a try that is given back at once: an ``acquire(0)`` of somebody else at that very moment fails.
    Where there are no locks, nobody holds one.
    """
    elsewhere = lock_elsewhere.existing(path)
    return _is_held(path) or (elsewhere is not None and _is_held(elsewhere))


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise not_writable(path, error) from error
    try:
        _try(descriptor, shared=True)
    except OSError as error:
        return error.errno in _TAKEN
    else:
        _give_back(descriptor)
        return False
    finally:
        os.close(descriptor)


class _NoLocks(Exception):
    """The file system has none; the text is its reason."""


def _take(path: Path) -> list[int] | None:
    """Descriptors that hold the lock, which programs started meanwhile do not inherit (PEP 446); None: it is taken."""
    if not path.parent.is_dir():
        make_private_folder(path.parent)
    try:
        descriptor = _lock_file(path)
    except _NoLocks as fault:
        return _take_elsewhere(path, str(fault))
    if descriptor is None:
        return None
    try:
        elsewhere = _take_other(lock_elsewhere.existing(path))
    except BaseException:
        _release(descriptor)
        raise
    if elsewhere is None:
        _release(descriptor)
        return None
    return [descriptor, *elsewhere]


def _take_elsewhere(path: Path, reason: str) -> list[int] | None:
    held = _take_other(lock_elsewhere.place(path))
    if held == []:
        _tell_once(path, reason)
    return held


def _take_other(other: Path | None) -> list[int] | None:
    """As ``_take``; empty where it cannot be had there."""
    if other:
        with suppress(_NoLocks, NotWritable):
            descriptor = _lock_file(other)
            return None if descriptor is None else [descriptor]
    return []


def _lock_file(path: Path) -> int | None:
    """A descriptor that holds the lock; None: it is taken. Raises NotWritable, _NoLocks."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise not_writable(path, error) from error
        try:
            _try(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _TAKEN:
                return None
            raise _NoLocks(error.strerror or error) from error
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # removed between the opening and the locking: nobody else would meet us here


def _release(descriptor: int) -> None:
    # Closing alone is not enough: a program that is just being started holds a copy until its exec is through.
    with suppress(OSError):
        _give_back(descriptor)
    os.close(descriptor)


def _tell_once(path: Path, reason: str) -> None:
    """For good: every pull would say the same."""
    from docker_credential_harbor.system import console, folders

    try:
        os.close(os.open(folders.user_folder("state") / "told-without-locks", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except (OSError, NoHome):  # it is told again, then
        pass
    console.tell(NotLocked(path=path, reason=reason))
