"""`setup` in its order: what is asked first, what is written, moved and said, and how it ends in a sign-in."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.config import registry_files
from docker_credential_harbor.model import DEFAULT_CLIENT_ID, PROGRAM, Credentials, StoredPair
from docker_credential_harbor.use_cases import enter_registry
from docker_credential_harbor.use_cases.enter_registry import Wish
from tests.lab.realm import HELPER_CLIENT
from tests.unit.machine import NEVER, ROBOT, put_on_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.conftest import MakeMachine
    from tests.unit.machine import Machine

OTHER = "other.example.com"
PLAIN = {"auths": {OTHER: {"auth": base64.b64encode(b"alice:s").decode()}}}


def top(machine: Machine, *lines: str) -> str:
    """The configuration before: no registry."""
    text = "\n".join(['storage = "file"', "cache_ttl = 0", 'negotiate = "never"', *lines, ""])
    machine.configuration.write_text(text)
    return text


def entered(machine: Machine, **wish: Any) -> list[str]:
    return list(enter_registry.for_this_user(Wish(machine.name, {"url": machine.harbor.url}, **wish)))


def docker(machine: Machine, content: object = None) -> Any:
    """What Docker's file says, or ``content``, from now on."""
    if content is not None:
        machine.docker_config.write_text(json.dumps(content))
    return json.loads(machine.docker_config.read_text()) if machine.docker_config.exists() else None


@pytest.fixture(autouse=True)
def _before(machine: Machine) -> None:
    """Nothing is configured, and a pull asks nobody."""
    put_on_path(machine.home, PROGRAM)
    top(machine, NEVER)


class TestWhichClient:
    def test_the_usual_one(self, machine: Machine) -> None:
        first, ours, dockers, last = entered(machine)
        assert first == f"{machine.name}: Harbor, where people sign in at {machine.realm.issuer}"
        assert str(machine.configuration) in ours
        assert str(machine.docker_config) in dockers
        assert last == f"Next: {PROGRAM} login {machine.name}"
        assert machine.registry().client_id == DEFAULT_CLIENT_ID
        assert docker(machine) == {"credHelpers": {machine.name: "harbor"}}

    def test_none_until_the_provider_takes_ours(self, make_machine: MakeMachine) -> None:
        machine = make_machine(realm={})
        top(machine, NEVER)
        clients = machine.realm.served.records.clients
        client = clients.pop(HELPER_CLIENT)
        _, second, third, *_ = entered(machine)
        assert second.endswith(": entered without a client, with your CLI secret pasted once")
        assert third.endswith(f"{PROGRAM} setup --admin {machine.name}")
        assert machine.registry().client_id == ""
        clients[HELPER_CLIENT] = client
        entered(machine)
        assert machine.registry().client_id == DEFAULT_CLIENT_ID

    def test_one_that_is_configured_stays(self, machine: Machine) -> None:
        machine.configure(client_id="nobody")
        before = machine.configuration.read_text()
        lines = entered(machine)
        assert machine.configuration.read_text() == before
        assert machine.asked() == [], "there is nothing to decide"
        assert f"{machine.name} is configured already" in lines[0]

    def test_harbor_is_not_asked_where_nobody_signs_in(self, machine: Machine) -> None:
        machine.harbor.down()
        lines = entered(machine, signs_in=False)
        assert lines[-1] == f"Next: {PROGRAM} login {machine.name}"
        assert machine.registry().url == machine.harbor.url

    @pytest.mark.parametrize("case", ["away", "another mode", "another name"])
    def test_nothing_is_written_of_a_registry_that_is_none(self, machine: Machine, case: str) -> None:
        before = machine.configuration.read_text()
        raised: type[errors.Failure] = errors.NotEntered
        if case == "away":
            machine.harbor.down()
        elif case == "another mode":
            machine.harbor.auth_mode, raised = "db_auth", errors.NotOidcMode
        else:
            machine.harbor.external_url, raised = "https://elsewhere.example.com", errors.AnotherName
        with pytest.raises(raised):
            entered(machine)
        assert (machine.configuration.read_text(), docker(machine)) == (before, None)


class TestWhatIsWritten:
    def test_nothing_where_it_is_only_shown(self, machine: Machine) -> None:
        before = machine.configuration.read_text()
        lines = entered(machine, only_shown=True, signs_in=False)
        assert any(machine.name in line for line in lines)
        assert (machine.configuration.read_text(), docker(machine)) == (before, None)

    def test_nothing_where_a_clients_file_is_broken(self, machine: Machine) -> None:
        before = machine.configuration.read_text()
        machine.docker_config.write_text("{")
        with pytest.raises(errors.ClientConfigInvalid):
            entered(machine, signs_in=False)
        assert machine.configuration.read_text() == before

    def test_what_docker_login_gave_us_before_is_taken_over(self, machine: Machine) -> None:
        machine.context().store.save_stored(machine.name, StoredPair(ROBOT))
        entered(machine, signs_in=False)
        assert machine.context().store.list() == {f"https://{machine.name}": ROBOT.username}

    def test_what_would_surprise_later_is_said(self, machine: Machine, capfd: pytest.CaptureFixture[str]) -> None:
        docker(machine, {"auths": {machine.name: PLAIN["auths"][OTHER], "odd.example.com": {"auth": "!"}}})
        (machine.home.path / "bin" / PROGRAM).unlink()
        lines = entered(machine, signs_in=False)
        at = next(n for n, line in enumerate(lines) if "still holds a pair for" in line)
        assert f"docker logout {machine.name}" in lines[at + 1]
        told = capfd.readouterr().err
        assert f"{PROGRAM} is not on PATH" in told
        assert "the auth of odd.example.com in" in told

    def test_another_setup_is_at_it(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_files, "LOCK_SECONDS", 0)
        with registry_files.setup_lock(machine.name), pytest.raises(errors.Busy):
            entered(machine, signs_in=False)


