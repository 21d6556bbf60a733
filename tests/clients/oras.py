"""oras, which puts any file into a registry; Helm asks helpers by the same library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.go_program import GoProgram

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PLAIN_HTTP = "--plain-http"


class Oras(GoProgram):
    name = "oras"
    module = "oras.land/oras/cmd/oras@v1.2.3"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self.run(seat, "pull", PLAIN_HTTP, reference, "--output", str(seat.folder / "pulled"), **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        return self.run(seat, "push", PLAIN_HTTP, reference, artifacts.layer(seat.folder).name)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self.run(seat, "login", PLAIN_HTTP, registry, "-u", username, "--password-stdin", stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self.run(seat, "logout", registry)
