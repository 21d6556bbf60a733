"""A registry's lock, held by whoever changes what is kept of it: notes, sign-in, stored pair."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import Busy
from docker_credential_harbor.system import folders, lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_NAME = 200  # characters of a file name; file systems take 255 bytes


def path(name: str) -> Path:
    """The lock file (lock.py)."""
    return beside(name, ".lock")


@contextmanager
def held(name: str, wait_seconds: float) -> Iterator[None]:
    """With the lock, which is waited for that long. Raises Busy, NotWritable."""
    with lock.hold(path(name), wait_seconds) as locked:
        if not locked:
            raise Busy(what_runs="get", registry=name)
        yield


def beside(name: str, ending: str) -> Path:
    """A file of that registry's, whatever its name."""
    import hashlib
    from urllib.parse import quote

    quoted = quote(name, safe="")
    if len(quoted) > _LONGEST_NAME:
        quoted = hashlib.sha256(name.encode()).hexdigest()
    return folders.user_folder("state") / "registries" / f"{quoted}{ending}"
