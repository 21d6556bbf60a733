"""Folders and files of the owner alone, replaced atomically and synced, and only when something changed.

Sources: open(2), rename(2) (a reader sees the old or the new content, never a part), fsync(2) (of the file before the
rename and of the folder after it, so that both survive a crash). Windows has neither modes nor folder syncs here: there
the profile's own access list keeps others out.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from docker_credential_harbor.errors import FolderInstead, MountedFile, NotReadable, NotWritable

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OPEN_FOLDER = 0o755
OPEN_FILE = 0o644
LEFTOVER_SECONDS = 3600  # a killed writer's temporary file is swept by a later write after this

_READ_ANY = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ = _READ_ANY | getattr(os, "O_NOFOLLOW", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


def make_private_folder(path: Path) -> None:
    """Make the folder and what is missing above it with mode 0700, and take others' rights from one that is there.

    Raises NotWritable.
    """
    try:
        _make_missing(path)
        if sys.platform != "win32" and path.stat().st_mode & 0o077:
            path.chmod(PRIVATE_FOLDER)
    except OSError as error:
        raise _not_writable(path, error) from error


def read_bytes(path: Path) -> bytes | None:
    """The file's content, a link's target's too; None where there is none. Raises NotReadable.

    Nothing but a file is read (and /dev/null, by which people mean an empty one): a pipe may never end.
    """
    try:
        descriptor = os.open(path, _READ_ANY)
        with os.fdopen(descriptor, "rb") as file:
            if not _is_file(os.fstat(descriptor)):
                raise NotReadable(path=path, reason="it is no file")
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError as error:
        raise FolderInstead(path=path, reason="it is a folder") from error
    except OSError as error:
        raise NotReadable(path=path, reason=error.strerror or error) from error


def _is_file(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or os.path.samestat(status, os.stat(os.devnull))  # noqa: PTH116 - of a name


def write_private(path: Path, data: bytes) -> bool:
    """Replace the file with one of mode 0600 that holds ``data``; a symbolic link is replaced, not followed.

    False: nothing was written, since a file of that mode held that content already. Raises NotWritable.
    """
    try:
        if _is_already(path, data):
            return False
        _make_missing(path.parent)
        _replace(path, data, PRIVATE_FILE, None)
    except OSError as error:
        raise _not_writable(path, error) from error
    return True


def replace_keeping_link(path: Path, data: bytes, mode: int = PRIVATE_FILE, folder_mode: int = PRIVATE_FOLDER) -> bool:
    """Replace a configuration file of the person: where it is a link its target, and an existing file keeps its mode.

    The modes are those of what is not there yet, whatever the umask. False: nothing had changed. Raises NotWritable.
    """
    try:
        target = Path(os.path.realpath(path))
        try:
            existing: os.stat_result | None = target.stat()
            if target.read_bytes() == data:
                return False
        except FileNotFoundError:
            existing = None
        _make_missing(target.parent, folder_mode)
        _replace(target, data, existing.st_mode & 0o7777 if existing else mode, existing)
    except OSError as error:
        raise _not_writable(path, error) from error
    return True


def remove(path: Path) -> None:
    """Raises NotWritable."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from error


def _make_missing(folder: Path, mode: int = PRIVATE_FOLDER) -> None:
    """XDG Base Directory: folders that are missing are made with mode 0700."""
    if folder.is_dir():
        return
    _make_missing(folder.parent, mode)
    try:
        folder.mkdir(mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        if sys.platform != "win32":
            folder.chmod(mode)  # a umask may have taken away the owner's own rights


def _is_already(path: Path, data: bytes) -> bool:
    try:
        descriptor = os.open(path, _READ)
    except OSError:  # absent, a link, unreadable: the write will tell
        return False
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if sys.platform != "win32" and status.st_mode & 0o7777 != PRIVATE_FILE:
            return False
        return status.st_size == len(data) and file.read() == data


def _replace(path: Path, data: bytes, mode: int, owner: os.stat_result | None) -> None:
    """Write a new file beside ``path`` and rename it over; on any failure the new one is removed."""
    _sweep(path)
    new = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    descriptor = os.open(new, _CREATE, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if sys.platform != "win32":
                if owner and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    with suppress(OSError):  # only root may; a person's own file needs it under sudo
                        os.fchown(descriptor, owner.st_uid, owner.st_gid)
                os.fchmod(descriptor, mode)  # whatever the umask is
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        _rename(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync_folder(path.parent)


def _rename(new: Path, path: Path) -> None:
    if sys.platform == "win32":
        for _ in range(50):  # Windows refuses while somebody reads the old file, which takes them a moment
            try:
                new.replace(path)
            except PermissionError:
                time.sleep(0.02)
            else:
                return
    new.replace(path)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    with suppress(OSError):  # some file systems cannot; the new content is in place for every reader all the same
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what writers that were killed left behind: it may hold a secret."""
    with suppress(OSError):
        for leftover in path.parent.iterdir():
            name = leftover.name
            if name.startswith(f".{path.name}.") and name.endswith(".tmp"):
                with suppress(OSError):
                    if leftover.lstat().st_mtime < time.time() - LEFTOVER_SECONDS:
                        leftover.unlink()


def _not_writable(path: Path, error: OSError) -> NotWritable:
    if error.errno == errno.EBUSY:
        return MountedFile(path=path)
    return NotWritable(path=path, reason=error.strerror or error)
