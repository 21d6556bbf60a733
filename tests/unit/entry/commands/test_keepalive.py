"""What `keepalive` prints to whom, its exit status, and its scheduler: here a systemctl of the test's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from docker_credential_harbor.model import EarlyEnds
from docker_credential_harbor.policy import durations
from docker_credential_harbor.system.scheduler import NAME, systemd
from tests.unit.machine import ROBOT, put_on_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.machine import Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its scheduler is systemd's")


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a person reads what is printed."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = command_line.run(["keepalive", *arguments])
    return status, *capsys.readouterr()


def timer(machine: Machine) -> Path:
    return machine.home.folders["XDG_CONFIG_HOME"] / "systemd" / "user" / f"{NAME}.timer"


class TestNow:
    def test_a_scheduler_is_told_nothing_while_all_is_well(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(capsys) == (0, "", "")
        machine.sign_in()
        assert run(capsys) == (0, "", "")

    def test_a_person_is(
        self, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_terminal(monkeypatch)
        assert run(capsys) == (0, f"{machine.name}: nobody is signed in\n", "")
        machine.sign_in()
        assert run(capsys) == (0, f"{machine.name}: kept alive (alice-h)\n", "")

    def test_a_session_that_has_ended_fails_each_time(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        for _ in range(2):
            status, output, told = run(capsys)
            assert (status, output) == (1, "")
            assert f"[{errors.SessionEnded.code}]" in told

    def test_an_outage_is_told_once_and_is_no_failure(
        self, machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.sign_in()
        machine.harbor.down()
        status, _, told = run(capsys)
        assert (status, told.count("\n")) == (0, 1)
        assert run(capsys) == (0, "", "")
        at_terminal(monkeypatch)
        assert run(capsys)[2] == told, "a person is told again"

    def test_nor_is_a_harbor_that_cannot_be_kept_alive(
        self, machine: Machine, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        machine.note(early_ends=EarlyEnds(1, 60.0, "then"))
        status, _, told = run(capsys)
        assert (status, f"[{errors.HarborNotKeptAlive.code}]" in told) == (0, True)

    def test_one_that_fails_is_enough(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in()
        machine.harbor.kill_stored_token("alice-h")
        other = '[registries."127.0.0.1:1"]\nurl = "http://127.0.0.1:1"\n'
        machine.configuration.write_text(machine.configuration.read_text() + other)
        assert run(capsys)[0] == 1
        assert run(capsys, "127.0.0.1:1")[0] == 0

    def test_none_is_configured(self, machine: Machine) -> None:
        machine.configuration.write_text("")
        for option in ((), ("--status",), ("--install",)):
            with pytest.raises(errors.NoRegistry):
                command_line.run(["keepalive", *option])


class TestTheScheduler:
    @pytest.mark.parametrize("option", ["--install", "--uninstall"])
    def test_it_is_for_all_registries(self, machine: Machine, capsys: pytest.CaptureFixture[str], option: str) -> None:
        with pytest.raises(SystemExit) as ended:
            command_line.run(["keepalive", option, machine.name])
        assert ended.value.code == errors.EXIT_USAGE
        assert "are for all registries" in capsys.readouterr().err

    def test_in_and_out(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        put_on_path(machine.home, "systemctl")
        status, output, _ = run(capsys, "--install")
        first, *_, last = output.splitlines()
        assert (status, first) == (0, "keepalive runs from now on every 10 minutes, by a systemd user timer.")
        assert last.startswith(f"{machine.name}: Harbor does not ask for offline_access")
        assert timer(machine).exists()
        assert run(capsys, "--install")[1].startswith("keepalive runs already every 10 minutes")
        assert run(capsys, "--uninstall") == (0, "keepalive runs by itself no more.\n", "")
        assert run(capsys, "--uninstall") == (0, "keepalive was not installed.\n", "")

    def test_out_though_none_is_configured(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.configuration.write_text("[")
        assert run(capsys, "--uninstall")[0] == 0

    def test_how_it_runs(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "--status")[1].startswith("keepalive does not run by itself; to let it: ")
        timer(machine).parent.mkdir(parents=True)
        timer(machine).write_text(systemd.timer_text(600))
        first, second, *rest = run(capsys, "--status")[1].splitlines()
        assert first == "keepalive runs every 10 minutes, by a systemd user timer."
        assert second == "Next run: not known. Last run: not known."
        assert len(rest) == 1, "and that is as it should be"
        machine.sign_in(refresh_token_life_seconds=6 * durations.MINUTE)
        assert "Every 2 minutes would fit now: run " in run(capsys, "--status")[1]
        assert "would fit now" not in run(capsys, "--status", machine.name)[1], "one alone does not tell"

    def test_an_interval_of_somebody_elses(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        timer(machine).parent.mkdir(parents=True)
        timer(machine).write_text("[Timer]\nOnCalendar=Mon 10:00\n")
        assert run(capsys, "--status")[1].startswith("keepalive runs at an interval of somebody else's making, by ")


class TestHowLongASessionLasts:
    def last_line(self, capsys: pytest.CaptureFixture[str]) -> str:
        return run(capsys, "--status")[1].splitlines()[-1]

    def test_a_robots(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.keep_stored(ROBOT)
        assert self.last_line(capsys).endswith("a robot's or local account's pair, which has no session")

    def test_without_a_refresh_token(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.sign_in(refresh_token=None)
        assert "gave this program no refresh token" in self.last_line(capsys)

    def test_harbors_ends_by_itself(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.note(early_ends=EarlyEnds(2, 120.0, "then"))
        assert "ends each time within 2 minutes" in self.last_line(capsys)

    def test_by_harbors_scopes(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        assert "Harbor does not ask for offline_access" in self.last_line(capsys)
        machine.harbor.provider.scopes = "openid offline_access"
        assert "Harbor asks for offline access" in self.last_line(capsys)
        machine.harbor.down()
        assert "could not be asked for its scopes" in self.last_line(capsys)
