"""A workplace with Docker on it."""

from __future__ import annotations

import base64
import json
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
        """Docker's configuration and ours; the first pull signs in. What it printed."""
        self.workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG", None)
        answer = self.workplace.helper.run(["setup", "--no-login", self.workplace.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        return answer.stdout

    def publish(self, reference: str | None = None) -> None:
        """A new image of that name, pushed by a robot from another machine."""
        reference = reference or self.image
        robot = ("robot$builder", "Builder-Secret-1")
        self.workplace.harbor.add_robot(*robot)
        elsewhere = self.workplace.helper.home.path.parent / "builder"
        elsewhere.mkdir(exist_ok=True)
        pair = base64.b64encode(":".join(robot).encode()).decode()
        (elsewhere / "config.json").write_text(json.dumps({"auths": {self.workplace.name: {"auth": pair}}}))
        self.engine.import_image(reference)
        done = self.engine.run("push", reference, config=elsewhere)
        assert done.returncode == 0, done.stdout + done.stderr
        self.engine.forget_image(reference)

    def docker(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.engine.run(*arguments, env={**self.workplace.helper.home.environment, **env})

    def must(self, *arguments: str) -> str:
        done = self.docker(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def fresh_pull(self) -> str:
        self.engine.forget_image(self.image)
        return self.must("pull", self.image)
