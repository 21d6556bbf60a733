"""Docker's plugins: buildx, which builds with BuildKit, and compose 2."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients import artifacts
from tests.clients.docker_cli import DockerCli
from tests.clients.go_program import module_version
from tests.lab import docker_plugins

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


class DockerPlugin(DockerCli):
    """``plugin``: as docker calls it."""

    plugin: str
    quick = pushes = logs_in = False

    def program(self) -> str | None:
        found = docker_plugins.plugin(self.plugin)
        return str(found) if found and shutil.which("docker") else None

    def version(self, seat: Seat) -> str:
        return module_version(seat, self.program() or "")

    def run(self, seat: Seat, *arguments: str, **environment: str) -> Done:
        docker_plugins.install(self.plugin, seat.docker_config)
        return self._run(seat, self.plugin, *arguments, **environment)


class Buildx(DockerPlugin):
    name = "docker build (buildx)"
    install = "go install github.com/docker/buildx/cmd/buildx@v0.38.2"
    plugin = "buildx"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        context = artifacts.build_context(seat.folder, reference)
        return self.run(seat, "build", "--no-cache", "--pull", str(context), **environment)


class Compose(DockerPlugin):
    name = "docker compose 2"
    install = "Docker's own package docker-compose-plugin"
    plugin = "compose"

    def version(self, seat: Seat) -> str:
        return self.run(seat, "version", "--short").shown.strip()

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        seat.engine.forget_image(reference)
        project = seat.folder / "compose.yaml"
        project.write_text(f"services:\n  one:\n    image: {reference}\n")
        return self.run(seat, "--file", str(project), "pull", **environment)