class TestForEveryServer:
    @pytest.fixture(autouse=True)
    def _plain(self, machine: Machine) -> None:
        docker(machine, PLAIN)

    def entered(self, machine: Machine, *, moves_unasked: bool = False) -> list[str]:
        return entered(machine, every_server=True, moves_unasked=moves_unasked, signs_in=False)

    @pytest.mark.parametrize("typed", [["y"], [""], ["Yes"]])
    def test_pairs_move_on_a_yes(self, machine: Machine, typed: list[str]) -> None:
        machine.typed = typed
        lines = self.entered(machine)
        assert f"moved into the credential store: the pairs of {OTHER}" in lines
        assert machine.context().store.load_stored(OTHER) == StoredPair(Credentials("alice", "s"))
        assert docker(machine)["credsStore"] == "harbor"
        assert docker(machine)["auths"] == {OTHER: {}}

    @pytest.mark.parametrize("typed", [["n"], [], None], ids=["no", "Ctrl-D", "no terminal"])
    def test_nothing_happens_for_anything_else(self, machine: Machine, typed: list[str] | None) -> None:
        before = machine.configuration.read_text()
        machine.typed = typed
        with pytest.raises(errors.PlainPairs):
            self.entered(machine)
        assert (machine.configuration.read_text(), docker(machine)) == (before, PLAIN)

    def test_unasked(self, machine: Machine) -> None:
        self.entered(machine, moves_unasked=True)
        assert machine.questions == []
        assert machine.context().store.load_stored(OTHER)

    def test_what_cannot_be_kept_stays_where_it_was(self, machine: Machine) -> None:
        before = top(machine, NEVER).replace("file", "keyring")
        machine.configuration.write_text(before)
        with pytest.raises(errors.Failure):
            self.entered(machine, moves_unasked=True)
        assert (machine.configuration.read_text(), docker(machine)) == (before, PLAIN)


class TestTheSignIn:
    @pytest.fixture(autouse=True)
    def _somebody(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BROWSER", machine.person.browser_command)
        top(machine)

    def test_whoever_is_signed_in_stays_so(self, machine: Machine) -> None:
        machine.configure("")
        machine.sign_in()
        top(machine)
        *_, last_but_one, last = entered(machine)
        assert last_but_one == f"Signed in at {machine.name} as alice-h already: Harbor accepts the pair now."
        assert last == f"Try it: docker pull {machine.name}/PROJECT/IMAGE"

    def test_harbor_is_away_by_now(self, machine: Machine) -> None:
        entered(machine, signs_in=False)
        machine.harbor.down()
        with pytest.raises(errors.Unreachable):
            entered(machine)

    def test_without_a_client_what_is_pasted(self, machine: Machine) -> None:
        machine.configure("", client_id="")
        machine.walk()
        assert entered(machine)[-1] == f"Next: {PROGRAM} login {machine.name}", "there is no terminal"
        machine.typed = [*machine.pair]
        lines = entered(machine)
        assert lines[-2] == f"Signed in at {machine.name} as alice-h: Harbor accepts the CLI secret."


class TestForEverybody:
    @pytest.fixture(autouse=True)
    def _system(self, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_files, "SKELETON", tmp_path / "skel")
        monkeypatch.setattr("os.geteuid", lambda: 0)
        self.site = machine.home.folders["XDG_CONFIG_DIRS"] / PROGRAM / "config.toml"
        self.skeleton = tmp_path / "skel"

    def entered(self, machine: Machine, *, only_shown: bool = False) -> list[str]:
        return list(enter_registry.for_everybody(Wish(machine.name, {}, only_shown=only_shown)))

    def test_site_wide_and_where_homes_are_copied_from(self, machine: Machine) -> None:
        before = machine.configuration.read_text()
        lines = self.entered(machine)
        assert lines[-1].endswith(f"Those who exist run: {PROGRAM} setup {machine.name}")
        assert machine.name in self.site.read_text()
        for client in (".docker/config.json", ".config/containers/auth.json", ".config/helm/registry/config.json"):
            assert json.loads((self.skeleton / client).read_text()) == {"credHelpers": {machine.name: "harbor"}}
        assert machine.asked() == []
        assert (machine.configuration.read_text(), docker(machine)) == (before, None), "root's own are let be"

    def test_only_shown(self, machine: Machine) -> None:
        assert self.entered(machine, only_shown=True)
        assert not self.site.exists()
        assert not self.skeleton.exists()

    def test_a_store_that_these_users_lose(self, machine: Machine) -> None:
        put_on_path(machine.home, "docker-credential-secretservice")
        assert any(
            "look for docker-credential-secretservice by themselves no more" in line for line in self.entered(machine)
        )
