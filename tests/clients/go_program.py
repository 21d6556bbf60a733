"""Clients that are one program, which the Go module proxy serves."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from tests.clients.client import Client
from tests.lab.go_programs import on_path

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class GoProgram(Client):
    """``module``: what `go install` is given; the program is called as its last folder."""

    module: str

    @property
    def install(self) -> str:  # type: ignore[override]
        return f"go install {self.module}"

    def program(self) -> str | None:
        return on_path(self.module.partition("@")[0].rpartition("/")[2])

    def version(self, seat: Seat) -> str:
        return module_version(seat, self.program() or "")

    def run(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return seat.run([self.program() or "", *arguments], stdin, **environment)


def module_version(seat: Seat, program: str) -> str:
    """As Go has noted it in the program: its own word needs a builder's switch."""
    told = seat.run([shutil.which("go") or "", "version", "-m", program]).shown
    [version] = re.findall(r"^\tmod\t\S+\t(\S+)", told, re.MULTILINE)
    return str(version).removeprefix("v")
