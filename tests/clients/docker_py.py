"""docker-py (PyPI: docker), which asks helpers itself and hands the pair to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import artifacts, python_environment
from tests.clients.client import Client

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PULL = "import sys, docker; docker.from_env().images.pull(sys.argv[1])"
PUSH = """
import sys, docker
for line in docker.from_env().images.push(sys.argv[1], stream=True, decode=True):
    if "error" in line:
        sys.exit(line["error"])
"""
BUILD = "import sys, docker; docker.from_env().images.build(path=sys.argv[1], nocache=True, pull=True)"
VERSION = "import docker; print(docker.__version__)"


class DockerPy(Client):
    name = "docker-py"
    install = python_environment.INSTALL
    logs_in = False  # its login asks the engine, and keeps the pair in memory

    def program(self) -> str | None:
        return python_environment.python()

    def version(self, seat: Seat) -> str:
        return self._run(seat, VERSION).shown.strip()

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        return self._run(seat, PULL, reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        seat.engine.import_image(reference)
        return self._run(seat, PUSH, reference)

    def _run(self, seat: Seat, program: str, *arguments: str, **environment: str) -> Done:
        command = [self.program() or "", "-c", program, *arguments]
        return seat.run(command, DOCKER_HOST=seat.engine.host, **environment)


class DockerPyBuild(DockerPy):
    """Its `build()`: as the classic builder does, it sends the pairs of all registries that are configured."""

    name = "docker-py build()"
    pushes = False
    windows_for_others = 1
    to_know = (
        "asks for every registry that is set up; at the first that has no pair a person is waited for as in a pull, "
        "for those after it half a minute more, and the next build has the pair"
    )

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        return self._run(seat, BUILD, str(artifacts.build_context(seat.folder, reference)), **environment)
