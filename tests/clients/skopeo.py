"""skopeo, which copies from registry to registry and keeps nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.client import Client

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class Skopeo(Client):
    name = "skopeo"
    install = "apt-get install skopeo"

    def program(self) -> str | None:
        return shutil.which("skopeo")

    def version(self, seat: Seat) -> str:
        return seat.run(["skopeo", "--version"]).shown.split()[2]

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        fetched = seat.folder / "fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        command = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{reference}", f"dir:{fetched}"]
        return seat.run(command, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        image = f"oci:{artifacts.layout(seat.folder)}:1"
        return seat.run(["skopeo", "copy", "--dest-tls-verify=false", image, f"docker://{reference}"])

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        switches = ["--tls-verify=false", "-u", username, "--password-stdin"]
        return seat.run(["skopeo", "login", *switches, registry], secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return seat.run(["skopeo", "logout", registry])
