"""Clients that Maven runs: a project's folder beside this file, copied to where the client may write."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

HERE = Path(__file__).parent
INSTALL = "apt-get install maven"


def program() -> str | None:
    return shutil.which("mvn")


def project(seat: Seat, name: str) -> Path:
    """The copy, made once."""
    folder = seat.folder / name
    if not folder.exists():
        shutil.copytree(HERE / name, folder)
    return folder


def run(seat: Seat, name: str, *arguments: str, **environment: str) -> Done:
    """Maven in that project; what it has fetched lies where Maven keeps it for this user, not in the sealed home."""
    return seat.run(["mvn", "-q", "--batch-mode", "-f", project(seat, name), *arguments], **environment)


def version(name: str) -> str:
    """Of the one thing that the project pins."""
    [found] = re.findall(r"<version>([\d.]{2,})</version>", (HERE / name / "pom.xml").read_text())
    return str(found)
