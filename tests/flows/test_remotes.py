"""Where Docker, its engine, the helper and the person are not in one place: docs/containers.md.

VS Code and Windows cannot be had here: what the one does with a container's requests is done by `tests/lab/forwarding`,
and of the other there are the variables, the files and the names of programs that a WSL distribution has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import devcontainer, forwarding, ordinary_user, other_user, rootless, ssh
from tests.lab.container import Container, empty_image, programs_here
from tests.lab.forwarding import Forwarding
from tests.lab.rootless import RootlessEngine
from tests.lab.sealed_home import NAME, installed_program
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import MakeDesk
    from tests.lab.desk import Desk
    from tests.lab.docker import DockerEngine
    from tests.lab.workplace import Workplace

EMPTY = "lab/nothing:1"
SOCKET = "/var/run/docker.sock"
IN_CONTAINER = {"HOME": "/root", "PATH": "/forwarded:/usr/local/bin:/usr/bin:/bin", "REMOTE_CONTAINERS": "true"}
DESKTOP, SSH = {"DISPLAY": ":7"}, {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
CAUSE = "needs a sign-in and nobody can be asked here"


def pair_in(answer: forwarding.Answer) -> tuple[str, str]:
    assert answer.code == 0, answer
    pair = json.loads(answer.stdout)
    return pair["Username"], pair["Secret"]


def socket_of(engine: DockerEngine) -> Path:
    return Path(engine.host.removeprefix("unix://"))


@pytest.fixture
def host(workplace: Workplace) -> Iterator[Forwarding]:
    """The computer where VS Code runs; the helper is in Docker's configuration there."""
    with forwarding_of(workplace) as side:
        yield side


def forwarding_of(workplace: Workplace) -> Forwarding:
    config = workplace.helper.home.docker_config / "config.json"
    config.write_text(json.dumps({"credHelpers": {workplace.name: "harbor"}}))
    return Forwarding(workplace.helper.home)


class TestAskedByVSCode:
    """No terminal, another PATH, another folder, and a standard error that nobody looks at."""

    @pytest.mark.parametrize("reads_errors", [True, False], ids=["unread", "closed"])
    def test_on_a_desktop_the_browser_opens(
        self, workplace: Workplace, host: Forwarding, *, reads_errors: bool
    ) -> None:
        host.environment |= DESKTOP
        host.open_by("xdg-open", workplace.person.browser_command)

        def pair() -> tuple[str, str]:
            return pair_in(host.call("get", workplace.name, reads_errors=reads_errors))

        cold = pair()
        assert workplace.person.windows == 1
        assert pair() == cold
        assert workplace.person.windows == 1, "warm"
        workplace.harbor.kill_stored_token("alice-h")
        workplace.end_trust_window()
        assert pair() == cold
        assert workplace.person.windows == 2, "Harbor's side had died"

    @pytest.mark.parametrize("reads_errors", [True, False], ids=["unread", "closed"])
    def test_over_ssh_nobody_is_asked_and_status_tells(
        self, workplace: Workplace, host: Forwarding, *, reads_errors: bool
    ) -> None:
        host.environment |= SSH
        answer = host.call("get", workplace.name, reads_errors=reads_errors)
        assert (answer.code, answer.stdout) == (1, f"{forwarding.NOT_FOUND}\n")
        assert workplace.person.windows == 0
        told = workplace.helper.run("status").stdout.splitlines()[0]
        assert told.startswith(f"{workplace.name}: the last pull had no pair, just now, by ")
        assert f"{CAUSE} (this is an SSH session without a display of its own, and no terminal to write to)" in told

    def test_over_ssh_after_a_login_in_a_terminal(self, workplace: Workplace, host: Forwarding) -> None:
        assert workplace.helper.run("login").returncode == 0
        host.environment |= SSH
        pair = pair_in(host.call("get", workplace.name))
        workplace.end_trust_window()
        assert pair_in(host.call("get", workplace.name)) == pair
        assert workplace.person.windows == 1
        workplace.harbor.kill_stored_token("alice-h")
        workplace.end_trust_window()
        assert host.call("get", workplace.name).code == 1, "that needs a browser again"

    def test_docker_login_and_logout_in_there_are_for_the_host(self, workplace: Workplace, host: Forwarding) -> None:
        robot = {"ServerURL": workplace.name, "Username": "robot$ci", "Secret": "Robot-Secret-1"}
        assert host.call("store", json.dumps(robot)).code == 0
        assert pair_in(host.call("get", workplace.name)) == ("robot$ci", "Robot-Secret-1")
        assert host.call("erase", workplace.name).code == 0
        assert host.call("get", workplace.name).code == 1
        assert workplace.person.windows == 0


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    """Set up, an image published, nobody signed in."""
    desk = make_desk()
    desk.workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
    desk.set_up()
    desk.publish()
    return desk


