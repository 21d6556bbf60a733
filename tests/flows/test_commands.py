"""The commands for people: what they do, print and return."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.conftest import WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy
    from tests.lab.sealed_home import Helper

NAME = "harbor.example.com"


def row(workplace: Workplace) -> dict[str, Any]:
    """The one row of `status --json`; it opens nothing, and the text has the same state."""
    windows = workplace.person.windows
    answer = workplace.helper.run(["status", "--json"])
    assert (answer.returncode, answer.stderr) == (0, "")
    [found] = json.loads(answer.stdout)["registries"]
    text = workplace.helper.run("status").stdout
    assert text.startswith(f"{workplace.name}: {found['state']}")
    assert workplace.person.windows == windows
    assert {"registry", "state", "username", "message"} <= found.keys()
    assert found["registry"] == workplace.name
    assert "Traceback" not in text
    return dict(found)


class TestStatus:
    def test_from_signed_out_to_ready_to_ended(self, workplace: Workplace) -> None:
        assert row(workplace)["state"] == "signed-out"
        workplace.pair()
        found = row(workplace)
        assert (found["state"], found["username"]) == ("ready", "alice-h")
        workplace.harbor.kill_stored_token("alice-h")
        found = row(workplace)
        assert (found["state"], found["username"]) == ("harbor-session-ended", "alice-h")
        assert "the next pull renews it" in found["message"]
        assert workplace.asked().count("/service/token") >= 2, "it probes, whatever the trust window says"

    def test_a_robot_is_ready(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "s")
        found = row(workplace)
        assert (found["state"], found["username"]) == ("ready", "robot$ci")

    def test_not_onboarded(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        workplace.pair()
        workplace.harbor.users.remove("alice-h")
        assert row(workplace)["state"] == "not-onboarded"

    def test_refused(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"audience_mapper": False})
        workplace.refused()
        found = row(workplace)
        assert found["state"] == "refused"
        assert "mapper" in found["message"]

    def test_unreachable(self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]) -> None:
        workplace = make_workplace()
        workplace.pair()
        proxy = make_proxy(workplace.harbor.url)
        proxy.set("/", faults.status(503))
        workplace.configure(url=proxy.url)
        found = row(workplace)
        assert (found["state"], found["username"]) == ("unreachable", "alice-h")

    def test_since_when_until_when_and_where(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(harbor={"scopes": WITHOUT_OFFLINE})
        assert {row(workplace)[name] for name in ("storage", "verified_at", "sign_in_ends_at")} == {None}
        workplace.pair()
        found = row(workplace)
        assert found["storage"] == "file"
        now = time.time()
        assert 0 <= now - datetime.fromisoformat(found["verified_at"]).timestamp() < 60
        assert 0 < datetime.fromisoformat(found["sign_in_ends_at"]).timestamp() - now <= 1800
        shown = workplace.helper.run("status").stdout
        assert "  kept in a file that only this user can read\n" in shown
        assert re.search(r"^  verified (just now|\d+ seconds ago)$", shown, re.MULTILINE)
        assert re.search(r"^  the sign-in ends in .+ if it is not used before$", shown, re.MULTILINE)

    @pytest.mark.parametrize(("variable", "value"), [("", ""), ("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_colours_on_a_terminal(self, workplace: Workplace, variable: str, value: str) -> None:
        environment = {**workplace.helper.home.environment, "TERM": "xterm", variable or "NO_COLOR": value}
        with Terminal([workplace.helper.program, "status"], environment) as terminal:
            assert terminal.wait() == 0
        assert ("\033[33msigned-out\033[0m" in terminal.text) is (not variable)
        assert "signed-out" in terminal.text
        assert "\033" not in workplace.helper.run("status").stdout

    def test_without_any_registry(self, helper: Helper) -> None:
        helper.configure("")
        answer = helper.run(["status", "--json"])
        assert json.loads(answer.stdout) == {"registries": []}


class TestSetup:
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


class TestLogin:
    def test_it_signs_in_even_where_get_may_not(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top='login = "never"')
        answer = workplace.helper.run(["login", workplace.name], env={"CI": "true"})
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == f"Signed in at {workplace.name} as alice-h.\n"
        assert workplace.person.windows == 1

    def test_a_browser_can_be_had_by_asking_for_it(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top='login = "device"')
        answer = workplace.helper.run(["login", "--browser"])
        assert answer.returncode == 0, answer.stderr
        assert workplace.person.windows == 1

    def test_a_stored_pair_goes_first_and_login_says_so(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "s")
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert "the stored pair of robot$ci goes first" in answer.stdout
        assert workplace.pair() == ("robot$ci", "s")


class TestTrace:
    def test_it_tells_what_was_asked_and_decided_without_a_secret(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        shown = workplace.get(DOCKER_CREDENTIAL_HARBOR_TRACE="1").stderr
        workplace.harbor.kill_stored_token("alice-h")
        shown += workplace.get(DOCKER_CREDENTIAL_HARBOR_TRACE="1").stderr
        assert "sign in" in shown
        assert "renew harbor side" in shown
        assert "GET http" in shown
        assert "/service/token -> 401 in" in shown
        tokens = workplace.kept_tokens()
        for secret in (workplace.harbor.users["alice-h"].secret, tokens["id_token"], tokens["refresh_token"]):
            assert secret not in shown
        assert "code=" not in shown
        assert all(line.startswith("docker-credential-harbor: ") for line in shown.splitlines())
