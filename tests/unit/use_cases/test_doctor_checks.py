"""The checks of one registry: their order, where the row ends, and what each says; broken things on loopback."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import PROGRAM, Credentials, PairKind, Pin
from docker_credential_harbor.system.scheduler import NAME, systemd
from docker_credential_harbor.use_cases.doctor_checks import Examination
from tests.lab.realm import HARBOR_CLIENT
from tests.lab.workplace import WITH_OFFLINE
from tests.unit.machine import NEVER, ROBOT, put_on_path

if TYPE_CHECKING:
    from docker_credential_harbor.use_cases.client_checks import Check
    from tests.unit.conftest import MakeMachine
    from tests.unit.loopback import Answers
    from tests.unit.machine import Machine

HERE = ["helper", "docker-config", "keepalive"]
HARBOR = ["harbor", "clock", "oidc-mode", "provider-from-harbor", "offline-access"]
PROVIDER = ["provider", "client", "subject"]
SESSIONS = ["sign-in", "session"]
NO_DEVICE_CODE = "device-code"  # which the embedded provider does not have, and a browser makes needless


def examine(machine: Machine) -> dict[str, Check]:
    context = machine.context(asked=True)
    found = list(Examination(context, context.registry(machine.name)).run())
    assert all(bool(check.fix) is not check.ok for check in found)
    return {check.name: check for check in found}


def check(machine: Machine, name: str) -> Check:
    return examine(machine)[name]


@pytest.fixture(autouse=True)
def _browser(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", machine.person.browser_command)


def pin(machine: Machine, issuer: str | None = None) -> Pin:
    return Pin(issuer or machine.realm.issuer, HARBOR_CLIENT, f"{machine.harbor.url}/c/oidc/callback")


class TestTheRow:
    def test_all_is_well(self, machine: Machine) -> None:
        machine.sign_in()
        put_on_path(machine.home, PROGRAM)
        machine.docker_config.write_text(json.dumps({"credHelpers": {machine.name: "harbor"}}))
        found = examine(machine)
        assert list(found) == [*HERE, *HARBOR, *PROVIDER, "store", "trust", "audience", *SESSIONS]
        assert all(check.ok for check in found.values())

    def test_what_is_broken_here_ends_nothing(self, machine: Machine) -> None:
        machine.sign_in()
        found = examine(machine)
        assert [name for name, check in found.items() if not check.ok] == ["helper", "docker-config"]
        assert list(found)[-1] == "session"

    def test_a_failure_is_a_finding_with_every_remedy(self, machine: Machine) -> None:
        machine.harbor.external_url = origin = "https://elsewhere.example.com"
        failure = errors.AnotherName(registry=machine.name, origin=origin)
        assert failure.every_remedy != failure.remedy
        assert check(machine, "trust") == ("trust", False, failure.message, failure.every_remedy)

    def test_harbor_is_away(self, machine: Machine) -> None:
        machine.harbor.down()
        assert list(examine(machine)) == [*HERE, "harbor"]

    def test_harbor_has_accounts_of_its_own(self, machine: Machine) -> None:
        machine.harbor.auth_mode = "db_auth"
        found = examine(machine)
        assert list(found)[-1] == "oidc-mode"
        assert not found["oidc-mode"].ok

    def test_harbor_cannot_reach_its_provider(self, machine: Machine) -> None:
        machine.harbor.provider.issuer = "http://127.0.0.1:9/realms/gone"
        machine.harbor.provider.kept_seconds = 0
        assert list(examine(machine))[-1] == "provider-from-harbor"

    def test_the_provider_is_away_from_here(self, machine: Machine) -> None:
        machine.configure(issuer="http://127.0.0.1:9/realms/gone")
        found = examine(machine)
        assert list(found)[-1] == "provider"
        assert "cannot be reached" in found["provider"].message

    def test_without_a_client_nothing_of_ours_is_asked_for(self, machine: Machine) -> None:
        machine.configure(client_id="")
        found = examine(machine)
        assert list(found) == [*HERE, *HARBOR, "store", *SESSIONS]

    def test_a_client_that_the_provider_does_not_know_ends_nothing(self, machine: Machine) -> None:
        machine.configure(client_id="nobody")
        found = examine(machine)
        assert not found["client"].ok
        assert "does not take the client 'nobody'" in found["client"].message
        assert list(found)[-1] == "session"

    def test_secrets_cannot_be_kept(self, machine: Machine) -> None:
        machine.configure(f'{NEVER}\nstorage = "keyring"')
        found = examine(machine)
        assert list(found)[-1] == "store"
        assert not found["store"].ok

    def test_what_is_kept_cannot_be_read(self, machine: Machine) -> None:
        machine.sign_in()
        [secrets] = machine.home.path.rglob("secrets.json")
        secrets.write_text("{")
        found = examine(machine)
        assert list(found)[-1] == "store"
        assert str(secrets) in found["store"].message

    def test_there_is_no_room_for_them(self, machine: Machine) -> None:
        data = machine.home.folders["XDG_DATA_HOME"]
        data.rmdir()
        data.write_text("")
        found = examine(machine)
        assert list(found)[-1] == "store"
        assert str(data) in found["store"].message


class TestHarbor:
    def test_one_that_does_not_tell_its_version(self, machine: Machine) -> None:
        assert check(machine, "harbor").message == f"Harbor answers at {machine.harbor.url}"

    @pytest.mark.parametrize(
        ("seconds", "said"), [(-120, "120 s ahead of"), (120, "120 s behind"), (50, ""), (-50, "")]
    )
    def test_whose_clock_is_another(self, make_machine: MakeMachine, seconds: float, said: str) -> None:
        machine = make_machine(clock=lambda: time.time() + seconds)
        found = check(machine, "clock")
        assert found.ok is not bool(said)
        near = {said.replace("120", str(number)) for number in (118, 119, 120, 121, 122)}
        assert any(word in found.message for word in near)

    @pytest.mark.parametrize("scopes", [WITH_OFFLINE, "openid"])
    def test_how_long_its_sessions_can_last(self, make_machine: MakeMachine, scopes: str) -> None:
        found = check(make_machine(scopes=scopes), "offline-access")
        assert found.ok, "either may be meant so"
        assert ("lack offline_access" in found.message) is (scopes == "openid")


class TestTheProvider:
    @pytest.fixture
    def another(self, machine: Machine, server: Answers) -> Answers:
        """One that is configured, and gives device codes."""
        document: dict[str, object] = {"issuer": server.url, "subject_types_supported": ["public"]}
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri", "device_authorization_endpoint")
        document |= {name: f"{server.url}/{name}" for name in endpoints}
        server.replies["/.well-known/openid-configuration"] = (200, {}, document)
        server.replies["/authorization_endpoint"] = (200, {}, "")
        code = {"device_code": "d", "user_code": "A-B", "verification_uri": f"{server.url}/device", "expires_in": 60}
        server.replies["/device_authorization_endpoint"] = (200, {}, code)
        machine.configure(NEVER, issuer=server.url)
        return server

    def test_a_sub_that_harbor_cannot_know(self, machine: Machine, another: Answers) -> None:
        assert check(machine, "subject").ok
        _, _, document = another.replies["/.well-known/openid-configuration"]  # type: ignore[misc]
        document["subject_types_supported"] = ["pairwise"]
        found = examine(machine)
        assert not found["subject"].ok
        assert list(found)[-1] == "subject", "no sign-in would be of use"
        assert f"[registries.'{machine.name}']" in found["subject"].fix.replace('"', "'")

    def test_device_codes_where_no_browser_is(
        self, machine: Machine, another: Answers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert NO_DEVICE_CODE not in examine(machine)
        monkeypatch.delenv("BROWSER")
        assert check(machine, NO_DEVICE_CODE).ok
        [asked] = [asked for asked in another.asked if asked.path == "/device_authorization_endpoint"]
        assert asked.form["scope"].split()[0] == "openid"

    def test_one_without_device_codes_ends_nothing(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("BROWSER")
        found = examine(machine)
        assert not found[NO_DEVICE_CODE].ok
        assert list(found)[-1] == "session"


class TestTrust:
    def test_nobody_has_asked_yet(self, machine: Machine) -> None:
        found = check(machine, "trust")
        assert found.ok
        assert "is asked at the next sign-in whether it takes" in found.message

    def test_it_has_vouched(self, machine: Machine) -> None:
        machine.note(pin=pin(machine))
        assert check(machine, "trust").message.endswith(", and no made-up one")

    def test_it_is_another_one_now(self, machine: Machine) -> None:
        machine.note(pin=pin(machine, "https://sso.example.com"))
        found = check(machine, "trust")
        assert (found.ok, "not at https://sso.example.com" in found.message) == (False, True)

    def test_than_that_of_a_sign_in_of_an_older_version(self, machine: Machine) -> None:
        machine.sign_in(issuer="https://sso.example.com")
        assert not check(machine, "trust").ok
        machine.note(pin=pin(machine))
        assert check(machine, "trust").ok, "a pin counts for more"

    def test_the_configuration_says_so(self, machine: Machine) -> None:
        machine.configure(issuer=machine.realm.issuer)
        assert check(machine, "trust").message == f"the configuration names the issuer, {machine.realm.issuer}"

    def test_of_a_stored_pair_nobody_signs_in(self, machine: Machine) -> None:
        machine.keep_stored(ROBOT)
        assert "trust" not in examine(machine)

    def test_for_whom_the_id_token_is(self, machine: Machine) -> None:
        assert "audience" not in examine(machine)
        machine.sign_in()
        assert check(machine, "audience").message == "the ID token is for this Harbor alone"
        tokens = machine.tokens()
        machine.sign_in(audience=(*tokens.audience, "grafana"))
        found = check(machine, "audience")
        assert found.ok
        assert "is good for 'grafana', too" in found.message

    def test_that_it_is_not_for_this_harbor(self, machine: Machine) -> None:
        machine.sign_in(audience=("docker-credential-harbor",))
        found = examine(machine)
        assert "its aud lacks 'harbor'" in found["audience"].message
        assert f"{PROGRAM} setup --admin {machine.name}" in found["audience"].message
        assert found["audience"].ok, "pulls work for as long as Harbor accepts the pair"
        assert found["session"].ok


class TestKeepalive:
    def test_it_does_not_run_by_itself(self, machine: Machine) -> None:
        assert "does not run by itself" in check(machine, "keepalive").message

    def test_it_does(self, machine: Machine) -> None:
        timer = machine.home.folders["XDG_CONFIG_HOME"] / "systemd" / "user" / f"{NAME}.timer"
        timer.parent.mkdir(parents=True)
        timer.write_text(systemd.timer_text(600))
        assert check(machine, "keepalive").message == "runs by itself; last run: not known"


class TestASignIn:
    def test_nobody_would_be_asked(self, machine: Machine) -> None:
        machine.note(declines=1, declined_at=time.time())
        said = f"a pull asks nobody when a sign-in is due: {PROGRAM} login {machine.name} does"
        assert check(machine, "sign-in").message == f'{said} (login is set to "never")'

    def test_a_browser_would_open_but_for_a_pause(self, machine: Machine) -> None:
        machine.configure("")
        said = "a pull opens a browser when a sign-in is due ($BROWSER is set)"
        assert check(machine, "sign-in").message == said
        machine.note(declines=1, declined_at=time.time())
        paused = check(machine, "sign-in")
        assert paused.ok, "so that one line alone fails for it"
        assert paused.message.startswith(f"{said}, but none for ")


class TestTheSession:
    def test_harbor_is_asked_anew(self, machine: Machine) -> None:
        machine.sign_in()
        assert check(machine, "session") == ("session", True, "Harbor accepts the pair now", "")

    def test_what_ends_harbors_own_sign_in(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        found = check(machine, "session")
        assert "Harbor's own sign-in has ended; likely it was not used for longer" in found.message
        assert found.fix == f"run: {PROGRAM} login {machine.name}"

    def test_the_next_pull_mends_it(self, machine: Machine) -> None:
        machine.configure("")
        found = check(machine, "session")
        assert found.message == f"nobody is signed in at {machine.name}"
        assert found.fix == f"run: {PROGRAM} login {machine.name} (the next pull does the same)"

    def test_what_the_last_window_met(self, machine: Machine) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.note(last_window=errors.RefusedAfterLogin.code, declines=1, declined_at=time.time() - 600)
        found = check(machine, "session")
        met = errors.RefusedAfterLogin(registry=machine.name, username="alice-h")
        assert found == ("session", False, f"{met.message} (last tried 10 minutes ago)", met.every_remedy)

    def test_a_stored_pair_that_harbor_refuses(self, machine: Machine) -> None:
        machine.keep_stored(Credentials("alice-h", "AnotherSecret1"))
        found = check(machine, "session")
        assert found == ("session", False, "Harbor refuses the stored pair", f"run: docker logout {machine.name}")

    @pytest.mark.parametrize("pair", [ROBOT, Credentials("ci", "LocalSecret1")], ids=["robot", "local"])
    def test_a_robots_is_worth_a_request_here(self, machine: Machine, pair: Credentials) -> None:
        machine.keep_stored(pair, PairKind.LOCAL)
        refused = check(machine, "session")
        assert not refused.ok
        assert refused.message.startswith(f"Harbor refuses the pair of {pair.username}; likely it has expired")
        machine.harbor.add_robot(*pair)
        assert check(machine, "session").message == f"Harbor accepts the pair of {pair.username} now"


def test_nothing_is_asked_of_the_provider_that_stands_in_its_log(machine: Machine) -> None:
    machine.sign_in()
    before = len(machine.realm.served.requests)
    examine(machine)
    asked = {urlsplit(path).path for path in machine.realm.served.requests[before:]}
    assert asked <= {"/.well-known/openid-configuration", "/authorize"}
