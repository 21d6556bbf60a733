"""What people had before: Docker's own credential helpers for the Secret Service and for pass, each with one pair."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.bench.timing import Contestant
from tests.lab.password_store import password_store
from tests.lab.secret_service import SecretService
from tests.lab.secret_service import missing as missing_for_secret_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = "registry.example.com"
PAIR = {"ServerURL": SERVER, "Username": "alice", "Secret": "a-secret-of-some-length-0123456789"}
SECRET_SERVICE, PASS = "docker-credential-secretservice", "docker-credential-pass"
HOW_TO_INSTALL = "apt-get install golang-docker-credential-helpers gnome-keyring dbus pass gnupg"


@contextmanager
def peers(folder: Path) -> Iterator[list[Contestant]]:
    """Those that are on this machine, ready to be asked; gone with all their state at the end."""
    with ExitStack() as started:
        found = []
        if shutil.which(SECRET_SERVICE) and not missing_for_secret_service():
            (folder / "bus").mkdir()
            bus = started.enter_context(SecretService.start(folder / "bus"))
            found.append(_with_a_pair(SECRET_SERVICE, {**os.environ, **bus.environment}))
        if all(shutil.which(program) for program in (PASS, "pass", "gpg")):
            found.append(_with_a_pair(PASS, started.enter_context(password_store(folder))))
        yield found


def _with_a_pair(program: str, environment: dict[str, str]) -> Contestant:
    subprocess.run([program, "store"], env=environment, input=json.dumps(PAIR).encode(), check=True)
    return Contestant(f"{program} get", [program, "get"], environment, SERVER.encode())
