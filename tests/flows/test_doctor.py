"""`doctor`: each thing that can be broken is, on the real parts; it names that and nothing that follows from it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need
from tests.flows.conftest import WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.certificates import Authority
from tests.lab.realm import HELPER_CLIENT
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeWorkplace
    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy
    from tests.lab.sealed_home import Helper

NO_DEVICE_GRANT = {"oauth2.device.authorization.grant.enabled": "false"}
ALL_WELL = [
    *("helper", "docker-config", "keepalive", "harbor", "clock", "oidc-mode", "provider-from-harbor"),
    *("offline-access", "provider", "client", "subject", "store", "trust", "audience", "sign-in", "session"),
]


def name_helper(workplace: Workplace) -> None:
    """As `setup` does."""
    config = {"credHelpers": {workplace.name: "harbor"}}
    (workplace.helper.home.docker_config / "config.json").write_text(json.dumps(config))


@pytest.fixture
def healthy(workplace: Workplace) -> Workplace:
    name_helper(workplace)
    workplace.pair()
    return workplace


def examine(workplace: Workplace, **env: str) -> dict[str, dict[str, Any]]:
    """The checks by name. The text says the same, in lines that can be followed, and nothing secret."""
    windows = workplace.person.windows
    answer = workplace.helper.run(["doctor", "--json"], env=env)
    found = json.loads(answer.stdout)
    assert found["registry"] == workplace.name
    checks = {check["name"]: check for check in found["checks"]}
    assert found["ok"] is all(check["ok"] for check in checks.values())
    assert answer.returncode == (0 if found["ok"] else 1)
    assert all(bool(check["fix"]) is not check["ok"] for check in checks.values())
    text = workplace.helper.run("doctor", env=env)
    assert text.returncode == answer.returncode
    for check in checks.values():
        assert f"  {'ok  ' if check['ok'] else 'FAIL'}  {check['name']}: " in text.stdout
    assert text.stdout.count("        fix: ") == len(failed(checks))
    assert "Traceback" not in text.stdout + text.stderr
    assert workplace.person.windows == windows, "nobody is asked"
    return checks


def failed(checks: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, check in checks.items() if not check["ok"]]


def the_one(workplace: Workplace, name: str, message: str, fix: str, **env: str) -> dict[str, dict[str, Any]]:
    checks = examine(workplace, **env)
    assert failed(checks) == [name], checks
    assert message in checks[name]["message"]
    assert fix in checks[name]["fix"]
    return checks


def test_all_is_well(healthy: Workplace) -> None:
    checks = examine(healthy)
    assert list(checks) == ALL_WELL
    assert "v2.15.0" in checks["harbor"]["message"] or "answers at" in checks["harbor"]["message"]


class TestThisMachine:
    def test_not_on_path(self, healthy: Workplace) -> None:
        the_one(healthy, "helper", "not on PATH", "folder on PATH", PATH="/usr/bin:/bin")

    def test_a_snap_docker(self, healthy: Workplace) -> None:
        snap = healthy.helper.home.path / "snap" / "bin"
        snap.mkdir(parents=True)
        (snap / "docker").write_text("#!/bin/sh\n")
        (snap / "docker").chmod(0o755)
        path = healthy.helper.home.environment["PATH"]
        the_one(healthy, "helper", "is a snap", "instead of the snap", PATH=f"{snap}:{path}")

    @pytest.mark.parametrize(
        ("content", "message", "fix"),
        [
            ("{}", "names no helper", "setup"),
            ('{"auths": {"NAME": {"auth": "YTpi"}}}', "holds a pair in plain text, which Docker takes", "setup"),
            ('{"credsStore": "pass"}', "names 'pass', not this helper,", "setup"),
            ('{"auths": {,}}', "it is not JSON", "correct it"),
        ],
    )
    def test_dockers_configuration(self, healthy: Workplace, content: str, message: str, fix: str) -> None:
        (healthy.helper.home.docker_config / "config.json").write_text(content.replace("NAME", healthy.name))
        the_one(healthy, "docker-config", message, fix)

    def test_a_pair_of_an_earlier_login_is_told_and_no_fault(self, healthy: Workplace) -> None:
        config = {"credHelpers": {healthy.name: "harbor"}, "auths": {f"https://{healthy.name}/v1/": {"auth": "YTpi"}}}
        (healthy.helper.home.docker_config / "config.json").write_text(json.dumps(config))
        checks = examine(healthy)
        assert failed(checks) == []
        assert f"in plain text still lies there (docker logout {healthy.name}" in checks["docker-config"]["message"]

    @pytest.mark.parametrize("key", ["{}", "https://{}", "{}/project"])
    @pytest.mark.parametrize("place", ["containers/auth.json", "helm/registry/config.json"])
    def test_another_clients_own_file(self, healthy: Workplace, place: str, key: str) -> None:
        file = healthy.helper.home.folders["XDG_CONFIG_HOME"] / place
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"auths": {key.format(healthy.name): {"auth": "YTpi"}}}))
        the_one(healthy, "other-clients", "in plain text, which goes before this helper", f"setup {healthy.name}")
        assert healthy.helper.run(["setup", "--no-login", healthy.name]).returncode == 0
        assert failed(examine(healthy)) == []

    def test_as_the_store_of_all_credentials(self, healthy: Workplace) -> None:
        (healthy.helper.home.docker_config / "config.json").write_text('{"credsStore": "harbor"}')
        assert failed(examine(healthy)) == []

    def test_clients_that_do_not_read_it_as_that_store(self, healthy: Workplace) -> None:
        need("skopeo", "apt-get install skopeo", shutil.which("skopeo"))
        (healthy.helper.home.docker_config / "config.json").write_text('{"credsStore": "harbor"}')
        told = examine(healthy)["other-clients"]["message"]
        assert told.startswith(f"podman, skopeo and buildah do not ask this helper for {healthy.name}")
        assert healthy.helper.run(["setup", "--no-login", healthy.name]).returncode == 0
        assert "skopeo" not in examine(healthy).get("other-clients", {}).get("message", "")

    def test_a_variable_that_goes_before_the_helper(self, healthy: Workplace) -> None:
        pairs = json.dumps({"auths": {healthy.name: {"auth": "YTpi"}}})
        the_one(healthy, "docker-config", "DOCKER_AUTH_CONFIG", "unset", DOCKER_AUTH_CONFIG=pairs)

    @pytest.mark.parametrize("value", ['{"auths": {"gitlab.example.com": {"auth": "YTpi"}}}', "no JSON", "[]"])
    def test_one_that_is_about_other_registries(self, healthy: Workplace, value: str) -> None:
        assert failed(examine(healthy, DOCKER_AUTH_CONFIG=value)) == []

    def test_no_keyring(self, healthy: Workplace) -> None:
        the_one(healthy, "store", "keyring", "storage", DOCKER_CREDENTIAL_HARBOR_STORAGE="keyring")

    def test_a_broken_configuration(self, healthy: Workplace) -> None:
        answer = healthy.helper.run("doctor", env={"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "soon"})
        assert answer.returncode == 1
        assert "DOCKER_CREDENTIAL_HARBOR_TIMEOUT" in answer.stderr

    def test_no_registry(self, helper: Helper) -> None:
        helper.configure("")
        answer = helper.run("doctor")
        assert answer.returncode == 2
        assert "setup REGISTRY" in answer.stderr


class TestHarbor:
    def test_away(self, healthy: Workplace) -> None:
        healthy.harbor.down()
        checks = the_one(healthy, "harbor", "cannot be reached", "try again")
        assert list(checks)[-1] == "harbor", "what follows from it is left out"

    def test_a_certificate_that_is_not_trusted(self, make_workplace: MakeWorkplace, tmp_path: Path) -> None:
        workplace = make_workplace(harbor={"tls": Authority(tmp_path).server()})
        name_helper(workplace)
        checks = the_one(workplace, "harbor", "is not trusted (unknown authority)", "setup --ca-file FILE")
        assert list(checks)[-1] == "harbor"

    def test_not_in_oidc_mode(self, healthy: Workplace) -> None:
        healthy.harbor.auth_mode = "db_auth"
        the_one(healthy, "oidc-mode", "does not sign people in through OIDC", "docker login")

    def test_another_clock(self, healthy: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = make_proxy(healthy.harbor.url)

        def an_hour_ago(exchange: Any, proxied: FaultProxy) -> None:
            status, headers, body = proxied.true_answer(exchange)
            kept = [(name, value) for name, value in headers if name.lower() not in ("date", "content-length")]
            exchange.answer(status, body, [*kept, ("Date", "Sat, 01 Jan 2022 00:00:00 GMT")])

        proxy.set("/api/v2.0/systeminfo", an_hour_ago)
        healthy.configure(url=proxy.url)
        the_one(healthy, "clock", "ahead of Harbor's", "NTP")

    def test_harbor_does_not_reach_its_provider(
        self, healthy: Workplace, make_proxy: Callable[..., FaultProxy]
    ) -> None:
        proxy = make_proxy(healthy.harbor.url)
        proxy.set("/c/oidc/login", faults.status(500))
        healthy.configure(url=proxy.url)
        the_one(healthy, "provider-from-harbor", "cannot reach its identity provider", "administrator")

    @pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE])
    def test_what_harbors_scopes_cost(self, make_workplace: MakeWorkplace, scopes: str) -> None:
        workplace = make_workplace(harbor={"scopes": scopes})
        message = examine(workplace)["offline-access"]["message"]
        assert ("lack offline_access" in message) is (scopes == WITHOUT_OFFLINE)


class TestProvider:
    def test_away_from_here(self, healthy: Workplace) -> None:
        healthy.configure(issuer="http://127.0.0.1:1/realms/dev")
        checks = the_one(healthy, "provider", "cannot be reached", "try again")
        assert list(checks)[-1] == "provider"

    def test_calls_itself_otherwise(self, healthy: Workplace) -> None:
        healthy.configure(issuer=f"{healthy.realm.issuer}/")
        the_one(healthy, "provider", "calls itself", "set issuer to exactly")

    @pytest.mark.parametrize(
        "keys", [{"client_id": "unknown"}, {"redirect_uri": "http://127.0.0.1/elsewhere"}], ids=["client", "redirect"]
    )
    def test_does_not_take_ours(self, healthy: Workplace, keys: dict[str, str]) -> None:
        healthy.configure(**keys)
        checks = examine(healthy)
        assert "client" in failed(checks)
        assert "does not take the client" in checks["client"]["message"]

    def test_no_client_at_all(self, healthy: Workplace) -> None:
        healthy.configure(client_id="")
        checks = examine(healthy)
        assert {"provider", "client", "device-code"} & checks.keys() == set()

    def test_a_device_code_where_no_browser_is(self, healthy: Workplace) -> None:
        del healthy.helper.home.environment["BROWSER"]
        assert examine(healthy)["device-code"]["ok"]
        healthy.realm.update_client("docker-credential-harbor", attributes=NO_DEVICE_GRANT)
        the_one(healthy, "device-code", "no device code", "where a browser is")


class TestSession:
    def test_nobody_is_signed_in(self, workplace: Workplace) -> None:
        name_helper(workplace)
        the_one(workplace, "session", "nobody is signed in", f"login {workplace.name}")

    def test_harbors_side_has_ended(self, healthy: Workplace) -> None:
        healthy.harbor.kill_stored_token("alice-h")
        checks = the_one(healthy, "session", "Harbor's own sign-in has ended", f"login {healthy.name}")
        for cause in ("lets a session idle", "logged out on Harbor's page", "rotates refresh tokens without grace"):
            assert cause in checks["session"]["message"]
        assert healthy.helper.run(["login", healthy.name]).returncode == 0
        assert failed(examine(healthy)) == [], "the fix does"

    def test_not_onboarded_any_more(self, healthy: Workplace) -> None:
        healthy.harbor.users.remove("alice-h")
        message = f"Harbor at {healthy.name} does not take alice for its user alice-h any more"
        the_one(healthy, "session", message, f"login {healthy.name}")

    def test_another_sub_for_our_client(self, workplace: Workplace) -> None:
        """Keycloak's mapper of type pairwise, which its metadata do not tell."""
        name_helper(workplace)
        workplace.configure(top="login_timeout = 10")
        workplace.realm.make_pairwise(HELPER_CLIENT)
        workplace.refused()
        the_one(workplace, "session", "does not know alice yet", "sub differs per client: set client_id = ''")

    def test_without_the_audience_mapper(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace({"audience_mapper": False})
        name_helper(workplace)
        workplace.refused()
        the_one(workplace, "session", "its aud lacks", "mapper of type Audience")

    def test_a_stored_secret_that_is_wrong(self, healthy: Workplace) -> None:
        healthy.store("somebody", "Of-Long-Ago-1")
        the_one(healthy, "session", "Harbor refuses the stored pair", f"docker logout {healthy.name}")

    def test_a_robot(self, healthy: Workplace) -> None:
        healthy.harbor.add_robot("robot$ci", "s")
        healthy.store("robot$ci", "s")
        checks = examine(healthy)
        assert failed(checks) == []
        assert checks["session"]["message"] == "Harbor accepts the pair of robot$ci now"

    def test_a_robot_that_has_expired(self, healthy: Workplace) -> None:
        healthy.store("robot$ci", "s")
        the_one(
            healthy, "session", "refuses the pair of robot$ci; likely it has expired", f"docker login {healthy.name}"
        )

    @pytest.mark.parametrize(
        ("env", "message"),
        [
            ({}, "opens a browser"),
            ({"BROWSER": "", "SSH_TTY": "/dev/pts/9"}, "asks nobody"),
            ({"CI": "1"}, "asks nobody when a sign-in is due"),
            ({"DOCKER_CREDENTIAL_HARBOR_LOGIN": "never"}, 'login is set to "never"'),
        ],
    )
    def test_whom_a_pull_can_ask(self, healthy: Workplace, env: dict[str, str], message: str) -> None:
        checks = examine(healthy, **env)
        assert failed(checks) == []
        assert message in checks["sign-in"]["message"]


def test_several_registries(healthy: Workplace) -> None:
    file = healthy.helper.home.path / "configuration.toml"
    file.write_text(file.read_text() + '\n[registries."127.0.0.1:1"]\nurl = "http://127.0.0.1:1"\n')
    answer = healthy.helper.run(["doctor", "--json"])
    told = [json.loads(line)["registry"] for line in answer.stdout.splitlines()]
    assert told == sorted([healthy.name, "127.0.0.1:1"])
    assert answer.returncode == 1
    assert healthy.helper.run(["doctor", healthy.name]).returncode == 0
