"""A workplace with Docker on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from tests.lab.docker import DockerEngine
    from tests.lab.workplace import Workplace


class Desk:
    """The registry is behind Harbor, the helper in Docker's configuration."""

    def __init__(self, workplace: Workplace, engine: DockerEngine) -> None:
        self.workplace = workplace
        self.engine = engine
        self.image = f"{workplace.name}/demo/hello:1"
        workplace.harbor.add_project("demo")
        workplace.harbor.add_project("pub", public=True)

    def set_up(self) -> str:
        """As a new user does: one command; what it printed."""
        self.workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG", None)
        answer = self.workplace.helper.run(["setup", self.workplace.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        return answer.stdout

    def docker(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.engine.run(*arguments, env={**self.workplace.helper.home.environment, **env})

    def must(self, *arguments: str) -> str:
        done = self.docker(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def fresh_pull(self) -> str:
        self.engine.forget_image(self.image)
        return self.must("pull", self.image)
