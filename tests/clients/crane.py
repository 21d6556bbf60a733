"""crane, of go-containerregistry; ko, kaniko and others ask helpers by the same library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.go_program import GoProgram

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class Crane(GoProgram):
    name = "crane"
    module = "github.com/google/go-containerregistry/cmd/crane@v0.20.6"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self.run(seat, "pull", reference, str(seat.folder / "pulled.tar"), **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        return self.run(seat, "push", str(artifacts.layout(seat.folder)), reference)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self.run(seat, "auth", "login", registry, "-u", username, "--password-stdin", stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self.run(seat, "auth", "logout", registry)
