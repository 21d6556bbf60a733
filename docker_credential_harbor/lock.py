"""One process at a time, across processes: released by the kernel when its holder dies, even by SIGKILL.

Sources: flock(2); ``_locking`` of the Microsoft C runtime. The lock file stays where it is after release (removing it
would let two processes hold two files of one name) and never is the file that holds the data (that one is replaced).
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import NotWritable
from docker_credential_harbor.files import make_private_folder

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

    def __init__(self, path: Path, poll_seconds: float = POLL_SECONDS) -> None:
        self.path = path
        self._poll_seconds = poll_seconds
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def acquire(self, wait_seconds: float) -> bool:
        """Take it, at the latest after ``wait_seconds`` (0: one try). False: somebody else still holds it.

        Raises NotWritable where its folder or file cannot be made or locked.
        """
        if self._descriptor is not None:
            return True
        ends_at = time.monotonic() + wait_seconds
        while True:
            self._descriptor = _take(self.path)
            if self._descriptor is not None:
                return True
            left = ends_at - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(self._poll_seconds, left))

    def release(self) -> None:
        """Give it back; nothing where it is not held."""
        if self._descriptor is not None:
            # Closing alone is not enough: a program that is just being started holds a copy until its exec is through.
            with suppress(OSError):
                _give_back(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def hold(path: Path, wait_seconds: float, poll_seconds: float = POLL_SECONDS) -> Iterator[bool]:
    """Run the block with the lock; the block is told False where it was not to be had within ``wait_seconds``.

    Raises NotWritable.
    """
    lock = Lock(path, poll_seconds)
    try:
        yield lock.acquire(wait_seconds)
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether anybody holds the lock at this instant; makes no file. Raises NotWritable where that cannot be told.

    It is found out by a try that is given back at once: an ``acquire(0)`` of somebody else at that very moment fails.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise NotWritable(path=path, reason=error.strerror or error) from error
    try:
        _try(descriptor, shared=True)
    except OSError as error:
        if error.errno in _TAKEN:
            return True
        raise NotWritable(path=path, reason=error.strerror or error) from error
    else:
        _give_back(descriptor)
        return False
    finally:
        os.close(descriptor)


def _take(path: Path) -> int | None:
    """A descriptor that holds the lock, which programs started meanwhile do not inherit (PEP 446); None: taken."""
    try:
        if not path.parent.is_dir():
            make_private_folder(path.parent)
    except OSError as error:
        raise NotWritable(path=path, reason=error.strerror or error) from error
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise NotWritable(path=path, reason=error.strerror or error) from error
        try:
            _try(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _TAKEN:
                return None
            raise NotWritable(path=path, reason=error.strerror or error) from error
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # removed between the opening and the locking: nobody else would meet us here
