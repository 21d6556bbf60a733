"""Docker's own command line, with the engine that pulls for it; and its classic builder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.client import Client

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class DockerCli(Client):
    name = "docker"
    install = "apt-get install docker.io"

    def program(self) -> str | None:
        return shutil.which("docker")

    def version(self, seat: Seat) -> str:
        return self._run(seat, "version", "--format", "{{.Client.Version}}").shown.strip()

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        return self._run(seat, "pull", reference, **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        seat.engine.import_image(reference)
        return self._run(seat, "push", reference)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self._run(seat, "login", "-u", username, "--password-stdin", registry, stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self._run(seat, "logout", registry)

    @staticmethod
    def _run(seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return seat.run(["docker", *arguments], stdin, DOCKER_HOST=seat.engine.host, **environment)


class ClassicBuilder(DockerCli):
    """`docker build` without BuildKit: it sends the engine the pairs of all registries that are configured."""

    name = "docker build (classic)"
    pushes = logs_in = False
    windows_for_others = 1  # its images stand in the Dockerfile, which no command line tells
    to_know = (
        "asks for every registry that is set up; a person is waited for half a minute, and the next build has the pair"
    )

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        context = artifacts.build_context(seat.folder, reference)
        return self._run(seat, "build", "--no-cache", "--pull", str(context), DOCKER_BUILDKIT="0", **environment)
