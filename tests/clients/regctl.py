"""regctl, of regclient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.go_program import GoProgram

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class Regctl(GoProgram):
    name = "regctl"
    to_know = "`login` keeps what it is given in a file of its own, as plain text"
    module = "github.com/regclient/regclient/cmd/regctl@v0.8.3"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self._run(seat, reference, "image", "copy", reference, f"ocidir://{seat.folder}/pulled:1", **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        image = f"ocidir://{artifacts.layout(seat.folder)}:1"
        return self._run(seat, reference, "image", "copy", image, reference)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self._run(seat, registry, "registry", "login", registry, "-u", username, "--pass-stdin", stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self._run(seat, registry, "registry", "logout", registry)

    def _run(self, seat: Seat, reference: str, *arguments: str, stdin: str = "", **environment: str) -> Done:
        plain_http = f"reg={reference.partition('/')[0]},tls=disabled"
        return self.run(seat, "--host", plain_http, *arguments, stdin=stdin, **environment)
