"""`setup` for a person: what it asks, what it writes, how it ends."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need
from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.realm import HELPER_CLIENT
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.faults import FaultProxy
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
        assert f'+[registries."{NAME}"]' in answer.stdout
        assert f'+\t\t"{NAME}": "harbor"' in answer.stdout
        assert {path: path.read_bytes() for path in fresh.home.path.rglob("*") if path.is_file()} == before
        fresh.run(["setup", "--no-login", NAME])
        assert fresh.run(["setup", "--dry-run", "--no-login", NAME]).stdout == "nothing would change\n"
        answer = fresh.run(["setup", "--dry-run", "--undo", NAME])
        assert f'-[registries."{NAME}"]' in answer.stdout
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


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    """Nothing configured; alice is known to Harbor, and her browser can be opened."""
    return without_configuration(workplace)


def without_configuration(workplace: Workplace) -> Workplace:
    workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
    return workplace


def ours(workplace: Workplace) -> str:
    file = workplace.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
    return file.read_text() if file.exists() else ""


class TestSigningIn:
    def test_one_command_and_one_sign_in(self, place: Workplace) -> None:
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        first, *written, signed_in, last = answer.stdout.splitlines()
        assert first == f"{place.name}: Harbor, where people sign in at {place.realm.issuer}"
        assert len(written) == 2
        assert signed_in == f"Signed in at {place.name} as alice-h."
        assert last == f"Try it: docker pull {place.name}/PROJECT/IMAGE"
        assert "client_id" not in ours(place)
        assert (place.person.windows, place.person.forms) == (1, 1)
        place.asked()
        assert place.pair()[0] == "alice-h"
        assert place.asked() == [], "the pair was verified a moment ago"

    def test_again_changes_nothing_and_opens_nothing(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        before = ours(place)
        answer = place.helper.run(["setup", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"Signed in at {place.name} as alice-h already: Harbor accepts the pair now." in answer.stdout
        assert ours(place) == before
        assert place.person.windows == 1

    def test_again_where_harbors_side_has_died(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        place.harbor.kill_stored_token("alice-h")
        answer = place.helper.run(["setup", place.harbor.url])
        assert f"Signed in at {place.name} as alice-h again: Harbor's own sign-in had ended." in answer.stdout
        assert (place.person.windows, place.person.forms) == (2, 1)

    @pytest.mark.parametrize("variable", [{"CI": "true"}, {"DOCKER_CREDENTIAL_HARBOR_LOGIN": "never"}, {"BROWSER": ""}])
    def test_where_nobody_can_be_asked(self, place: Workplace, variable: dict[str, str]) -> None:
        answer = place.helper.run(["setup", place.harbor.url], env=variable)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.endswith(f"Next: docker-credential-harbor login {place.name}\n")
        assert place.person.windows == 0

    def test_declined_leaves_it_entered(self, place: Workplace) -> None:
        place.person.decline = True
        answer = place.helper.run(
            ["setup", place.harbor.url], env={"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": "3"}, timeout=90
        )
        assert answer.returncode == 1
        assert f"run: docker-credential-harbor login {place.name}" in answer.stderr
        assert place.name in ours(place)


class TestCompanysOwnAuthority:
    """Harbor's certificate is signed by an authority that this machine does not know."""

    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace, authority: Authority) -> Workplace:
        workplace = make_workplace(harbor={"tls": authority.server()})
        workplace.person.trust(authority.ca_file)  # type: ignore[attr-defined]
        return without_configuration(workplace)

    def test_the_line_says_how_to_trust_it_and_that_works(self, place: Workplace, authority: Authority) -> None:
        refused = place.helper.run(["setup", place.name])
        assert (refused.returncode, refused.stdout, ours(place)) == (1, "", "")
        [line] = refused.stderr.splitlines()
        assert "is not trusted (unknown authority)" in line
        assert "docker-credential-harbor setup --ca-file FILE REGISTRY" in line
        answer = place.helper.run(["setup", "--ca-file", os.path.relpath(authority.ca_file), place.name])
        assert answer.returncode == 0, answer.stderr
        assert f"Signed in at {place.name} as alice-h." in answer.stdout
        assert ours(place) == f'[registries."{place.name}"]\nca_file = "{authority.ca_file}"\n'
        assert place.pair()[0] == "alice-h"

    def test_one_that_is_entered_gets_it_and_keeps_the_rest(self, place: Workplace, authority: Authority) -> None:
        place.helper.run(["setup", "--no-login", place.name])
        file = place.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.write_text(f'{ours(place)}client_id = "of-another-name"  # mine\n')
        answer = place.helper.run(["setup", "--ca-file", str(authority.ca_file), place.name], env={"CI": "true"})
        assert answer.returncode == 0, answer.stderr
        assert "does not take the client 'of-another-name'" in answer.stdout
        assert 'client_id = "of-another-name"  # mine\n' in ours(place)
        assert f'ca_file = "{authority.ca_file}"\n' in ours(place)
        again = place.helper.run(["setup", "--no-login", place.name])
        assert f"{place.name} is configured already" in again.stdout

    @pytest.mark.parametrize("content", [None, "no certificate"])
    def test_a_file_that_is_none(self, place: Workplace, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "none.pem"
        if content:
            file.write_text(content)
        answer = place.helper.run(["setup", "--ca-file", str(file), place.name])
        assert (answer.returncode, answer.stdout, ours(place)) == (1, "", "")
        [line] = answer.stderr.splitlines()
        assert (
            f"{file}: there is no PEM certificate" in line if content else f"[no-such-file] there is no {file}:" in line
        )


class TestWithoutClient:
    @pytest.fixture
    def place(self, make_workplace: MakeWorkplace) -> Workplace:
        workplace = without_configuration(make_workplace())
        workplace.realm.remove_client(HELPER_CLIENT)
        return workplace

    def test_it_is_found_out_and_the_secret_asked_for(self, place: Workplace) -> None:
        secret = place.harbor.users["alice-h"].secret
        environment = place.helper.home.environment
        with Terminal([place.helper.program, "setup", place.harbor.url], environment) as terminal:
            place.person.wait_for_windows()
            terminal.wait_for("Harbor user name: ")
            terminal.enter("alice-h\n")
            terminal.wait_for("does not show): ")
            terminal.enter(f"{secret}\n")
            assert terminal.wait() == 0, terminal.text
        assert "does not take the client 'docker-credential-harbor'" in terminal.text
        assert f"docker-credential-harbor setup --admin {place.name}" in terminal.text
        assert 'client_id = ""' in ours(place)
        assert place.pair() == ("alice-h", secret)

    def test_once_an_administrator_has_added_it_setup_takes_it(self, place: Workplace) -> None:
        place.helper.run(["setup", place.harbor.url])
        before = ours(place)
        again = place.helper.run(["setup", place.harbor.url])
        assert again.returncode == 0
        assert "does not take the client" in again.stdout
        assert ours(place) == before
        guide = place.helper.run(["setup", "--admin", "--json", place.name])
        place.realm.add_client(json.loads(guide.stdout))
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        assert f"{place.name} changed in " in answer.stdout
        assert f"Signed in at {place.name} as alice-h." in answer.stdout
        assert "client_id" not in ours(place)

    def test_a_client_id_of_the_persons_own_stays(self, place: Workplace) -> None:
        file = place.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
        file.parent.mkdir(parents=True)
        file.write_text(f'[registries."{place.name}"]\nurl = "{place.harbor.url}"\nclient_id = ""  # mine\n')
        answer = place.helper.run(["setup", place.harbor.url])
        assert answer.returncode == 0
        assert f"{place.name} is configured already" in answer.stdout

    def test_without_a_terminal_it_says_what_comes_next(self, place: Workplace) -> None:
        answer = place.helper.run(["setup", place.harbor.url])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.endswith(f"Next: docker-credential-harbor login {place.name}\n")
        assert 'client_id = ""' in ours(place)
        assert place.person.windows == 0


class TestNotEntered:
    def refused(self, place: Workplace, registry: str) -> str:
        answer = place.helper.run(["setup", registry])
        assert (answer.returncode, answer.stdout) == (1, "")
        [line] = answer.stderr.splitlines()
        assert ours(place) == ""
        assert not (place.helper.home.docker_config / "config.json").exists()
        return line

    def test_harbor_is_away(self, place: Workplace, free_port: int) -> None:
        line = self.refused(place, f"http://127.0.0.1:{free_port}")
        assert f"127.0.0.1:{free_port} was not entered: 127.0.0.1:{free_port} cannot be reached" in line
        assert line.endswith(f"docker-credential-harbor setup --no-login 127.0.0.1:{free_port}")

    def test_it_is_no_harbor(self, place: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = make_proxy(place.harbor.url)
        proxy.set("/", faults.garbage)
        line = self.refused(place, proxy.url)
        assert "gave an answer that cannot be used" in line

    def test_harbor_has_no_oidc(self, place: Workplace) -> None:
        place.harbor.auth_mode = "db_auth"
        line = self.refused(place, place.harbor.url)
        assert "does not sign people in through OIDC" in line

    def test_harbor_cannot_reach_the_provider(self, place: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = make_proxy(place.harbor.url)
        proxy.set("/c/oidc/login", faults.status(500))
        assert "cannot reach its identity provider" in self.refused(place, proxy.url)


class TestCredentialsStore:
    PLAIN = base64.b64encode(b"me:other-secret").decode()

    @pytest.fixture
    def theirs(self, place: Workplace) -> Path:
        file = place.helper.home.docker_config / "config.json"
        auths = {"ghcr.io": {"auth": self.PLAIN}, "quay.io": {}, "h": {"auth": self.PLAIN, "identitytoken": "token-1"}}
        file.write_text(json.dumps({"auths": auths, "psFormat": "x"}))
        return file

    def stored(self, place: Workplace, server: str) -> tuple[str, str]:
        answer = json.loads(place.helper.get(server).stdout)
        return answer["Username"], answer["Secret"]

    def test_plain_pairs_move_into_the_store_on_consent(self, place: Workplace, theirs: Path) -> None:
        command = [place.helper.program, "setup", "--no-login", "--credentials-store", place.harbor.url]
        with Terminal(command, place.helper.home.environment) as terminal:
            terminal.wait_for("Move the pairs of ghcr.io, h from")
            terminal.enter("\n")
            assert terminal.wait() == 0, terminal.text
        document = json.loads(theirs.read_text())
        assert document == {"auths": {"ghcr.io": {}, "quay.io": {}, "h": {}}, "psFormat": "x", "credsStore": "harbor"}
        assert self.stored(place, "ghcr.io") == ("me", "other-secret")
        assert self.stored(place, "h") == ("<token>", "token-1")
        assert "other-secret" not in terminal.text

    def test_keys_as_docker_finds_them(self, place: Workplace, theirs: Path) -> None:
        """Docker looks for a host, and takes an entry whose URL is of that host; a helper is asked for the host."""
        other = base64.b64encode(b"me:another").decode()
        auths = {
            "https://ghcr.io/v1/": {"auth": other},
            "ghcr.io": {"auth": self.PLAIN},
            "https://quay.io:8443": {"auth": self.PLAIN},
            "plain.io": {"username": "me", "password": "third"},
            "https://index.docker.io/v1/": {"auth": self.PLAIN},
        }
        theirs.write_text(json.dumps({"auths": auths}))
        answer = place.helper.run(["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        assert json.loads(theirs.read_text())["auths"] == {key: {} for key in auths}
        assert self.stored(place, "ghcr.io") == ("me", "other-secret")
        assert self.stored(place, "quay.io:8443") == ("me", "other-secret")
        assert self.stored(place, "plain.io") == ("me", "third")
        assert self.stored(place, "https://index.docker.io/v1/") == ("me", "other-secret")

    @pytest.mark.parametrize("keys", ["n\n", "\x04"])
    def test_a_no_changes_nothing(self, place: Workplace, theirs: Path, keys: str) -> None:
        before = theirs.read_bytes()
        command = [place.helper.program, "setup", "--no-login", "--credentials-store", place.harbor.url]
        with Terminal(command, place.helper.home.environment) as terminal:
            terminal.wait_for("[Y/n]")
            terminal.enter(keys)
            assert terminal.wait() == 1
        assert "holds pairs in plain text (ghcr.io, h), and nothing was changed" in terminal.text
        assert (theirs.read_bytes(), ours(place)) == (before, "")

    def test_in_a_script(self, place: Workplace, theirs: Path) -> None:
        before = theirs.read_bytes()
        command = ["setup", "--no-login", "--credentials-store", place.harbor.url]
        answer = place.helper.run(command)
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        assert (theirs.read_bytes(), ours(place)) == (before, "")
        shown = place.helper.run([*command, "--dry-run"]).stdout
        assert self.PLAIN not in shown
        assert '+  "credsStore": "harbor"' in shown.replace("\t", "  ")
        answer = place.helper.run([*command, "--yes"])
        assert (answer.returncode, answer.stderr) == (0, "")
        assert self.stored(place, "ghcr.io") == ("me", "other-secret")
        again = place.helper.run(command)
        assert "names this helper for every server already" in again.stdout

    @pytest.mark.parametrize("alive", [True, False])
    def test_this_registrys_own_pair(self, place: Workplace, theirs: Path, alive: bool) -> None:
        """A CLI secret of an earlier docker login: as good as any, and walked for where Harbor's side has ended."""
        secret = place.harbor.users["alice-h"].secret
        place.person.open(f"{place.harbor.url}/c/oidc/login")
        if not alive:
            place.harbor.kill_stored_token("alice-h")
        auth = base64.b64encode(f"alice-h:{secret}".encode()).decode()
        theirs.write_text(json.dumps({"auths": {place.name: {"auth": auth}}}))
        answer = place.helper.run(["setup", "--credentials-store", "--yes", place.harbor.url])
        assert answer.returncode == 0, answer.stderr
        ends = [f"Signed in at {place.name} as alice-h already: Harbor accepts the pair now."]
        if not alive:
            ends = [f"Signed in at {place.name} as alice-h."]
        assert answer.stdout.splitlines()[-len(ends) - 1 : -1] == ends
        assert json.loads(theirs.read_text()) == {"auths": {place.name: {}}, "credsStore": "harbor"}
        assert place.pair() == ("alice-h", secret)
        assert (place.person.windows, place.person.forms) == (1 if alive else 2, 1)

    def test_a_refused_pair_stays_where_the_sign_in_fails(self, place: Workplace, theirs: Path) -> None:
        auth = base64.b64encode(b"alice-h:Of-Long-Ago-1").decode()
        theirs.write_text(json.dumps({"auths": {place.name: {"auth": auth}}}))
        place.person.decline = True
        env = {"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": "3"}
        answer = place.helper.run(["setup", "--credentials-store", "--yes", place.harbor.url], env=env, timeout=90)
        assert answer.returncode == 1
        assert json.loads(place.helper.run("list").stdout) == {f"https://{place.name}": "alice-h"}

    def test_another_store_is_let_be(self, place: Workplace, theirs: Path) -> None:
        theirs.write_text('{"credsStore": "pass"}')
        answer = place.helper.run(["setup", "--no-login", "--credentials-store", place.harbor.url])
        assert answer.returncode == 1
        assert "names docker-credential-pass for every server already" in answer.stderr
        assert (theirs.read_text(), ours(place)) == ('{"credsStore": "pass"}', "")

    def test_undo(self, place: Workplace, theirs: Path) -> None:
        place.helper.run(["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url])
        answer = place.helper.run(["setup", "--undo", place.name])
        assert answer.returncode == 0, answer.stderr
        assert "credsStore" not in json.loads(theirs.read_text())
        assert "docker does not look there any more: ghcr.io, h" in answer.stdout
        assert self.stored(place, "ghcr.io") == ("me", "other-secret"), "nothing is lost"
