"""Which files `setup` made for this user, so that `setup --undo` knows which of them may go: a note without secrets.

It can be done without: a file that is not noted stays, with nothing of ours in it. Whoever changes the note holds the
lock of registration.alone().
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import Failure
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.system import files, folders

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1


def noted() -> set[Path]:
    """Those that were made, whether they are still there or not."""
    try:
        content = json_value.decoded(files.read_bytes(_note()) or b"{}")
        return {Path(name) for name in content["made"]} if content["version"] == VERSION else set()
    except (Failure, ValueError, LookupError, TypeError):
        return set()


def note(paths: Iterable[Path]) -> None:
    """These were made, too."""
    _write(noted().union(paths))


def forget_those_gone() -> None:
    """Whoever makes such a file anew is not `setup`."""
    _write({path for path in noted() if path.exists()})


def _write(paths: set[Path]) -> None:
    document = {"version": VERSION, "made": sorted(map(str, paths))}
    if paths or _note().exists():
        with suppress(Failure):
            files.write_private(_note(), json.dumps(document, indent=1).encode())


def _note() -> Path:
    return folders.user_folder("state") / "setup.json"
