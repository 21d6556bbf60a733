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
from typing import TYPE_CHECKING, BinaryIO

from docker_credential_harbor import errors
from docker_credential_harbor.errors import FolderInstead, NotReadable, NotWritable
from docker_credential_harbor.system import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OPEN_FOLDER = 0o755
OPEN_FILE = 0o644

_CAUSES = {
    errno.EBUSY: errors.MountedFile,
    errno.ENOSPC: errors.NoSpace,
    errno.EDQUOT: errors.QuotaUsedUp,
    errno.EROFS: errors.ReadOnlyFileSystem,
    errno.EFBIG: errors.FileSizeLimited,
    errno.EMFILE: errors.TooManyOpenFiles,
    errno.ENFILE: errors.TooManyOpenFiles,
}

_READ_ANY = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ = _READ_ANY | getattr(os, "O_NOFOLLOW", 0)
_OVERWRITE = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
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
        raise not_writable(path, error) from error


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
        cause = errors.NoFileLeftToRead if error.errno in (errno.EMFILE, errno.ENFILE) else NotReadable
        raise cause(path=path, reason=error.strerror or error) from error


def _is_file(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) or os.path.samestat(status, os.stat(os.devnull))  # noqa: PTH116 - of a name


def write_private(
    path: Path, data: bytes, *, alone: bool = False, room: Callable[[], Path | None] = lambda: None
) -> bool:
    """Replace the file with one of mode 0600 that holds ``data``; a symbolic link is replaced, not followed.

    ``alone``: the caller excludes other writers. ``room`` gives what ``make_room`` made, if it did. False: nothing was
    written, since a file of that mode held that content already. Raises NotWritable.
    """
    try:
        if alone:
            leftovers.sweep(path)
        if _is_already(path, data):
            return False
        _make_missing(path.parent)
        _replace(path, data, PRIVATE_FILE, None, room())
    except OSError as error:
        raise not_writable(path, error) from error
    return True


def write_shorter(path: Path, data: bytes) -> None:
    """Take something out of the file, even on a full disk: in place where there is no room for another file.

    The caller excludes other writers. Raises NotWritable, also where the content does not get shorter.
    """
    try:
        write_private(path, data, alone=True)
    except (errors.NoSpace, errors.QuotaUsedUp):
        if not _overwrite(path, data):
            raise


def make_room(path: Path, size: int) -> Path:
    """A file beside ``path`` that holds so many bytes of the disk, for the next write. Raises NotWritable."""
    room = leftovers.name_beside(path, leftovers.ROOM)
    try:
        _make_missing(path.parent)
        with os.fdopen(os.open(room, _CREATE, PRIVATE_FILE), "wb") as file:
            _write_synced(file, os.urandom(size))
    except OSError as error:
        with suppress(OSError):
            room.unlink()
        raise not_writable(path, error) from error
    return room


def replace_keeping_link(
    path: Path,
    data: bytes,
    mode: int = PRIVATE_FILE,
    folder_mode: int = PRIVATE_FOLDER,
    check: Callable[[], object] = lambda: None,
) -> bool:
    """Replace a configuration file of the person: where it is a link its target, and an existing file keeps its mode.

    The modes are those of what is not there yet, whatever the umask. ``check`` is called when all is ready for the
    rename, and may raise. False: nothing had changed. Raises NotWritable.
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
        _replace(target, data, existing.st_mode & 0o7777 if existing else mode, existing, check=check)
    except OSError as error:
        raise not_writable(path, error) from error
    return True


def remove(path: Path) -> None:
    """Raises NotWritable."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise not_writable(path, error) from error
    _sync_folder(path.parent)


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


def _replace(
    path: Path,
    data: bytes,
    mode: int,
    owner: os.stat_result | None,
    room: Path | None = None,
    check: Callable[[], object] = lambda: None,
) -> None:
    """Write a new file beside ``path`` and rename it over; on any failure the new one is removed."""
    leftovers.sweep_old(path)
    new = leftovers.name_beside(path, leftovers.CONTENT)
    try:
        with os.fdopen(_open_new(new, room), "wb") as file:
            if sys.platform != "win32":
                if owner and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    with suppress(OSError):  # only root may; a person's own file needs it under sudo
                        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                os.fchmod(file.fileno(), mode)  # whatever the umask is
            _write_synced(file, data)
        check()
        _rename(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    _sync_folder(path.parent)


def _overwrite(path: Path, data: bytes) -> bool:
    """Blanks follow it before the rest is cut off: killed in between, the file is whole to readers of JSON."""
    try:
        with os.fdopen(os.open(path, _OVERWRITE), "wb") as file:
            size = os.fstat(file.fileno()).st_size
            if len(data) > size:
                return False
            _write_synced(file, data.ljust(size))
            file.truncate(len(data))
            os.fsync(file.fileno())
    except OSError as error:
        raise not_writable(path, error) from error
    return True


def _open_new(new: Path, room: Path | None) -> int:
    """The room under the new name, which nobody takes for room any more; else a file that is not there yet."""
    if room:
        with suppress(FileNotFoundError):  # swept meanwhile
            room.rename(new)
            return os.open(new, _CREATE & ~(os.O_CREAT | os.O_EXCL))
    return os.open(new, _CREATE, PRIVATE_FILE)


def _write_synced(file: BinaryIO, data: bytes) -> None:
    """In place of what it holds."""
    file.write(data)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())


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


def not_writable(path: Path, error: OSError) -> NotWritable:
    """What a person can be told of it: each cause has a remedy of its own."""
    cause = _CAUSES.get(error.errno or 0, NotWritable)
    return cause(path=path, reason=error.strerror or error)