@pytest.fixture
def make_container(docker_engine: DockerEngine) -> Iterator[Callable[..., Container]]:
    """Makes containers with docker in them and the engine's socket: `make_container(mounts, helper=…)`."""
    empty_image(docker_engine, EMPTY)
    made = []

    def make(mounts: dict[Path, str], *, helper: bool = False) -> Container:
        socket = {socket_of(docker_engine): SOCKET}
        made.append(Container(docker_engine, EMPTY, {**programs_here(helper=helper), **socket, **mounts}))
        return made[-1]

    yield make
    for container in made:
        container.__exit__(None, None, None)
    docker_engine.forget_image(EMPTY)


class TestDevContainer:
    """Docker in a container whose requests for pairs are forwarded, with the host's engine."""

    def test_a_pull_opens_one_window_on_the_host(self, desk: Desk, make_container: Callable[..., Container]) -> None:
        person = desk.workplace.person
        with forwarding_of(desk.workplace) as host:
            host.environment |= DESKTOP
            host.open_by("xdg-open", person.browser_command)
            (host.in_container / "config.json").write_text(json.dumps({"credsStore": forwarding.ID}))
            container = make_container({host.in_container: "/forwarded"})
            inside = {**IN_CONTAINER, "DOCKER_CONFIG": "/forwarded", "REMOTE_CONTAINERS_IPC": "/forwarded/socket"}
            for _ in range(2):
                desk.engine.forget_image(desk.image)
                done = container.run("docker", "pull", desk.image, **inside)
                assert done.returncode == 0, done.stdout + done.stderr
                assert person.windows == 1
            del inside["REMOTE_CONTAINERS_IPC"]  # as in `docker exec`, or a service of the container's
            desk.engine.forget_image(desk.image)
            done = container.run("docker", "pull", desk.image, **inside)
            assert done.returncode != 0
            assert "access to the resource is denied" in done.stderr
            assert person.windows == 1


class TestDevContainerCommand:
    """npm's @devcontainers/cli looks a private feature up, and shows nothing of what the helper says."""

    def test_a_feature_in_a_private_project(self, make_desk: MakeDesk, tmp_path: Path) -> None:
        need("devcontainer", devcontainer.HOW_TO_INSTALL, not devcontainer.missing())
        desk = make_desk(harbor={"host": "localhost"})
        place, robot = desk.workplace, ("robot$builder", "Builder-Secret-1")
        place.harbor.add_robot(*robot)
        feature = devcontainer.publish_feature(tmp_path, place.name, "demo", robot)
        desk.set_up()

        def look_up(**env: str) -> subprocess.CompletedProcess[str]:
            return devcontainer.features(["info", "tags", feature], {**place.helper.home.environment, **env})

        refused = look_up(CI="1")
        assert refused.returncode != 0
        assert NAME not in refused.stdout + refused.stderr
        assert CAUSE in place.helper.run("status").stdout.splitlines()[0]
        for _ in range(2):
            found = look_up()
            assert found.returncode == 0, found.stdout + found.stderr
            assert "1.0.0" in found.stdout
            assert place.person.windows == 1


