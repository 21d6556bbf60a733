"""`podman --remote`: it sends the service, as the classic builder sends the engine, the pairs of all registries."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.clients.podman import PLAIN_HTTP, Podman, store
from tests.lab.processes import end, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.client import Done, Seat


class PodmanRemote(Podman):
    name = "podman --remote"
    pushes = logs_in = False  # as podman itself
    to_know = (
        "asks for every registry that is set up; a person is waited for half a minute, and the next call has the pair"
    )

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        with service(seat) as url:
            self._run(seat, "rmi", "--force", reference)
            return self._remote(seat, url, "pull", PLAIN_HTTP, reference, **environment)

    @staticmethod
    def _remote(seat: Seat, url: str, *arguments: str, **environment: str) -> Done:
        return seat.run(["podman", "--remote", "--url", url, *arguments], **environment)


@contextmanager
def service(seat: Seat) -> Iterator[str]:
    """Its URL."""
    socket = seat.folder / "podman.socket"
    url = f"unix://{socket}"
    own = {name: str(seat.folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG")}
    process = subprocess.Popen(
        ["podman", *store(seat.folder), "system", "service", "--time=0", url],
        env={**seat.environment, **own},  # of another machine, as a rule: it knows no helper
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(socket.exists, "podman's service", 60)
        yield url
    finally:
        end(process)
        socket.unlink(missing_ok=True)
