"""cosign, which signs images and asks helpers by go-containerregistry, as crane does."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients.go_program import GoProgram

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PLAIN_HTTP = "--allow-http-registry"


class Cosign(GoProgram):
    name = "cosign"
    module = "github.com/sigstore/cosign/v2/cmd/cosign@v2.6.1"
    quick = logs_in = False  # it has no command to log out

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        saved = seat.folder / "saved"
        shutil.rmtree(saved, ignore_errors=True)
        return self.run(seat, "save", PLAIN_HTTP, "--dir", str(saved), reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        return self.run(seat, "load", PLAIN_HTTP, "--dir", str(seat.folder / "saved"), reference)
