"""Testcontainers for Node.js (npm: testcontainers): how it looks a registry's pair up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.library import Library

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

FOLDER = Path(__file__).parent / "testcontainers_npm"


class TestcontainersNpm(Library):
    name = "Testcontainers (npm)"
    install = "npm ci --prefix tests/clients/testcontainers_npm"
    quick = False
    logs_in = False
    to_know = "up to version 11.5 it asks `list` first and finds only who is signed in: run `login` first"

    def program(self) -> str | None:
        return shutil.which("node") if (FOLDER / "node_modules" / "testcontainers").is_dir() else None

    def version(self, seat: Seat) -> str:  # noqa: ARG002 - of what is installed
        package = FOLDER / "node_modules" / "testcontainers" / "package.json"
        return str(json.loads(package.read_text())["version"])

    def call(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        verb, registry = arguments
        assert verb == "get"
        return seat.run([self.program() or "", FOLDER / "look_up.js", registry], stdin, **environment)
