"""Another user of this machine than root, without an entry in the user database, who may still read root's Python.

Source: setpriv(1), prlimit(1), capabilities(7). A user's limit of processes does not count for root.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.conftest import need

if TYPE_CHECKING:
    from pathlib import Path

# One of this process's own (key_user.py has the numbers behind it): the limit counts all that run as one user.
UID = 100_000 + os.getpid() * 10


def command(*, most_processes: int | None = None) -> list[str]:
    """What runs the program whose words follow as that user."""
    need("root, for setpriv", "run the tests as root", os.geteuid() == 0)
    setpriv, prlimit = shutil.which("setpriv"), shutil.which("prlimit")
    need("setpriv and prlimit", "apt-get install util-linux", setpriv and prlimit)
    user = [str(setpriv), f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    reads_all = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    limit = [str(prlimit), f"--nproc={most_processes}"] if most_processes else []
    return [*user, *reads_all, *limit]


def give(folder: Path) -> None:
    """The folder and all in it become that user's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)
