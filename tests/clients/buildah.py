"""buildah, with podman's store of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.podman import PLAIN_HTTP, Podman

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class Buildah(Podman):
    name = program_name = "buildah"
    install = "apt-get install buildah"

    def push(self, seat: Seat, reference: str) -> Done:
        image = f"oci:{artifacts.layout(seat.folder)}:1"
        made = self._run(seat, "pull", image)
        assert made.status == 0, made.shown
        return self._run(seat, "push", PLAIN_HTTP, made.shown.split()[-1], f"docker://{reference}")
