"""cosign, which signs images; what a pull is to others is to it a copy of the image with its signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.go_program import GoProgram

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class Cosign(GoProgram):
    name = "cosign"
    module = "github.com/sigstore/cosign/v2/cmd/cosign@v2.6.5"
    quick = False  # minutes of a compiler's time
    logs_out = False  # has no command for it

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self.run(seat, "save", "--dir", str(seat.folder / "saved"), reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        return self.run(seat, "upload", "blob", "--files", artifacts.layer(seat.folder).name, reference)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self.run(seat, "login", registry, "-u", username, "--password-stdin", stdin=secret)
