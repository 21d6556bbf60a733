"""The dev container CLI (npm: @devcontainers/cli), which looks features up and publishes them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients.client import Client
from tests.lab import devcontainer

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class DevContainer(Client):
    name = "devcontainer"
    install = devcontainer.HOW_TO_INSTALL
    host = "localhost"  # for which alone it takes plain http
    artifact = "feature"
    quick = logs_in = False
    to_know = "asks for features; an image it leaves to docker"

    def program(self) -> str | None:
        return None if devcontainer.missing() else shutil.which("node")

    def version(self, seat: Seat) -> str:
        return self._run(seat, "--version").shown.strip()

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self._run(seat, "features", "info", "tags", reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        registry, _, rest = reference.partition("/")
        namespace, _, name = rest.rpartition(":")[0].rpartition("/")
        where = ["--registry", registry, "--namespace", namespace]
        return self._run(seat, "features", "publish", *where, str(devcontainer.feature(seat.folder, name)))

    def _run(self, seat: Seat, *arguments: str, **environment: str) -> Done:
        return seat.run(
            [self.program() or "", devcontainer.PROGRAM, *arguments], TMPDIR=str(seat.folder), **environment
        )
