"""The client package of docker-credential-helpers, by which programs in Go ask helpers."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.library import Library

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

SOURCES = Path(__file__).parent / "go_client"
BUILT = Path(__file__).parents[2] / "build" / "go_client"


class GoLibrary(Library):
    name = "docker-credential-helpers (Go)"
    install = "apt-get install golang"

    def program(self) -> str | None:
        return built()

    def version(self, seat: Seat) -> str:  # noqa: ARG002 - it is a package, pinned beside its small program
        [version] = re.findall(r"docker-credential-helpers v(\S+)", (SOURCES / "go.mod").read_text())
        return str(version)

    def call(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return seat.run([self.program() or "", *arguments], stdin, **environment)


@functools.cache
def built() -> str | None:
    """The small program; None where there is no Go."""
    go = shutil.which("go")
    if go is None:
        return None
    subprocess.run([go, "build", "-o", BUILT, "."], cwd=SOURCES, check=True)
    return str(BUILT)
