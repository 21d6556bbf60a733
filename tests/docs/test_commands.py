"""Every command in README.md and docs/*.md is carried out, in the order of its page.

There is no list of commands to be kept: they are read from the pages, so a new one is carried out or fails. A reader
sits at a desk with a real Docker, registry, Keycloak and systemd, opens what is printed, and the pages'
harbor.example.com is the lab's. Packages of the system are installed in a clean Debian in a folder, and what was
installed is what the rest of the page runs on. What `make` does is looked for where CI does it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.entry import command_line
from docker_credential_harbor.model import LoginRedirect, Registry, SystemInfo
from docker_credential_harbor.use_cases import admin_guide
from docker_credential_harbor.use_cases.before_sign_in import FirstLook
from tests.conftest import need
from tests.docs import shell_blocks
from tests.docs.shell_blocks import PAGES, REPOSITORY, Block
from tests.lab import helm, user_systemd
from tests.lab.helm import Helm
from tests.lab.keycloak import ADMIN, ADMIN_PASSWORD, kcadm
from tests.lab.realm import HELPER_CLIENT
from tests.lab.sealed_home import NAME as PROGRAM
from tests.lab.terminal import Terminal
from tests.lab.user_systemd import UserSystemd
from tests.lab.workplace import WITH_OFFLINE
from tests.packaging.conftest import built, debian

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from tests.lab.debian_root import DebianRoot
    from tests.lab.desk import Desk
    from tests.packaging.built import Built

__all__ = ["built", "debian"]  # fixtures: what the pages install, and where

NAME = "harbor.example.com"
IMAGE, CHART = f"{NAME}/project/image", f"oci://{NAME}/project"
TO_OPEN = re.compile(r"open this in a browser on any device: (\S+)")
INLINE = re.compile(r"`docker-credential-harbor ([^`]+)`")
INSTALLERS = ("sudo apt ", "pipx ")
COMMAND_SECONDS = 100
STORY_SECONDS = 900

BLOCKS = {page: shell_blocks.of_page(page) for page in PAGES}
STORIES = {
    page: blocks
    for page, found in BLOCKS.items()
    if (blocks := [block for block in found if not block.commands[0].startswith("make ")])
}
MADE = [
    command.split()[1]
    for found in BLOCKS.values()
    for block in found
    for command in block.commands
    if command.startswith("make ")
]


class Reader:
    """Does at a desk what a page says, in the desk's sealed home."""

    def __init__(
        self, desk: Desk, systemd: UserSystemd, folder: Path, packages: Callable[[], tuple[Built, DebianRoot]]
    ) -> None:
        self.desk = desk
        self.workplace = desk.workplace
        self.systemd = systemd
        self.folder = folder
        self._packages = packages
        self._debian: DebianRoot | None = None
        self.skeleton = folder / "skel"
        self.skeleton.mkdir()
        self.environment = self.workplace.helper.home.environment
        self.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
        self.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
        self.environment["DOCKER_HOST"] = desk.engine.host

    def read(self, block: Block) -> None:
        """One block. Unless it installs or sets up the helper itself, that was done, and somebody is signed in."""
        if not any(" setup " in command or command.startswith(INSTALLERS) for command in block.commands):
            self.carry_out(f"docker-credential-harbor setup --no-login {NAME}")
            if not self._is_signed_in():
                self.carry_out(f"docker-credential-harbor login {NAME}")
        for command in block.commands:
            self.carry_out(command)

    def _is_signed_in(self) -> bool:
        [row] = json.loads(self.workplace.helper.run(["status", "--json"]).stdout)["registries"]
        return bool(row["state"] == "ready")

    def carry_out(self, command: str) -> None:
        """Exit status 0 is what a reader expects of every one."""
        if command.startswith(INSTALLERS):
            self._install(command)
            return
        here = self._as_here(command)
        if " keepalive" in here:  # asks this user's systemd
            done = self.systemd.run(["sh", "-ec", here], timeout=COMMAND_SECONDS)
            status, shown = done.returncode, done.stdout + done.stderr
        else:
            status, shown = self._at_a_terminal(["sh", "-ec", here])
        assert status == 0, f"{command}\n{shown}"

    def _as_here(self, command: str) -> str:
        """The lab's registry is at a loopback address, and without TLS; its Keycloak has an administrator."""
        url, realm = self.workplace.harbor.url, self.workplace.realm
        name = url if " setup " in command else self.workplace.name
        changes = {
            NAME: name,
            "skopeo inspect ": "skopeo inspect --tls-verify=false ",
            "helm pull ": "helm pull --plain-http ",
            "kcadm.sh ": f"{kcadm()} ",
            "--server https://sso.example.com ": f"--server {realm.url} ",
            "--target-realm dev ": f"--target-realm {realm.name} ",
            "--user ADMIN": f"--user {ADMIN} --password {ADMIN_PASSWORD}",
        }
        for there, here in changes.items():
            command = command.replace(there, here)
        return command

    def _at_a_terminal(self, command: list[str]) -> tuple[int, str]:
        if " --system " in command[-1]:  # root's, for users made later: this machine's /etc/skel stays as it is
            script = 'mount --bind "$1" /etc/skel && exec sh -ec "$2"'
            command = ["unshare", "--mount", "sh", "-c", script, "sh", str(self.skeleton), command[-1]]
        opened = 0
        with Terminal(["env", "-C", str(self.folder), *command], self.environment) as terminal:
            while terminal.process.poll() is None:
                links = TO_OPEN.findall(terminal.text.rpartition("\n")[0])
                for link in links[opened:]:
                    self.workplace.person.open(link)
                opened = len(links)
                with suppress(subprocess.TimeoutExpired):
                    terminal.process.wait(0.1)
            return terminal.wait(), terminal.text

    def _install(self, command: str) -> None:
        """Or takes it away. Nothing that helps is done beforehand; what was installed is used from then on."""
        place = self._by_apt(command) if command.startswith("sudo apt ") else self._by_pipx(command)
        assert (place / PROGRAM).exists() is ("install" in command.split())
        if str(place) not in self.environment["PATH"].split(":"):
            self.environment["PATH"] = f"{place}:{self.environment['PATH']}"
        used = shutil.which(PROGRAM, path=self.environment["PATH"])
        assert used
        assert (Path(used).parent == place) is ("install" in command.split())

    def _by_apt(self, command: str) -> Path:
        """As root in a clean Debian, where the package lies in dist/. A yes for the question whether to go on."""
        if self._debian is None:
            built, debian = self._packages()
            self._debian = debian.copy(self.folder / "debian")
            (self._debian.path / "dist").mkdir()
            shutil.copy(built.deb, self._debian.path / "dist")
        done = self._debian.run("sh", "-ec", command.removeprefix("sudo "), stdin="y\n")
        assert done.returncode == 0, done.stdout + done.stderr
        # A folder of its own on PATH: Debian's other programs are not to be used from there.
        place = self.folder / "by-apt"
        place.mkdir(exist_ok=True)
        (place / PROGRAM).unlink(missing_ok=True)
        (place / PROGRAM).symlink_to(self._debian.path / "usr" / "bin" / PROGRAM)
        return place

    def _by_pipx(self, command: str) -> Path:
        """By the system's own Python, from a copy of what is packaged."""
        sources, place = self.folder / "copy", self.folder / "by-pipx"
        if not sources.exists():
            sources.mkdir()
            for name in ("pyproject.toml", "README.md"):
                shutil.copy(REPOSITORY / name, sources)
            shutil.copytree(REPOSITORY / "docker_credential_harbor", sources / "docker_credential_harbor")
        environment = {**os.environ, "PIPX_HOME": str(self.folder / "pipx"), "PIPX_BIN_DIR": str(place)}
        done = subprocess.run(["sh", "-ec", command], cwd=sources, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return place


@pytest.fixture
def reader(make_desk: Callable[..., Desk], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    missing = user_systemd.missing()
    need("systemd user instance", f"apt-get install systemd; lacks {missing}", not missing)
    need("skopeo", "apt-get install skopeo", shutil.which("skopeo"))
    need("helm 3", helm.INSTALL, helm.program())
    need("pipx", "apt-get install pipx", shutil.which("pipx"))

    def packages() -> tuple[Built, DebianRoot]:
        return request.getfixturevalue("built"), request.getfixturevalue("debian")

    desk = make_desk(harbor={"scopes": WITH_OFFLINE})
    home = desk.workplace.helper.home
    home.environment["PATH"] += f":{Path(helm.program() or '').parent}"
    home.environment["JAVA_HOME"] = os.environ.get("JAVA_HOME", "")
    publish(desk, tmp_path)
    with UserSystemd(home, tmp_path) as systemd:
        yield Reader(desk, systemd, tmp_path, packages)
    shutil.rmtree(tmp_path / "debian", ignore_errors=True)


def publish(desk: Desk, folder: Path) -> None:
    """The image and the chart that the pages pull."""
    here = desk.workplace.name
    desk.workplace.harbor.add_project("project")
    desk.publish(IMAGE.replace(NAME, here))
    builder = desk.workplace.helper.home.path.parent / "builder" / "config.json"
    client = Helm(desk.workplace.helper.home.environment, registry_config=builder)
    client.must("push", str(client.package(folder)), CHART.replace(NAME, here), "--plain-http")


@pytest.mark.timeout(STORY_SECONDS)
@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.name)
def test_a_page_can_be_followed(reader: Reader, page: Path) -> None:
    if page.name == "administrators.md":
        reader.workplace.realm.remove_client(HELPER_CLIENT)
    for block in STORIES[page]:
        reader.read(block)
    if any(" --system " in command for block in STORIES[page] for command in block.commands):
        clients = json.loads((reader.skeleton / ".docker" / "config.json").read_text())
        assert clients == {"credHelpers": {reader.workplace.name: "harbor"}}


@pytest.mark.timeout(STORY_SECONDS)
@pytest.mark.parametrize("target", sorted(set(MADE)))
def test_what_make_does_is_done(target: str) -> None:
    """By CI, in full; what takes too long for that is at least begun here: pytest finds its tests and runs none."""
    if re.search(rf"^(?! *echo ).*\bmake {target}\b", (REPOSITORY / ".ci" / "run").read_text(), re.MULTILINE):
        return
    environment = {**os.environ, "PYTEST_ADDOPTS": "--collect-only -q"}
    done = subprocess.run(["make", target], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_follow() -> None:
    expected = {"README.md", "administrators.md", "images.md", "index.md", "workstation.md"}
    assert {page.name for page in STORIES} >= expected
    assert len(set(MADE)) > 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_named_within_a_sentence_is_there(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands and options in passing: the parser must know them."""

    def refuse(_: argparse.ArgumentParser, message: str) -> None:
        raise AssertionError(message)

    monkeypatch.setattr(command_line.Parser, "error", refuse)
    for words in INLINE.findall(page.read_text(encoding="utf-8")):
        command, *arguments = words.split()
        if command != "CODE":
            is_whole = (arguments and not arguments[-1].startswith("--")) or command in (
                "doctor",
                "status",
                "keepalive",
            )
            with suppress(SystemExit):  # of --help
                assert command_line.parser().parse_args([command, *arguments, *([] if is_whole else [NAME])])


def test_the_client_for_keycloak_is_the_one_that_setup_prints() -> None:
    """`setup --admin --json`, for a Harbor whose client is called harbor."""
    text = (REPOSITORY / "docs" / "administrators.md").read_text(encoding="utf-8")
    [shown] = [found for found in map(json.loads, re.findall(r"```json\n(.+?)```", text, re.S)) if "clientId" in found]
    redirect = LoginRedirect("https://sso.example.com/realms/dev/protocol/openid-connect/auth", "harbor", ())
    seen = FirstLook(SystemInfo("oidc_auth", "", None), redirect, None, None)
    assert shown == admin_guide.keycloak_client(Registry(NAME, f"https://{NAME}"), seen)


class TestCollecting:
    def test_fences_and_indented_lines(self) -> None:
        text = "a\n\n```sh\none   # why\n\ntwo\nthree\n```\n\n    four\n    five\n\n```toml\nsix\n    seven\n```\n"
        found = shell_blocks.of_page(PAGES[0], text)
        assert [block.commands for block in found] == [("one   # why",), ("two", "three"), ("four", "five")]
        assert str(found[1]) == "README.md:6"

    @pytest.mark.parametrize("kind", ["", "bash", "console", "shell"])
    def test_a_fence_in_which_a_command_might_hide_is_refused(self, kind: str) -> None:
        with pytest.raises(ValueError, match=r"README\.md:1: a fence"):
            shell_blocks.of_page(PAGES[0], f"```{kind}\nrm\n```\n")
