"""`setup --system`: the site-wide configuration, and the clients' files in the folder that new homes are copied from.

It runs for real, as root, in a mount namespace of its own (unshare(1)) where /etc/skel is a folder of the test's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.entry import command_line
from docker_credential_harbor.entry.commands import setup
from docker_credential_harbor.errors import EXIT_USAGE, SystemSetupElsewhere
from tests.conftest import need
from tests.lab.sealed_home import installed_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeDesk
    from tests.lab.desk import Desk
    from tests.lab.helm import Helm
    from tests.lab.sealed_home import Home

NAME = "harbor.example.com"
CLIENTS = (".docker/config.json", ".config/containers/auth.json", ".config/helm/registry/config.json")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Machine:
    """A machine as far as the command sees it: its site-wide folder, its /etc/skel, and root's home."""

    def __init__(self, home: Home, program: str, skeleton: Path) -> None:
        self.home = home
        self.program = program
        self.skeleton = skeleton
        self.site = home.folders["XDG_CONFIG_DIRS"] / "docker-credential-harbor" / "config.toml"
        skeleton.mkdir(mode=0o755)

    def set_up(self, *arguments: str, umask: int = 0o022, user: str = "") -> subprocess.CompletedProcess[str]:
        inside = [self.program, "setup", "--system", *arguments]
        script = f'mount --bind "$1" /etc/skel && umask {umask:o} && exec {user} {shlex.join(inside)}'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", str(self.skeleton)]
        return subprocess.run(
            command, env=self.home.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    def must(self, *arguments: str, umask: int = 0o022) -> str:
        done = self.set_up(*arguments, umask=umask)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def refused(self, *arguments: str, user: str = "") -> str:
        """The one line that it says."""
        done = self.set_up(*arguments, user=user)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert line.startswith("docker-credential-harbor: ")
        return line

    def client(self, place: str) -> dict[str, Any]:
        return dict(json.loads((self.skeleton / place).read_text()))

    def state(self) -> dict[str, tuple[bytes, int, int]]:
        """All that could have been changed, with the instant and the file's number."""
        files = [path for path in (*self.skeleton.rglob("*"), *self.site.parent.rglob("*")) if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in files}


@pytest.fixture
def machine(home: Home, tmp_path: Path) -> Machine:
    need("root, for unshare", "run the tests as root", os.geteuid() == 0)
    need("unshare", "apt-get install util-linux", shutil.which("unshare"))
    return Machine(home, str(installed_program()), tmp_path / "skel")


class TestNewUser:
    """A home that is copied from there, and a client in it that has nothing but its own file. Docker's: in an image."""

    @pytest.fixture
    def desk(self, make_desk: MakeDesk, machine: Machine) -> Desk:
        desk = make_desk()
        machine.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
        machine.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
        machine.must(desk.workplace.harbor.url)
        return desk

    def move_in(self, machine: Machine, client: str) -> None:
        """As useradd does it; the other clients' files are left out."""
        path = machine.home.path / client
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(machine.skeleton / client, path)

    @pytest.mark.parametrize("client", [CLIENTS[1], CLIENTS[0]])
    def test_skopeo(self, desk: Desk, machine: Machine, client: str) -> None:
        """Docker's file serves it, too, as for users whom `setup` has set up."""
        need("skopeo", "apt-get install skopeo", shutil.which("skopeo"))
        self.move_in(machine, client)
        desk.publish()
        command = ["skopeo", "inspect", "--tls-verify=false", f"docker://{desk.image}"]
        done = subprocess.run(command, env=machine.home.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["RepoTags"] == ["1"]
        assert "opening a browser to sign in at" in done.stderr
        assert (desk.workplace.person.windows, desk.workplace.person.forms) == (1, 1)

    def test_helm(self, desk: Desk, machine: Machine, make_helm: Callable[[], Helm], tmp_path: Path) -> None:
        self.move_in(machine, CLIENTS[2])
        helm = make_helm()
        archive = helm.package(tmp_path)
        assert "opening a browser to sign in at" in helm.must(
            "push", str(archive), f"oci://{desk.workplace.name}/demo", "--plain-http"
        )
        assert (desk.workplace.person.windows, desk.workplace.person.forms) == (1, 1)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_all_that_a_new_user_needs(machine: Machine, umask: int) -> None:
    said = machine.must("Harbor.example.com", umask=umask)
    assert machine.site.read_text() == f'[registries."{NAME}"]\n'
    assert (mode_of(machine.site), mode_of(machine.site.parent)) == (0o644, 0o755)
    for place in CLIENTS:
        assert machine.client(place) == {"credHelpers": {NAME: "harbor"}}
        assert mode_of(machine.skeleton / place) == 0o600, "Docker keeps the mode when it writes a secret into it"
        assert f"this helper entered for {NAME} into /etc/skel/{place}\n" in said
    folders = {path for path in machine.skeleton.rglob("*") if path.is_dir()}
    assert {mode_of(folder) for folder in folders} == {0o700}
    assert said.splitlines()[-1].endswith(f"Those who exist run: docker-credential-harbor setup {NAME}")


def test_nothing_of_roots_own_is_touched(machine: Machine) -> None:
    machine.must(NAME)
    assert [path for path in machine.home.path.rglob("*") if path.is_file()] == []


def test_a_second_time_changes_nothing_and_says_so(machine: Machine) -> None:
    machine.must(NAME)
    before = machine.state()
    said = machine.must(f"https://{NAME}/")
    assert machine.state() == before
    assert " entered " not in said
    assert said.count("already") == 4


def test_what_is_there_is_kept(machine: Machine) -> None:
    machine.site.parent.mkdir(mode=0o755)
    machine.site.write_text(f'# ours\ntimeout = 5  # seconds\n\n[registries."{NAME}"]\nclient_id = ""  # none here\n')
    written = machine.site.read_text()
    docker = machine.skeleton / CLIENTS[0]
    docker.parent.mkdir(mode=0o755)
    docker.write_text('{"auths": {"b": {}}, "credHelpers": {"gcr.io": "gcloud"}, "psFormat": "x"}')
    docker.chmod(0o644)
    said = machine.must(NAME)
    assert f"{NAME} is configured already" in said
    assert machine.site.read_text() == written
    after = machine.client(CLIENTS[0])
    assert after == {"auths": {"b": {}}, "credHelpers": {"gcr.io": "gcloud", NAME: "harbor"}, "psFormat": "x"}
    machine.must("other.example.com")
    assert machine.site.read_text().startswith(written)
    assert '[registries."other.example.com"]' in machine.site.read_text()


def test_roots_own_configuration_counts_for_nothing(machine: Machine) -> None:
    own = machine.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
    own.parent.mkdir()
    own.write_text(f'[registries."{NAME}"]\n')
    machine.must(NAME)
    assert NAME in machine.site.read_text()
    own.write_text("broken = \n")
    assert "already" in machine.must(NAME)


def test_a_loopback_url_is_kept(machine: Machine) -> None:
    machine.must("http://127.0.0.1:5000")
    assert 'url = "http://127.0.0.1:5000"' in machine.site.read_text()
    assert machine.client(CLIENTS[1]) == {"credHelpers": {"127.0.0.1:5000": "harbor"}}


@pytest.mark.parametrize("place", CLIENTS)
def test_a_broken_file_is_named_and_nothing_is_written(machine: Machine, place: str) -> None:
    path = machine.skeleton / place
    path.parent.mkdir(parents=True)
    path.write_text('{"auths": {,}\n')
    before = machine.state()
    assert f"/etc/skel/{place}:1 cannot be used: it is not JSON" in machine.refused(NAME)
    assert machine.state() == before


def test_a_broken_site_configuration_is_named(machine: Machine) -> None:
    machine.site.parent.mkdir()
    machine.site.write_text("timeout = 5\ntimeuot = 6\n")
    assert "config.toml:2: unknown key 'timeuot'" in machine.refused(NAME)
    assert list(machine.skeleton.iterdir()) == []


def test_a_site_configuration_for_root_alone_is_named(machine: Machine) -> None:
    """As COPY leaves one that was made under umask 077: every user's `get` would find a broken configuration."""
    machine.site.parent.mkdir(mode=0o755)
    machine.site.write_text("timeout = 5\n")
    machine.site.chmod(0o600)
    line = machine.refused(NAME)
    assert f"{machine.site} is closed" in line
    assert f"chmod 644 {machine.site}" in line
    machine.site.chmod(0o640)
    machine.must(NAME)
    assert mode_of(machine.site) == 0o640, "for a group: the administrator's to say"
    machine.site.parent.chmod(0o700)
    assert f"chmod 755 {machine.site.parent}" in machine.refused(NAME)


def test_not_root(machine: Machine) -> None:
    """In a user namespace that maps nobody to root."""
    line = machine.refused(NAME, user="unshare --user --")
    assert "needs root: run it as root" in line
    assert list(machine.skeleton.iterdir()) == []


def test_what_cannot_be_written_is_named(machine: Machine) -> None:
    (machine.skeleton / ".docker").write_text("")
    assert "/etc/skel/.docker/config.json cannot be written" in machine.set_up(NAME).stderr


@pytest.mark.parametrize("registry", ["http://harbor.example.com", "https://a:b@h", "oci://h", "a b", ""])
def test_what_is_no_registry_is_refused(machine: Machine, registry: str) -> None:
    assert "the server URL is not acceptable" in machine.refused(registry)
    assert list(machine.skeleton.iterdir()) == []


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_one_line_says_so(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", platform)
    arguments = command_line.parser("setup").parse_args(["setup", "--system", NAME])
    with pytest.raises(SystemSetupElsewhere, match=r"for Linux only: run .* as each user") as caught:
        setup.run(arguments)
    assert caught.value.exit_status == EXIT_USAGE


def test_that_these_users_lose_the_systems_own_store_is_told(machine: Machine, tmp_path: Path) -> None:
    """Whether it will work in their sessions nobody knows, so none is entered."""
    programs = tmp_path / "bin"
    programs.mkdir()
    machine.home.environment["PATH"] = f"{programs}:/usr/sbin:/sbin"
    for program in ("unshare", "mount", "sh"):
        (programs / program).symlink_to(str(shutil.which(program)))
    assert "by themselves no more" not in machine.must(NAME)
    (programs / "docker-credential-secretservice").write_text("")
    (programs / "docker-credential-secretservice").chmod(0o755)
    told = "docker and Helm look for docker-credential-secretservice by themselves no more"
    assert told in machine.must(NAME)
    assert machine.client(CLIENTS[0]) == machine.client(CLIENTS[2]) == {"credHelpers": {NAME: "harbor"}}
