"""Where a lock lies whose own file system has none, as some network file systems.

Every process of a user on this machine must come to the same place, so nothing of the environment counts: a timer's has
no XDG_RUNTIME_DIR, a shell's TMPDIR may be its own. Another machine with the same home is not excluded there.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

_FOLDER = "docker-credential-harbor-locks-{uid}"
_PLACES = ("/dev/shm", "/run/user/{uid}", "/tmp")  # noqa: S108 - what others could have put there is refused


def place(path: Path) -> Path | None:
    """The file for the lock of that name, in a folder that is ours alone; None: there is no such place."""
    for folder in _folders():
        with suppress(OSError):
            with suppress(FileExistsError):
                folder.mkdir(0o700)
            if _is_ours(folder):
                return folder / _name(path)
    return None


def existing(path: Path) -> Path | None:
    """The same file, if any process has ever needed it; None: it is not there."""
    for folder in _folders():
        with suppress(OSError):
            if _is_ours(folder) and (folder / _name(path)).exists():
                return folder / _name(path)
    return None


def _folders() -> list[Path]:
    if sys.platform == "win32":
        return []
    uid = os.geteuid()
    return [Path(each.format(uid=uid)) / _FOLDER.format(uid=uid) for each in _PLACES]


def _is_ours(folder: Path) -> bool:
    """Raises OSError where there is none."""
    if sys.platform == "win32":
        return False
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _name(path: Path) -> str:
    return f"{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]}.lock"
