"""What `setup` writes where; `--no-login` leaves Harbor out of it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.sealed_home import Helper
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

NAME = "harbor.example.com"


class TestFiles:
    """What is written where; `--no-login` leaves Harbor out of it."""

    @pytest.fixture
    def fresh(self, helper: Helper) -> Helper:
        """A new user's home: no file of ours, none of Docker's."""
        return helper

    def ours(self, helper: Helper) -> str:
        return (helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml").read_text()

    def theirs(self, helper: Helper) -> dict[str, Any]:
        return dict(json.loads((helper.home.docker_config / "config.json").read_text()))

    def test_it_writes_both_configurations(self, fresh: Helper) -> None:
        answer = fresh.run(["setup", "--no-login", "Harbor.example.com"])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"Next: docker-credential-harbor login {NAME}" in answer.stdout
        assert self.ours(fresh) == f'[registries."{NAME}"]\n'
        assert self.theirs(fresh) == {"credHelpers": {NAME: "harbor"}}

    def test_a_second_time_changes_nothing(self, fresh: Helper) -> None:
        fresh.run(["setup", "--no-login", NAME])
        before = (self.ours(fresh), self.theirs(fresh))
        answer = fresh.run(["setup", "--no-login", f"https://{NAME}/"])
        assert answer.returncode == 0
        assert "configured already" in answer.stdout
        assert (self.ours(fresh), self.theirs(fresh)) == before

    def test_comments_and_other_registries_are_kept(self, fresh: Helper) -> None:
        file = fresh.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.parent.mkdir()
        file.write_text('# mine\ntimeout = 5  # seconds\n\n[registries."a"]\nclient_id = "x"  # theirs\n')
        (fresh.home.docker_config / "config.json").write_text(
            '{"auths": {"b": {}}, "credHelpers": {"gcr.io": "gcloud"}}'
        )
        assert fresh.run(["setup", "--no-login", NAME]).returncode == 0
        assert self.ours(fresh).startswith(file.read_text()[:60])
        assert "# mine" in self.ours(fresh)
        assert "# theirs" in self.ours(fresh)
        assert f'[registries."{NAME}"]' in self.ours(fresh)
        assert self.theirs(fresh) == {"auths": {"b": {}}, "credHelpers": {"gcr.io": "gcloud", NAME: "harbor"}}

    def test_a_loopback_url_is_kept(self, fresh: Helper) -> None:
        assert fresh.run(["setup", "--no-login", "http://127.0.0.1:5000"]).returncode == 0
        assert 'url = "http://127.0.0.1:5000"' in self.ours(fresh)
        assert self.theirs(fresh) == {"credHelpers": {"127.0.0.1:5000": "harbor"}}

    def test_files_of_other_clients_that_are_there(self, fresh: Helper) -> None:
        """podman, skopeo and Helm look there before they look into Docker's."""
        config = fresh.home.folders["XDG_CONFIG_HOME"]
        places = [
            fresh.home.folders["XDG_RUNTIME_DIR"] / "containers" / "auth.json",
            config / "containers" / "auth.json",
            config / "helm" / "registry" / "config.json",
        ]
        for place in places[1:]:
            place.parent.mkdir(parents=True)
            place.write_text('{"auths": {}}\n')
        assert fresh.run(["setup", "--no-login", NAME]).returncode == 0
        assert not places[0].exists()
        for place in places[1:]:
            assert json.loads(place.read_text()) == {"auths": {}, "credHelpers": {NAME: "harbor"}}

    def test_a_dry_run_shows_it_and_writes_nothing(self, fresh: Helper) -> None:
        before = {path: path.read_bytes() for path in fresh.home.path.rglob("*") if path.is_file()}
        answer = fresh.run(["setup", "--dry-run", "--no-login", NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f'  + registries."{NAME}"\n' in answer.stdout
        assert f'  + credHelpers."{NAME}" = "harbor"\n' in answer.stdout
        assert {path: path.read_bytes() for path in fresh.home.path.rglob("*") if path.is_file()} == before
        fresh.run(["setup", "--no-login", NAME])
        assert fresh.run(["setup", "--dry-run", "--no-login", NAME]).stdout == "nothing would change\n"
        answer = fresh.run(["setup", "--dry-run", "--undo", NAME])
        assert f'  - registries."{NAME}"\n' in answer.stdout
        assert self.theirs(fresh) == {"credHelpers": {NAME: "harbor"}}

    def test_undo_takes_it_all_back(self, workplace: Workplace) -> None:
        helper = workplace.helper
        del helper.home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"]
        theirs = helper.home.docker_config / "config.json"
        theirs.write_text('{\n  "credHelpers": {\n    "gcr.io": "gcloud"\n  }\n}\n')
        file = helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.parent.mkdir()
        file.write_text('# mine\nstorage = "file"\n')
        before = (theirs.read_text(), file.read_text())
        helper.run(["setup", "--no-login", workplace.harbor.url])
        _, secret = workplace.pair()
        answer = helper.run(["setup", "--undo", workplace.name])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"signed out of {workplace.name}" in answer.stdout
        assert (theirs.read_text(), file.read_text().rstrip("\n") + "\n") == before
        assert workplace.files_with(secret) == []
        again = helper.run(["setup", "--undo", workplace.name])
        assert again.returncode == 0
        assert f"{workplace.name} is not in" in again.stdout

    @pytest.mark.parametrize("registry", ["http://harbor.example.com", "https://a:b@h", "oci://h", "a b", ""])
    def test_what_is_no_registry_is_refused(self, fresh: Helper, registry: str) -> None:
        answer = fresh.run(["setup", "--no-login", registry])
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        assert not (fresh.home.docker_config / "config.json").exists()

    def test_a_broken_docker_config_is_named_and_nothing_is_written(self, fresh: Helper) -> None:
        (fresh.home.docker_config / "config.json").write_text('{"auths": {,}\n')
        answer = fresh.run(["setup", "--no-login", NAME])
        assert answer.returncode == 1
        assert "config.json:1 cannot be used: it is not JSON" in answer.stderr
        assert not (fresh.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor").exists()

    @pytest.mark.parametrize("linked", [False, True])
    def test_what_cannot_be_written_leaves_all_as_it_was(self, fresh: Helper, linked: bool) -> None:
        """Docker's file is mounted there, as containers do it: it can be read, and not be replaced."""
        need("root, for unshare", "run the tests as root", os.geteuid() == 0)
        theirs = fresh.home.docker_config / "config.json"
        place = fresh.home.path / "elsewhere.json" if linked else theirs
        place.write_text('{"auths": {}}')
        if linked:
            theirs.symlink_to(place)
        mounted = ["sh", "-c", 'mount --bind -o ro "$1" "$1" && shift && exec "$@"', "sh", str(place)]
        command = ["unshare", "--mount", *mounted, fresh.program, "setup", "--no-login", NAME]
        done = subprocess.run(command, env=fresh.home.environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert "[mounted-file]" in line
        assert f"{place} is mounted by itself" in line or f"{theirs} is mounted by itself" in line
        assert not (fresh.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml").exists()

    def test_twenty_at_once_lose_nothing(self, fresh: Helper) -> None:
        names = [f"h{number}.example.com" for number in range(20)]
        for option in ("--no-login", "--undo"):
            started = [fresh.start(["setup", option, name]) for name in names]
            ended = [process.communicate(timeout=60) for process in started]
            assert {process.returncode for process in started} == {0}, ended
            if option == "--no-login":
                assert self.theirs(fresh) == {"credHelpers": dict.fromkeys(names, "harbor")}
                assert all(f'[registries."{name}"]' in self.ours(fresh) for name in names)
        assert not (fresh.home.docker_config / "config.json").exists()

    def test_another_helper_is_named_where_it_is_replaced(self, fresh: Helper) -> None:
        (fresh.home.docker_config / "config.json").write_text(json.dumps({"credHelpers": {NAME: "pass"}}))
        answer = fresh.run(["setup", "--no-login", NAME])
        assert answer.returncode == 0
        assert "instead of 'pass', which --undo does not bring back" in answer.stdout
        assert self.theirs(fresh) == {"credHelpers": {NAME: "harbor"}}

    def test_that_docker_cannot_find_the_helper_is_told(self, fresh: Helper) -> None:
        answer = fresh.run(["setup", "--no-login", NAME], env={"PATH": "/usr/bin:/bin"})
        assert answer.returncode == 0
        [line] = answer.stderr.splitlines()
        assert "is not on PATH, so no client can run it: put docker-credential-harbor into a folder on PATH" in line

    def test_a_secret_of_an_earlier_login_is_told(self, fresh: Helper) -> None:
        auths = {f"https://{NAME}": {"auth": base64.b64encode(b"me:other-secret").decode()}}
        (fresh.home.docker_config / "config.json").write_text(json.dumps({"auths": auths}))
        answer = fresh.run(["setup", "--no-login", NAME])
        assert f"still holds a pair for {NAME} in plain text" in answer.stdout
        assert self.theirs(fresh) == {"auths": auths, "credHelpers": {NAME: "harbor"}}

    def test_what_was_stored_before_is_taken_over_and_erased(self, fresh: Helper) -> None:
        """As `credsStore` the helper kept it for a server that no configuration named."""
        env = {"DOCKER_CREDENTIAL_HARBOR_STORAGE": "file"}
        pair = {"ServerURL": NAME, "Username": "robot$ci", "Secret": "s"}
        assert fresh.run("store", json.dumps(pair), env=env).returncode == 0
        assert fresh.run(["setup", "--no-login", NAME], env=env).returncode == 0
        assert json.loads(fresh.get(NAME, env=env).stdout) == pair
        assert json.loads(fresh.run("list", env=env).stdout) == {f"https://{NAME}": "robot$ci"}
        assert fresh.run("erase", NAME, env=env).returncode == 0
        assert fresh.run("list", env=env).stdout == "{}\n"

    def test_undo_leaves_no_empty_files(self, fresh: Helper) -> None:
        fresh.run(["setup", "--no-login", NAME])
        answer = fresh.run(["setup", "--undo", NAME])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert not (fresh.home.docker_config / "config.json").exists()
        assert not list(fresh.home.folders["XDG_CONFIG_HOME"].rglob("config.toml"))

    @pytest.mark.parametrize("content", ["{}", "{}\n", '{"auths": {}}', '{\n\t"auths": {\n\t\t"i": {}\n\t}\n}'])
    def test_undo_leaves_what_was_there_before(self, fresh: Helper, content: str) -> None:
        theirs = fresh.home.docker_config / "config.json"
        podmans = fresh.home.folders["XDG_CONFIG_HOME"] / "containers" / "auth.json"
        ours = fresh.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        for place in (theirs, podmans, ours):
            place.parent.mkdir(exist_ok=True)
            place.write_text("" if place is ours else content)
        assert fresh.run(["setup", "--no-login", NAME]).returncode == 0
        assert fresh.run(["setup", "--no-login", "h"]).returncode == 0
        for name in (NAME, "h"):
            assert fresh.run(["setup", "--undo", name]).returncode == 0
        assert (theirs.read_text(), podmans.read_text(), ours.read_text()) == (content, content, "")

    def test_undo_leaves_a_file_that_somebody_made_after_setups(self, fresh: Helper) -> None:
        theirs = fresh.home.docker_config / "config.json"
        for _ in range(2):
            fresh.run(["setup", "--no-login", NAME])
            fresh.run(["setup", "--undo", NAME])
            assert not theirs.exists()
        theirs.write_text("{}")
        fresh.run(["setup", "--no-login", NAME])
        fresh.run(["setup", "--undo", NAME])
        assert theirs.read_text() == "{}"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("--admin --system", "--admin and --system do not go together"),
            ("--admin --dry-run", "--admin and --dry-run do not go together"),
            ("--credentials-store --undo", "--credentials-store and --undo do not go together"),
            ("--undo --ca-file x", "--undo and --ca-file do not go together"),
            ("--json", "--json is of use with --admin only"),
            ("--yes", "--yes is of use with --credentials-store only"),
        ],
    )
    def test_options_that_do_not_go_together(self, fresh: Helper, options: str, said: str) -> None:
        answer = fresh.run(["setup", *options.split(), NAME])
        assert (answer.returncode, answer.stdout) == (2, "")
        assert f"[wrong-usage] {said}: try docker-credential-harbor setup --help" in answer.stderr
        assert not (fresh.home.docker_config / "config.json").exists()

    def test_a_link_stays_one(self, fresh: Helper) -> None:
        theirs = fresh.home.docker_config / "config.json"
        dotfiles = fresh.home.path / "dotfiles.json"
        dotfiles.write_text('{\n  "auths": {}\n}\n')
        theirs.symlink_to(dotfiles)
        assert fresh.run(["setup", "--no-login", NAME]).returncode == 0
        assert theirs.is_symlink()
        assert json.loads(dotfiles.read_text())["credHelpers"] == {NAME: "harbor"}


class TestOneFileForSeveralClients:
    """People have podman or Helm read Docker's own file, by a variable or a link."""

    @pytest.fixture(params=["REGISTRY_AUTH_FILE", "HELM_REGISTRY_CONFIG", "a link"])
    def shared(self, helper: Helper, request: pytest.FixtureRequest) -> Path:
        file = helper.home.docker_config / "config.json"
        file.write_text('{"psFormat": "x"}')
        if request.param == "a link":
            link = helper.home.folders["XDG_CONFIG_HOME"] / "containers" / "auth.json"
            link.parent.mkdir()
            link.symlink_to(file)
        else:
            helper.home.environment[request.param] = str(file)
        return file

    def test_it_is_changed_once(self, helper: Helper, shared: Path) -> None:
        before = shared.read_bytes()
        for options in ([], ["--credentials-store"]):
            answer = helper.run(["setup", "--no-login", *options, NAME])
            assert (answer.returncode, answer.stderr) == (0, "")
            undone = helper.run(["setup", "--undo", NAME])
            assert (undone.returncode, undone.stderr) == (0, "")
            assert shared.read_bytes() == before


class TestFoldersOfOthers:
    """A folder that is closed to this user: after `sudo docker login`, or `su` in another's session."""

    def run(self, helper: Helper, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        need("root, for setpriv", "run the tests as root", os.geteuid() == 0)
        need("setpriv", "apt-get install util-linux", shutil.which("setpriv"))
        without_rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        environment = {**helper.home.environment, **variables}
        command = [*without_rights, helper.program, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    @pytest.fixture
    def closed(self, tmp_path: Path) -> Path:
        folder = tmp_path / "another's"
        folder.mkdir(mode=0o700)
        os.chown(folder, 12345, 12345)
        return folder

    @pytest.mark.parametrize("option", ["--no-login", "--undo"])
    def test_dockers_is_told(self, helper: Helper, closed: Path, option: str) -> None:
        answer = self.run(helper, "setup", option, NAME, DOCKER_CONFIG=str(closed))
        assert answer.returncode == 1
        assert f"{closed}/config.json" in answer.stderr
        assert "[not-readable]" in answer.stderr

    def test_one_that_podman_could_not_read_either_is_let_be(self, helper: Helper, closed: Path) -> None:
        for option in ("--no-login", "--undo"):
            answer = self.run(helper, "setup", option, NAME, XDG_RUNTIME_DIR=str(closed))
            assert (answer.returncode, answer.stderr) == (0, "")
        told = self.run(helper, "setup", "--no-login", NAME, XDG_RUNTIME_DIR=str(closed)).stdout
        assert "configured" in told or "entered" in told
        assert "[unexpected]" not in self.run(helper, "doctor", NAME, XDG_RUNTIME_DIR=str(closed)).stdout
