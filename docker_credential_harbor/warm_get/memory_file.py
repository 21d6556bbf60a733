"""Files in this machine's memory, of this user alone: where the kernel's keyring is closed, as in most containers.

Source: shm_overview(7). /dev/shm is there wherever glibc's shared memory works, and anybody may write into it; what
lies in our folder counts only where the folder is ours and nobody else may enter it. A file's modification time is its
end: unlike a key it does not go by itself, so whoever finds one that is over takes it away.
"""

import os
import stat
import sys
import time

assert sys.platform != "win32"

_SHARED_MEMORY = b"/dev/shm"
_FOLDER = b"docker-credential-harbor-%d"
_LARGEST = 32767  # bytes, as in a key
_LEFTOVER_SECONDS = 60  # after which a killed writer's file is swept
_EACCES = 13


def read(description: bytes) -> "bytes | None":
    """The content; None where there is none or its time is over. Raises OSError where there is no place for it."""
    path = os.path.join(_folder(), _name(description))
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        if os.fstat(file).st_mtime > time.time():
            return os.read(file, _LARGEST)
    finally:
        os.close(file)
    _unlink(path)
    return None


def add(description: bytes, payload: bytes, timeout_seconds: int) -> None:
    """Keep it there, in place of an older one, until ``timeout_seconds`` are over. Raises OSError."""
    folder = _folder(make=True)
    _sweep(folder)
    path = os.path.join(folder, _name(description))
    unique = b"%d-%s" % (os.getpid(), os.urandom(4).hex().encode())
    new = os.path.join(folder, _leftover_prefix(description) + unique)
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        try:
            os.write(file, payload)  # memory takes it whole or raises
        finally:
            os.close(file)
        ends_at = time.time() + timeout_seconds
        os.utime(new, (ends_at, ends_at))
        os.rename(new, path)
    except OSError:
        _unlink(new)
        raise


def remove(description: bytes) -> None:
    """Take it away, and what killed writers left of it; nothing where there is none. Raises OSError."""
    folder = _folder()
    for name in os.listdir(folder):
        if name == _name(description) or name.startswith(_leftover_prefix(description)):
            _unlink(os.path.join(folder, name))


def _folder(make: bool = False) -> bytes:
    """Raises OSError where it is not there, or not ours alone."""
    folder = os.path.join(_SHARED_MEMORY, _FOLDER % os.geteuid())
    if make:
        _make(folder)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise OSError(_EACCES, os.strerror(_EACCES), folder)
    return folder


def _make(folder: bytes) -> None:
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return


def _name(description: bytes) -> bytes:
    return description.replace(b"/", b":")


def _leftover_prefix(description: bytes) -> bytes:
    return b".%s." % _name(description)


def _sweep(folder: bytes) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            ends_at = os.lstat(path).st_mtime
        except FileNotFoundError:  # another process was faster
            continue
        if time.time() >= (ends_at + _LEFTOVER_SECONDS if name.startswith(b".") else ends_at):
            _unlink(path)


def _unlink(path: bytes) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
