"""`setup --credentials-store`: this helper for every server, and where the pairs in plain text go."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.unconfigured import ours, unconfigured
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    """Nothing configured; alice is known to Harbor, and her browser can be opened."""
    return unconfigured(workplace)


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
        assert document == {
            "auths": {"ghcr.io": {}, "quay.io": {}, "h": {}},
            "psFormat": "x",
            "credHelpers": dict.fromkeys((place.name, "ghcr.io", "h"), "harbor"),
            "credsStore": "harbor",
        }
        assert self.stored(place, "ghcr.io") == ("me", "other-secret")
        assert self.stored(place, "h") == ("<token>", "token-1")
        assert "other-secret" not in terminal.text

    def test_none_is_left_in_the_store_where_dockers_file_cannot_be_written(
        self, place: Workplace, theirs: Path
    ) -> None:
        """It is mounted there, as containers do it."""
        need("root, for unshare", "run the tests as root", os.geteuid() == 0)
        home, before = place.helper.home, theirs.read_bytes()
        mounted = ["sh", "-c", 'mount --bind -o ro "$1" "$1" && shift && exec "$@"', "sh", str(theirs)]
        words = ["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url]
        command = ["unshare", "--mount", *mounted, place.helper.program, *words]
        done = subprocess.run(command, env=home.environment, capture_output=True, text=True)
        assert done.returncode == 1
        assert "[mounted-file]" in done.stderr
        assert theirs.read_bytes() == before
        assert place.helper.run("list").stdout == "{}\n"

    def test_clients_that_know_no_credentials_store_find_this_helper(self, place: Workplace, theirs: Path) -> None:
        """skopeo reads as podman and buildah do: the same library."""
        need("skopeo", "apt-get install skopeo", shutil.which("skopeo"))
        shown = ["skopeo", "login", "--get-login", "ghcr.io"]
        environment = {**place.helper.home.environment, "PATH": f"{Path(place.helper.program).parent}:/usr/bin:/bin"}
        for _ in range(2):  # in plain text, and moved
            done = subprocess.run(shown, env=environment, capture_output=True, text=True)
            assert (done.returncode, done.stdout) == (0, "me\n"), done.stderr
            place.helper.run(["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url])
        assert json.loads(theirs.read_text())["credHelpers"][place.name] == "harbor"
        assert place.helper.run(["setup", "--undo", place.name]).returncode == 0
        assert "credHelpers" not in json.loads(theirs.read_text())

    def test_undo_names_what_it_leaves_where_a_person_chose_another_helper(
        self, place: Workplace, theirs: Path
    ) -> None:
        place.helper.run(["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url])
        theirs.write_text(json.dumps({**json.loads(theirs.read_text()), "credsStore": "pass"}))
        told = place.helper.run(["setup", "--undo", place.name]).stdout
        assert f"{theirs} names this helper still, for ghcr.io, h\n" in told
        assert json.loads(theirs.read_text())["credsStore"] == "pass"

    def test_an_empty_name_is_not_replaced_without_a_word(self, place: Workplace, theirs: Path) -> None:
        """It has Docker ask nobody."""
        theirs.write_text(json.dumps({"credsStore": "", "credHelpers": {place.name: ""}}))
        told = place.helper.run(["setup", "--no-login", "--credentials-store", place.harbor.url]).stdout
        assert told.count("instead of no helper, which --undo does not bring back") == 2

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
        assert '  + credsStore = "harbor"\n' in shown
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
        assert json.loads(theirs.read_text()) == {
            "auths": {place.name: {}},
            "credHelpers": {place.name: "harbor"},
            "credsStore": "harbor",
        }
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
        assert json.loads(theirs.read_text()) == {"auths": {"ghcr.io": {}, "quay.io": {}, "h": {}}, "psFormat": "x"}
        assert "docker does not look there any more: ghcr.io, h" in answer.stdout
        assert self.stored(place, "ghcr.io") == ("me", "other-secret"), "nothing is lost"
