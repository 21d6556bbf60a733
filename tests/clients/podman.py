"""podman, with its own store of images in a folder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clients.client import Done, Seat

PLAIN_HTTP = "--tls-verify=false"


class Podman(Client):
    name = "podman"
    install = "apt-get install podman"
    program_name = "podman"

    def program(self) -> str | None:
        return shutil.which(self.program_name)

    def version(self, seat: Seat) -> str:
        return seat.run([self.program_name, "--version"]).shown.split()[2]

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        self._run(seat, "rmi", "--force", reference)
        return self._run(seat, "pull", PLAIN_HTTP, reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        made = self._run(seat, "import", str(artifacts.layer(seat.folder)), reference)
        assert made.status == 0, made.shown
        return self._run(seat, "push", PLAIN_HTTP, reference)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self._run(seat, "login", PLAIN_HTTP, "-u", username, "--password-stdin", registry, stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self._run(seat, "logout", registry)

    def _run(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return seat.run([self.program_name, *store(seat.folder), *arguments], stdin, **environment)


def store(folder: Path) -> list[str]:
    """Switches for a store of images that needs nothing of the system's."""
    return ["--root", str(folder / "images"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