class TestSocketOfTheHost:
    """Docker-outside-of-Docker: the command line in a container, the engine outside."""

    def test_the_hosts_configuration_is_of_no_use_there(
        self, desk: Desk, make_container: Callable[..., Container]
    ) -> None:
        """Not where it lies on the host, and as little when it is mounted: no helper is there."""
        assert desk.workplace.helper.run("login").returncode == 0
        bare = make_container({})
        mounted = make_container({desk.workplace.helper.home.docker_config: "/root/.docker"})
        for container in (bare, mounted):
            desk.engine.forget_image(desk.image)
            done = container.run("docker", "pull", desk.image, **IN_CONTAINER)
            assert done.returncode != 0
            assert "access to the resource is denied" in done.stderr
            assert NAME not in done.stderr

    def test_a_helper_in_the_container_signs_in_there(
        self, desk: Desk, make_container: Callable[..., Container]
    ) -> None:
        """By $BROWSER, as in VS Code's terminals; the host's own sign-in is another one."""
        person, name = desk.workplace.person, desk.workplace.name
        browser = Path(person.browser_command)
        container = make_container({browser.parent: str(browser.parent)}, helper=True)
        place = f"{installed_program().parent}:{IN_CONTAINER['PATH']}"
        inside = {**IN_CONTAINER, "PATH": place, "DOCKER_CREDENTIAL_HARBOR_STORAGE": "file"}
        done = container.run(NAME, "setup", "--no-login", desk.workplace.harbor.url, **inside)
        assert done.returncode == 0, done.stderr
        done = container.run("docker", "pull", desk.image, **inside)
        assert done.returncode != 0
        assert f"{CAUSE} (this is a dev container and $BROWSER is not set, and no terminal to write to)" in done.stderr
        done = container.run("docker", "pull", desk.image, BROWSER=str(browser), **inside)
        assert done.returncode == 0, done.stdout + done.stderr
        assert person.windows == 1
        [row] = json.loads(desk.workplace.helper.run(["status", "--json"]).stdout)["registries"]
        assert (row["registry"], row["state"]) == (name, "signed-out")


class TestRootlessEngine:
    """A real one, of a user who is not root."""

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[DockerEngine]:
        need("rootless Docker engine", rootless.INSTALL, not rootless.missing())
        with RootlessEngine.start(tmp_path) as engine:
            yield engine
        other_user.leave_nothing(ordinary_user.UID)

    def test_it_is_the_users_own_configuration_and_helper(self, desk: Desk, engine: DockerEngine) -> None:
        home = desk.workplace.helper.home
        ordinary_user.give(home.path.parent)
        command = [*ordinary_user.command(), str(shutil.which("docker")), "pull", desk.image]
        environment = {**home.environment, "DOCKER_HOST": engine.host}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        assert desk.workplace.person.windows == 1
        assert "rootless" in engine.run("info", "--format", "{{.SecurityOptions}}").stdout
        made = [path for path in home.folders["XDG_DATA_HOME"].rglob("*") if path.is_file()]
        assert made
        assert {path.stat().st_uid for path in made} == {ordinary_user.UID}


