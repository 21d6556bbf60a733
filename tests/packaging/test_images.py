"""The recipes in packaging/images, each carried out by the program that it is for, and what a user has then.

Without a network, but for the one image with Ansible and cloud-init in it, which apt fills from this machine's mirror.
"""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config.clients import docker, helm, podman
from tests.conftest import need
from tests.lab import devcontainer
from tests.lab.container import Container, image_of
from tests.lab.sealed_home import NAME
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import MakeDesk
    from tests.lab.debian_root import DebianRoot
    from tests.lab.desk import Desk
    from tests.lab.docker import DockerEngine
    from tests.packaging.built import Built

RECIPES = REPOSITORY / "packaging" / "images"
FEATURE = RECIPES / "devcontainer" / NAME
BASE = "lab/debian:12"
APT_SECONDS = 400
INSTALLED_BY_APT = "ansible-core cloud-init python3-apt wget"
REGISTRY = "harbor.invalid"  # RFC 2606: no name server knows it
HELPERS = {"credHelpers": {REGISTRY: "harbor"}}


@pytest.fixture(scope="module")
def base(debian: DebianRoot, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image that recipes start from."""
    image_of(docker_engine, debian, BASE, tmp_path_factory.mktemp("base"))
    return BASE


@pytest.fixture(scope="module")
def managed(docker_engine: DockerEngine, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same with Ansible and cloud-init."""
    folder = tmp_path_factory.mktemp("managed")
    quick = "echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/lab"
    install = f"apt-get -qq install -y --no-install-recommends {INSTALLED_BY_APT}"
    (folder / "Dockerfile").write_text(f"FROM {base}\nRUN {quick} && apt-get -qq update && {install}\n")
    build(docker_engine, folder, "lab/managed", "--network=host", "--build-arg=DEBIAN_FRONTEND=noninteractive")
    return "lab/managed"


def build(engine: DockerEngine, folder: Path, tag: str, *switches: str) -> None:
    """By the builder that every Docker has; a proxy for apt's mirror is handed on where there is one."""
    proxies = [f"--build-arg={name}" for name in ("http_proxy", "https_proxy")]
    environment = {**engine.environment, "DOCKER_BUILDKIT": "0"}
    command = ["build", f"--tag={tag}", *proxies, *switches, str(folder)]
    done = engine.run(*command, env=environment, timeout=APT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_new_user_is_served(machine: Container) -> None:
    """Somebody made from now on: every client asks the helper, and that knows the registry."""
    machine.must("useradd", "--create-home", "new")
    for client in (docker, podman, helm):
        assert json.loads(machine.must("cat", f"/home/new/{client.IN_HOME}")) == HELPERS
    done = machine.run_as("new", f"echo {REGISTRY} | {NAME} get", CI="1")
    assert REGISTRY in done.stderr, "for a registry that it does not know it says nothing"


def assert_user_is_served(machine: Container, user: str) -> None:
    """Somebody who was there before: Docker asks the helper, and the file is theirs."""
    path = f"/home/{user}/{docker.IN_HOME}"
    assert json.loads(machine.must("cat", path)) == HELPERS
    assert machine.must("stat", "--format=%U %a", path, str(Path(path).parent)) == f"{user} 600\n{user} 700\n"


class TestDockerfile:
    def test_a_new_users_first_pull(self, make_desk: MakeDesk, base: str, built: Built, tmp_path: Path) -> None:
        desk = make_desk()
        desk.publish()
        shutil.copy(RECIPES / "Dockerfile", tmp_path)
        shutil.copy(built.deb, tmp_path)
        registry = f"--build-arg=REGISTRY={desk.workplace.harbor.url}"
        build(desk.engine, tmp_path, "workstation", "--network=none", f"--build-arg=BASE={base}", registry)

        person = desk.workplace.person
        with Container(desk.engine, "workstation", self.mounts(desk)) as machine:
            machine.must("useradd", "--create-home", "dev")
            before = machine.changed()
            pull = f"docker pull {desk.image}"
            shown = machine.must_as("dev", pull, BROWSER=person.browser_command)
            assert "opening a browser to sign in at" in shown
            assert shown.count("kept in a file that only this user can read") == 1, "the kernel keyring is closed there"
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
        """What a workstation has beside the helper: the docker command, an engine, a browser."""
        program = shutil.which("docker")
        assert program
        socket = Path(desk.engine.host.removeprefix("unix://"))
        browser = Path(desk.workplace.person.browser_command).parent
        socket.chmod(0o666)
        browser.chmod(0o755)
        (browser / "spool").chmod(0o666)
        return {Path(program): "/usr/local/bin/docker", socket: "/var/run/docker.sock", browser: str(browser)}


class TestDevContainer:
    @pytest.fixture
    def image(self, docker_engine: DockerEngine, base: str, built: Built, tmp_path: Path) -> str:
        """Built from the recipe, on an image that has the user who works in it."""
        need("devcontainer", devcontainer.HOW_TO_INSTALL, not devcontainer.missing())
        (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN useradd --create-home vscode\n")
        build(docker_engine, tmp_path, "lab/dev", "--network=none")
        folder = tmp_path / ".devcontainer"
        shutil.copytree(RECIPES / "devcontainer", folder)
        shutil.copy(built.deb, folder / NAME)
        recipe = (folder / "devcontainer.json").read_text().replace("harbor.example.com", REGISTRY)
        ours, count = re.subn(r'"image": ".*"', '"image": "lab/dev", "remoteUser": "vscode"', recipe)
        assert count == 1
        (folder / "devcontainer.json").write_text(ours)
        devcontainer.build(docker_engine, tmp_path, "dev-container")
        return "dev-container"

    def test_its_user_and_new_ones(self, docker_engine: DockerEngine, image: str, built: Built) -> None:
        mounts = {FEATURE: "/feature", built.dist: "/dist"}
        with Container(docker_engine, image, mounts) as machine:
            assert_user_is_served(machine, "vscode")
            assert_new_user_is_served(machine)
            self.install_once_more(machine, f"/dist/{built.deb.name}")

    def install_once_more(self, machine: Container, package: str) -> None:
        """Changes none of the files; and the option `package`."""
        before = self.files(machine)
        assert REGISTRY in machine.must("cat", f"/etc/xdg/{NAME}/config.toml")
        done = machine.run("/feature/install.sh", REGISTRY=REGISTRY, PACKAGE=package, _REMOTE_USER="vscode")
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.files(machine) == before

    def files(self, machine: Container) -> list[str]:
        """Path, inode, time of change, mode and owner of each; a folder's own order may change by itself."""
        places = ("/etc/skel", f"/etc/xdg/{NAME}", "/home")
        return sorted(machine.must("find", *places, "-type", "f", "-printf", "%p %i %T@ %m %u\n").splitlines())

    def test_the_scripts_style(self) -> None:
        need("shellcheck", "apt-get install shellcheck", shutil.which("shellcheck"))
        done = subprocess.run(["shellcheck", FEATURE / "install.sh"], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "")


class TestPacker:
    def test_its_image(self, docker_engine: DockerEngine, base: str, built: Built, tmp_path: Path) -> None:
        need("packer", "apt-get install packer", shutil.which("packer"))
        recipe = (RECIPES / "packer.pkr.hcl").read_text()
        ours, count = re.subn(r'image += ".*"', f'image = "{base}"\n  pull = false', recipe)
        assert count == 1
        (tmp_path / "packer.pkr.hcl").write_text(ours)
        own = {"HOME": str(tmp_path), "PACKER_CONFIG_DIR": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
        command = ["packer", "build", "-color=false", f"-var=registry={REGISTRY}", f"-var=package={built.deb}", "."]
        done = subprocess.run(
            command, cwd=tmp_path, env={**docker_engine.environment, **own}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        made = re.search(r"Imported Docker image: (\S+)", done.stdout)
        assert made
        with Container(docker_engine, made[1]) as machine:
            assert_new_user_is_served(machine)


class TestAnsible:
    def test_the_playbook_twice(self, docker_engine: DockerEngine, managed: str, built: Built) -> None:
        values = [f"--extra-vars=registry={REGISTRY}", f"--extra-vars=package=/dist/{built.deb.name}"]
        play = ["ansible-playbook", "--connection=local", "--inventory=localhost,", *values, "/recipes/ansible.yml"]
        with Container(docker_engine, managed, {RECIPES: "/recipes", built.dist: "/dist"}) as machine:
            assert re.search(r"ok=4 +changed=3 .*failed=0", machine.must(*play))
            assert_new_user_is_served(machine)
            assert re.search(r"ok=4 +changed=0 .*failed=0", machine.must(*play)), "nothing was left to do"


class TestCloudInit:
    """All stages of a first boot, with the data of a machine of one's own (NoCloud)."""

    LAB = "datasource_list: [NoCloud]\nnetwork: {config: disabled}\nlocale: false\n"

    @pytest.fixture
    def server(self, built: Built) -> Iterator[str]:
        """The package under the name that the recipe has for it."""

        class Packages(http.server.SimpleHTTPRequestHandler):
            def translate_path(self, path: str) -> str:
                return str(built.deb) if path == f"/{NAME}.deb" else ""

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Packages) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{running.server_port}"
            running.shutdown()

    def test_a_first_boot(self, docker_engine: DockerEngine, managed: str, server: str, tmp_path: Path) -> None:
        recipe = (RECIPES / "cloud-init.yaml").read_text()
        ours = recipe.replace("https://packages.example.com", server).replace("harbor.example.com", REGISTRY)
        (tmp_path / "user-data").write_text(ours)
        (tmp_path / "meta-data").write_text("instance-id: lab\n")
        (tmp_path / "lab.cfg").write_text(self.LAB)
        seed = "/var/lib/cloud/seed/nocloud"
        mounts = {tmp_path: seed, tmp_path / "lab.cfg": "/etc/cloud/cloud.cfg.d/99_lab.cfg"}
        with Container(docker_engine, managed, mounts) as machine:
            machine.must("cloud-init", "schema", "--config-file", f"{seed}/user-data")
            for stage in ("init --local", "init", "modules --mode=config", "modules --mode=final"):
                machine.run("cloud-init", *stage.split())
            result = json.loads(machine.must("cat", "/run/cloud-init/result.json"))
            assert result["v1"]["errors"] == [], machine.run("cat", "/var/log/cloud-init-output.log").stdout
            assert_user_is_served(machine, "debian")
            assert_new_user_is_served(machine)
