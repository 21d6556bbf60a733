"""Testcontainers for Python (PyPI: testcontainers), on docker-py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients.docker_py import DockerPy

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

# Nothing in the lab's images can be run: what counts is whether the image came.
RUN = """
import sys
from docker.errors import APIError, ImageNotFound
from testcontainers.core.docker_client import DockerClient
client = DockerClient()
try:
    client.run(sys.argv[1], command="nothing")
except APIError as error:
    try:
        client.client.images.get(sys.argv[1])
    except ImageNotFound:
        sys.exit(str(error))
"""
VERSION = "from importlib.metadata import version; print(version('testcontainers'))"


class TestcontainersPython(DockerPy):
    name = "Testcontainers (Python)"
    pushes = False

    def version(self, seat: Seat) -> str:
        return self._run(seat, VERSION).shown.strip()

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        return self._run(seat, RUN, reference, **environment)