class TestEngineOverSsh:
    """`DOCKER_HOST=ssh://`: the command line, helper and browser stay on the person's computer."""

    def test_the_computers_own_helper_is_asked(self, desk: Desk, tmp_path: Path) -> None:
        need("ssh", "apt-get install openssh-client openssh-server", not ssh.missing())
        programs = tmp_path / "bin"
        programs.mkdir()
        options = f"-F none -i {tmp_path}/person -o StrictHostKeyChecking=no -o UserKnownHostsFile={tmp_path}/known"
        (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
        (programs / "ssh").chmod(0o755)
        home = desk.workplace.helper.home
        with ssh.server(tmp_path) as port:
            place = f"ssh://root@127.0.0.1:{port}{socket_of(desk.engine)}"
            path = f"{programs}:{home.environment['PATH']}"
            environment = {**home.environment, "DOCKER_HOST": place, "PATH": path}
            command = ["docker", "pull", desk.image]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr
        assert desk.workplace.person.windows == 1


class TestSudo:
    """Debian's sudo, with a user database and rules of the test's own over this machine's, in a mount namespace."""

    USER = "person"

    @pytest.fixture(autouse=True)
    def _sudo(self) -> None:
        need("sudo", "apt-get install sudo", shutil.which("sudo"))
        need("root, for mount namespaces", "run the tests as root", os.geteuid() == 0)

    def pull(self, desk: Desk, folder: Path, *rules: str) -> tuple[int, str]:
        """`sudo docker pull`, entered by an ordinary user in the sealed home. Root's home is in `folder`."""
        root, home = folder / "root", desk.workplace.helper.home
        root.mkdir(exist_ok=True)
        users = {"root": (0, root), self.USER: (ordinary_user.UID, home.path)}
        path = f"{installed_program().parent}:{Path(str(shutil.which('docker'))).parent}:/usr/bin:/bin"
        entered = [f'Defaults secure_path="{path}"', *rules, f"{self.USER} ALL=(ALL) NOPASSWD: ALL"]
        files = {
            "passwd": "".join(f"{name}:x:{uid}:{uid}::{place}:/bin/sh\n" for name, (uid, place) in users.items()),
            "shadow": "".join(f"{name}:*:19000:0:99999:7:::\n" for name in users),
            "sudoers": "\n".join([*entered, ""]),
        }
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644 if name == "passwd" else 0o440)
        mounts = [f"mount --bind {folder}/{name} /etc/{name}" for name in files]
        person = f"setpriv --reuid={ordinary_user.UID} --regid={ordinary_user.UID} --clear-groups"
        line = f'{person} sudo docker --host "$1" pull "$2"'
        script = " && ".join([*mounts, line])
        command = ["unshare", "--mount", "sh", "-c", script, "sh", desk.engine.host, desk.image]
        with Terminal(command, home.environment) as terminal:
            return terminal.wait(), terminal.text

    def test_root_has_another_home_and_nobody_is_asked(self, desk: Desk, tmp_path: Path) -> None:
        assert desk.workplace.helper.run("login").returncode == 0
        status, shown = self.pull(desk, tmp_path)
        assert status != 0
        assert "access to the resource is denied" in shown
        assert NAME not in shown

    def test_with_home_kept_the_helper_is_asked_as_root(self, desk: Desk, tmp_path: Path) -> None:
        home = desk.workplace.helper.home
        ordinary_user.give(home.path)
        status, shown = self.pull(
            desk, tmp_path, 'Defaults env_keep += "HOME BROWSER DOCKER_CREDENTIAL_HARBOR_STORAGE"'
        )
        assert status == 0, shown
        assert "opening a browser to sign in" in shown
        owned = [path for path in home.path.rglob("*") if path.is_file() and path.stat().st_uid == 0]
        assert owned, "files that the user cannot change"


class TestWsl:
    """Simulated: the variables and the names of the programs that a distribution with Docker Desktop has."""

    @pytest.fixture
    def desk(self, make_desk: MakeDesk) -> Desk:
        """Docker Desktop was there before `setup`."""
        desk = make_desk()
        config = desk.workplace.helper.home.docker_config / "config.json"
        config.write_text('{"credsStore": "desktop.exe"}')
        desk.set_up()
        assert json.loads(config.read_text())["credsStore"] == "desktop.exe"
        desk.publish()
        return desk

    @pytest.fixture
    def side(self, desk: Desk) -> Iterator[Forwarding]:
        """The distribution, by its environment; Docker Desktop's helper notes for whom it is asked, and has nothing."""
        with Forwarding(desk.workplace.helper.home) as side:
            program = side.programs / "docker-credential-desktop.exe"
            program.write_text(f'#!/bin/sh\ncat >> {side.folder}/asked\necho "{forwarding.NOT_FOUND}"\nexit 1\n')
            program.chmod(0o755)
            side.environment |= {"WSL_DISTRO_NAME": "Debian", "DISPLAY": ":0", "DOCKER_HOST": desk.engine.host}
            yield side

    @pytest.mark.parametrize("opener", ["wslview", "rundll32.exe"])
    def test_both_helpers_side_by_side_and_the_browser_of_windows(
        self, desk: Desk, side: Forwarding, opener: str
    ) -> None:
        def pull(image: str) -> subprocess.CompletedProcess[str]:
            command = [str(shutil.which("docker")), "pull", image]
            return subprocess.run(
                command, env=side.environment, capture_output=True, text=True, start_new_session=True, timeout=100
            )

        side.open_by(opener, desk.workplace.person.browser_command)
        done = pull(desk.image)
        assert done.returncode == 0, done.stderr
        assert desk.workplace.person.windows == 1
        asked = side.folder / "asked"
        assert not asked.exists()
        pull("127.0.0.1:1/a:1")
        assert asked.read_text() == "127.0.0.1:1"
