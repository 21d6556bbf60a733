"""What `status` prints, for people and for programs; what there is to be found out is use_cases/current_state."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from docker_credential_harbor.model import Credentials, Registry
from docker_credential_harbor.policy import durations
from docker_credential_harbor.use_cases import why_no_pair
from tests.unit.machine import NEVER, ROBOT

if TYPE_CHECKING:
    from tests.unit.machine import Machine


def row(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert command_line.run(["status", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["registries"]
    assert isinstance(found, dict)
    return found


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert command_line.run(["status"]) == 0
    return capsys.readouterr().out.splitlines()


class TestForPrograms:
    def test_a_pair_that_works(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        now = datetime.now(timezone.utc)
        machine.sign_in(refresh_token_life_seconds=1800)
        found = row(capsys)
        assert abs(datetime.fromisoformat(found.pop("verified_at")) - now) < timedelta(minutes=1)
        ends_at = datetime.fromisoformat(found.pop("sign_in_ends_at"))
        assert abs(ends_at - now - timedelta(minutes=30)) < timedelta(minutes=1)
        assert found == {
            "registry": machine.name,
            "username": "alice-h",
            "state": "ready",
            "message": "Harbor accepts the pair now",
            "last_pull": None,
            "storage": "file",
        }

    def test_nobody_is_signed_in(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        found = row(capsys)
        login = f"run: docker-credential-harbor login {machine.name}"
        assert found["message"] == f"nobody is signed in at {machine.name}; {login}"
        assert (found["state"], found["username"], found["storage"]) == ("signed-out", None, None)

    def test_a_sign_in_without_a_pair_is_named_by_its_person(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.keep_sign_in()
        machine.harbor.users.remove("alice-h")
        assert (row(capsys)["username"], row(capsys)["state"]) == ("alice", "not-onboarded")

    def test_one_that_has_ended_does_not_end_any_more(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.sign_in(id_token_expires_at=1.0, refresh_token="of no use", refresh_token_life_seconds=1800)
        machine.harbor.kill_stored_token("alice-h")
        assert row(capsys)["sign_in_ends_at"] is None

    @pytest.mark.parametrize("unknown", ["refresh_token_life_seconds", "refreshed_at"])
    def test_when_it_ends_may_not_be_known(
        self, machine: Machine, capsys: pytest.CaptureFixture[str], unknown: str
    ) -> None:
        machine.sign_in(**{"refresh_token_life_seconds": 1800, unknown: None})
        assert row(capsys)["sign_in_ends_at"] is None

    def test_what_cannot_be_read_is_a_row_all_the_same(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.sign_in()
        kept = list(machine.home.folders["XDG_DATA_HOME"].rglob("*.json"))
        assert kept
        for path in kept:
            path.write_text("{")
        found = row(capsys)
        assert (found["state"], found["username"], found["storage"]) == ("refused", None, None)
        assert any(str(path) in found["message"] for path in kept)

    def test_none_is_configured(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.configuration.write_text("")
        assert command_line.run(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"registries": []}
        with pytest.raises(errors.NoRegistry):
            command_line.run(["status"])

    def test_one_by_name_or_all_by_theirs(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        other = '[registries."127.0.0.1:1"]\nurl = "http://127.0.0.1:1"\n'
        machine.configuration.write_text(machine.configuration.read_text() + other)
        command_line.run(["status", "--json"])
        assert [found["registry"] for found in json.loads(capsys.readouterr().out)["registries"]] == sorted(
            ["127.0.0.1:1", machine.name]
        )
        command_line.run(["status", "--json", machine.name])
        assert len(json.loads(capsys.readouterr().out)["registries"]) == 1
        with pytest.raises(errors.UnknownRegistry):
            command_line.run(["status", "h.example.com"])


class TestForPeople:
    def test_a_pair_that_works(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in(refresh_token_life_seconds=15 * durations.HOUR + 30)
        assert said(capsys) == [
            f"{machine.name}: ready (alice-h): Harbor accepts the pair now",
            "  kept in a file that only this user can read",
            "  verified just now",
            "  the sign-in ends in 15 hours if it is not used before",
        ]

    def test_ours_has_probably_ended(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in(refresh_token_life_seconds=60, refreshed_at=time.time() - 120)
        assert said(capsys)[-1].startswith("  the sign-in at the identity provider has probably ended")

    def test_a_robots(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.keep_stored(ROBOT)
        first = f"{machine.name}: ready (robot$ci): a robot's or local account's pair, handed out as it is"
        assert said(capsys)[0] == first

    def test_a_stored_pair_that_is_refused(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.keep_stored(Credentials("ali\x1bce", "s"))
        [first, *_] = said(capsys)
        message = "Harbor refuses the stored pair; docker logout forgets it"
        assert first == f"{machine.name}: refused (ali\\x1bce): {message}"

    def test_the_last_pull_comes_first(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in()
        registry = Registry(machine.name, machine.harbor.url)
        why_no_pair.tell(registry, errors.SignInEnded(registry=machine.name), "docker", time.time())
        first, second, *_ = said(capsys)
        assert first.startswith(f"{machine.name}: the last pull had no pair, just now, by docker: ")
        assert second.startswith(f"{machine.name}: ready"), "which the look itself has mended"

    @pytest.mark.parametrize(("top", "told"), [("", "the next pull opens Harbor's login for it"), (NEVER, "run: ")])
    def test_what_mends_it(
        self,
        machine: Machine,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        top: str,
        told: str,
    ) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.configure(top)
        monkeypatch.setenv("BROWSER", "true")
        assert f"Harbor's own sign-in has ended; {told}" in said(capsys)[0]

    def test_a_pause(
        self, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.configure("")
        monkeypatch.setenv("BROWSER", "true")
        machine.note(declines=1, declined_at=time.time())
        [first] = said(capsys)
        assert "no window opens by itself for " in first
        assert first.endswith(f"s more: run: docker-credential-harbor login {machine.name}")

    def test_what_the_last_window_met(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.note(last_window=errors.RefusedAfterLogin.code, declines=1, declined_at=time.time() - 600)
        met = errors.RefusedAfterLogin(registry=machine.name, username="alice-h")
        assert said(capsys)[0].endswith(f"{met} (last tried 10 minutes ago)")
