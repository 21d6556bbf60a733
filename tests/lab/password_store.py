"""A password store of pass(1), with a key of its own that has no passphrase."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = ("pass", "gpg")


def missing() -> list[str]:
    """The programs of it that are not on this machine."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def password_store(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a process that uses it; its agent ends with it."""
    keys = folder / "gnupg"
    keys.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(keys), "PASSWORD_STORE_DIR": str(folder / "password-store")}
    key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "lab", "default", "default"]
    subprocess.run(key, env=environment, check=True, capture_output=True)
    subprocess.run(["pass", "init", "lab"], env=environment, check=True, capture_output=True)
    try:
        yield environment
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
