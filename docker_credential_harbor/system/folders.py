"""Where this user's files lie: what platformdirs says, as absolute paths.

A relative XDG variable counts as unset (XDG Base Directory). Without a home platformdirs raises RuntimeError or, in
older releases, answers a relative path: both are NoHome here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

from docker_credential_harbor.errors import NoHome
from docker_credential_harbor.system.put_off import functions, put_off

APPLICATION = "docker-credential-harbor"


def user_folder(kind: Literal["config", "data", "state"]) -> Path:
    """Our own folder for what is of that kind. Raises NoHome."""
    dirs = _platformdirs()
    find = {"config": dirs.user_config_path, "data": dirs.user_data_path, "state": dirs.user_state_path}[kind]
    try:
        path: Path = find(APPLICATION, appauthor=False)
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise NoHome(variable=f"XDG_{kind.upper()}_HOME")
    return path


def site_config_folders() -> list[Path]:
    """Those for all users, the most important one first."""
    dirs = _platformdirs().PlatformDirs(APPLICATION, appauthor=False, multipath=True)
    return [path for path in map(Path, dirs.site_config_dir.split(os.pathsep)) if path.is_absolute()]


def _platformdirs() -> Any:
    with put_off({"tempfile": functions("tempfile", "gettempdir")}):  # for folders that end with the session
        import platformdirs
    return platformdirs


def home() -> Path:
    """The user's: HOME, or where that names no absolute path, what the user database says. Raises NoHome."""
    if sys.platform == "win32":
        return Path.home()
    import pwd

    named = os.environ.get("HOME", "")
    try:
        path = Path(named if os.path.isabs(named) else pwd.getpwuid(os.getuid()).pw_dir)  # noqa: PTH117 - of a name
    except KeyError:
        path = Path()
    if not path.is_absolute():
        raise NoHome(variable="XDG_CONFIG_HOME")
    return path
