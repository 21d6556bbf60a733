"""Clients that Maven runs: a project's folder beside this file, copied to where the client may write."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.client import Client

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

HERE = Path(__file__).parent


class MavenClient(Client):
    """``project``: the folder, which pins what is tried."""

    project: str
    install = "apt-get install maven"
    quick = False
    logs_in = False

    def program(self) -> str | None:
        return shutil.which("mvn")

    def version(self, seat: Seat) -> str:  # noqa: ARG002 - as its project pins it
        [found] = re.findall(r"<version>([\d.]{2,})</version>", (HERE / self.project / "pom.xml").read_text())
        return str(found)


def project(seat: Seat, name: str) -> Path:
    """The copy, made once."""
    folder = seat.folder / name
    if not folder.exists():
        shutil.copytree(HERE / name, folder)
    return folder


def run(seat: Seat, name: str, *arguments: str, **environment: str) -> Done:
    """Maven in that project; what it has fetched lies where Maven keeps it for this user, not in the sealed home."""
    return seat.run(["mvn", "-q", "--batch-mode", "-f", project(seat, name), *arguments], **environment)
