"""The recipes in packaging/images, each carried out for real, and what a new user has then."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.container import Container, image_of
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from tests.conftest import MakeDesk
    from tests.lab.debian_root import DebianRoot
    from tests.lab.desk import Desk
    from tests.lab.docker import DockerEngine
    from tests.packaging.built import Built

RECIPES = REPOSITORY / "packaging" / "images"
BASE = "lab/debian:12"
SOCKET = "/var/run/docker.sock"


@pytest.fixture(scope="module")
def base(debian: DebianRoot, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image that recipes start from, without a network."""
    image_of(docker_engine, debian, BASE, tmp_path_factory.mktemp("base"))
    return BASE


def build(engine: DockerEngine, folder: Path, tag: str, **arguments: str) -> None:
    """By the builder that every Docker has."""
    switches = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    command = ["build", "--network=none", f"--tag={tag}", *switches, str(folder)]
    done = engine.run(*command, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "DOCKER_BUILDKIT": "0"})
    assert done.returncode == 0, done.stdout + done.stderr


class TestDockerfile:
    def test_a_new_users_first_pull(self, make_desk: MakeDesk, base: str, built: Built, tmp_path: Path) -> None:
        desk = make_desk()
        desk.publish()
        context = tmp_path / "context"
        context.mkdir()
        shutil.copy(RECIPES / "Dockerfile", context)
        shutil.copy(built.deb, context)
        build(desk.engine, context, "workstation", BASE=base, REGISTRY=desk.workplace.harbor.url)

        person = desk.workplace.person
        with Container(desk.engine, "workstation", self.mounts(desk)) as machine:
            machine.must("useradd", "--create-home", "dev")
            before = machine.changed()
            pull = f"docker pull {desk.image}"
            shown = machine.must_as("dev", pull, BROWSER=person.browser_command)
            assert "opening a browser to sign in at" in shown
            assert (person.windows, person.forms) == (1, 1)

            desk.engine.forget_image(desk.image)
            assert machine.must_as("dev", pull, BROWSER=person.browser_command) == "", "from then on without a word"
            assert person.windows == 1

            listed = machine.must("find", "/home/dev", "-printf", "%u %m %y %P\n").splitlines()
            entries = [line.split(" ", 3) for line in listed]
            assert {owner for owner, *_ in entries} == {"dev"}
            files = {place: mode for _, mode, kind, place in entries if kind == "f" and not place.startswith(".bash")}
            assert ".local/share/docker-credential-harbor/secrets.json" in files
            assert {mode for place, mode in files.items() if place != ".profile"} == {"600"}
            touched = machine.changed() - before
            assert all(path.startswith("/home/dev") for path in touched), touched

    def mounts(self, desk: Desk) -> dict[Path, str]:
        """What the image of a workstation has beside the helper: the docker command, an engine, a browser."""
        docker = shutil.which("docker")
        assert docker
        socket = Path(desk.engine.host.removeprefix("unix://"))
        browser = Path(desk.workplace.person.browser_command).parent
        socket.chmod(0o666)
        browser.chmod(0o755)
        (browser / "spool").chmod(0o666)
        return {Path(docker): "/usr/local/bin/docker", socket: SOCKET, browser: str(browser)}
