"""`keepalive --install`, `--uninstall` and `--status` on a real systemd user instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import user_systemd
from tests.lab.processes import wait_until
from tests.lab.realm import HELPER_CLIENT
from tests.lab.user_systemd import UserSystemd
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.sealed_home import Helper, Home
    from tests.lab.workplace import Workplace

TIMER = "docker-credential-harbor-keepalive.timer"
SERVICE = "docker-credential-harbor-keepalive.service"


@pytest.fixture
def systemd(home: Home, tmp_path: Path) -> Iterator[UserSystemd]:
    need(
        "systemd user instance", f"apt-get install systemd; lacks {user_systemd.missing()}", not user_systemd.missing()
    )
    with UserSystemd(home, tmp_path) as instance:
        yield instance


@pytest.fixture
def workplace(make_workplace: Callable[..., Workplace]) -> Workplace:
    """Sessions live 30 minutes and what a slow sign-in takes: of less than 30, a third would be less than 10."""
    return make_workplace({"ssoSessionIdleTimeout": 1900})


@pytest.fixture
def at_work(systemd: UserSystemd, workplace: Workplace) -> Workplace:
    """A workplace in a session of that systemd."""
    assert systemd.systemctl("is-active", "timers.target").stdout == "active\n"
    return workplace


def units(workplace: Workplace) -> Path:
    return workplace.helper.home.folders["XDG_CONFIG_HOME"] / "systemd/user"


def keepalive(systemd: UserSystemd, helper: Helper, *arguments: str) -> subprocess.CompletedProcess[str]:
    answer = systemd.run([helper.program, "keepalive", *arguments])
    assert (answer.returncode, answer.stderr) == (0, ""), answer
    return answer


class TestSystemd:
    def test_from_install_to_uninstall(self, systemd: UserSystemd, at_work: Workplace) -> None:
        at_work.pair()
        said = keepalive(systemd, at_work.helper, "--install").stdout
        assert said.startswith("keepalive runs from now on every 10 minutes, by a systemd user timer.\n")
        assert "loginctl enable-linger" in said
        assert f"{at_work.name}: Harbor does not ask for offline_access" in said
        assert systemd.systemctl("is-enabled", TIMER).stdout == "enabled\n"
        assert systemd.systemctl("is-active", TIMER).stdout == "active\n"
        said = keepalive(systemd, at_work.helper, "--status").stdout
        assert said.startswith("keepalive runs every 10 minutes, by a systemd user timer.\nNext run: ")
        assert "Next run: not known" not in said
        assert "Last run: not known" in said
        said = keepalive(systemd, at_work.helper, "--uninstall").stdout
        assert said == "keepalive runs by itself no more.\n"
        assert [path for path in units(at_work).rglob("*") if path.name in (TIMER, SERVICE)] == []
        assert systemd.systemctl("is-active", TIMER).stdout == "inactive\n"
        said = keepalive(systemd, at_work.helper, "--uninstall").stdout
        assert said == "keepalive was not installed.\n"
        assert "does not run by itself" in keepalive(systemd, at_work.helper, "--status").stdout

    def test_it_goes_with_the_last_registry(self, systemd: UserSystemd, at_work: Workplace) -> None:
        """A timer that nobody needs would fail at every interval."""
        del at_work.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"]
        for name in ("harbor.example.com", "other.example.com"):
            assert at_work.helper.run(["setup", "--no-login", name]).returncode == 0
        keepalive(systemd, at_work.helper, "--install")
        undo = [at_work.helper.program, "setup", "--undo"]
        assert "keepalive" not in systemd.run([*undo, "other.example.com"]).stdout
        assert systemd.systemctl("is-active", TIMER).stdout == "active\n"
        assert "keepalive runs by itself no more\n" in systemd.run([*undo, "harbor.example.com"]).stdout
        assert systemd.systemctl("is-active", TIMER).stdout == "inactive\n"
        assert not (units(at_work) / TIMER).exists()

    def test_again_changes_only_what_is_different(self, systemd: UserSystemd, at_work: Workplace) -> None:
        at_work.pair()
        keepalive(systemd, at_work.helper, "--install")
        before = [
            (path.read_bytes(), path.stat().st_mtime_ns) for path in (units(at_work) / TIMER, units(at_work) / SERVICE)
        ]
        assert "nothing changed" in keepalive(systemd, at_work.helper, "--install").stdout
        after = [
            (path.read_bytes(), path.stat().st_mtime_ns) for path in (units(at_work) / TIMER, units(at_work) / SERVICE)
        ]
        assert after == before
        at_work.harbor.provider.scopes = WITH_OFFLINE
        at_work.harbor.kill_stored_token("alice-h")
        assert at_work.helper.run("login").returncode == 0
        said = keepalive(systemd, at_work.helper, "--status").stdout
        assert "keepalive runs every 10 minutes" in said
        assert "Every 1 day would fit now" in said
        assert f"{at_work.name}: Harbor asks for offline access" in said
        assert "runs from now on every 1 day" in keepalive(systemd, at_work.helper, "--install").stdout
        calendar = systemd.systemctl("show", TIMER, "--property=TimersCalendar").stdout
        assert "OnCalendar=*-*-* 00:00:00" in calendar
        systemd.systemctl("stop", TIMER)
        assert "runs from now on" in keepalive(systemd, at_work.helper, "--install").stdout, "it had been stopped"

    def test_what_it_installs_keeps_both_sides_alive(self, systemd: UserSystemd, at_work: Workplace) -> None:
        at_work.pair()
        at_work.learn_life()
        at_work.harbor.expire_stored_access_token("alice-h")
        at_work.let_id_token_expire()
        refreshes, kept = at_work.harbor.refreshes, at_work.kept_tokens()
        keepalive(systemd, at_work.helper, "--install")
        done = systemd.systemctl("start", SERVICE)
        assert done.returncode == 0, done.stderr
        assert at_work.harbor.refreshes == refreshes + 1
        assert at_work.kept_tokens()["refresh_token"] != kept["refresh_token"]
        assert at_work.person.windows == 1
        at_work.asked()
        at_work.pair()
        assert at_work.asked() == [], "what the service remembered holds for a person's own session"

    def test_the_timer_runs_it(self, systemd: UserSystemd, at_work: Workplace) -> None:
        """A drop-in makes it every two seconds."""
        at_work.pair()
        keepalive(systemd, at_work.helper, "--install")
        faster = units(at_work) / f"{TIMER}.d" / "faster.conf"
        faster.parent.mkdir()
        faster.write_text("[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=1us\nRandomizedDelaySec=0\n")
        assert systemd.systemctl("daemon-reload").returncode == 0
        at_work.harbor.clear_requests()
        assert systemd.systemctl("restart", TIMER).returncode == 0
        wait_until(lambda: len(at_work.harbor.requests_to("/service/token")) >= 2, "two probes by the timer", 60)
        assert systemd.systemctl("stop", TIMER).returncode == 0
        assert "Last run: not known" not in keepalive(systemd, at_work.helper, "--status").stdout
        assert at_work.person.windows == 1

    def test_an_ended_session_shows_as_a_failed_unit_and_an_outage_does_not(
        self, systemd: UserSystemd, at_work: Workplace
    ) -> None:
        at_work.pair()
        keepalive(systemd, at_work.helper, "--install")
        at_work.harbor.down()
        assert systemd.systemctl("start", SERVICE).returncode == 0
        at_work.harbor.up()
        at_work.harbor.kill_stored_token("alice-h")
        assert systemd.systemctl("start", SERVICE).returncode != 0
        shown = systemd.systemctl("show", SERVICE, "--property=Result,ExecMainStatus").stdout.split()
        assert sorted(shown) == ["ExecMainStatus=1", "Result=exit-code"]
        assert at_work.person.windows == 1

    def test_the_kernels_keyring_can_be_reached(self, systemd: UserSystemd, at_work: Workplace) -> None:
        at_work.helper.configure(f'storage = "kernel"\n[registries."{at_work.name}"]\nurl = "{at_work.harbor.url}"\n')
        at_work.pair()
        at_work.harbor.expire_stored_access_token("alice-h")
        refreshes = at_work.harbor.refreshes
        keepalive(systemd, at_work.helper, "--install")
        done = systemd.systemctl("start", SERVICE)
        assert done.returncode == 0, done.stderr
        assert at_work.harbor.refreshes == refreshes + 1

    @pytest.mark.parametrize("folder", ["with spaces, 50% $HOME ü", 'it\'s "so" \\n %h', "-dash;&|#"])
    def test_a_program_at_an_odd_place(self, systemd: UserSystemd, at_work: Workplace, folder: str) -> None:
        at_work.pair()
        place = at_work.helper.home.path / folder
        place.mkdir()
        program = place / "docker-credential-harbor"
        program.symlink_to(at_work.helper.program)
        answer = systemd.run([str(program), "keepalive", "--install"])
        assert (answer.returncode, answer.stderr) == (0, "")
        checked = systemd.run(
            ["systemd-analyze", "--user", "verify", str(units(at_work) / SERVICE), str(units(at_work) / TIMER)]
        )
        assert (checked.returncode, [line for line in checked.stderr.splitlines() if "docker-credential" in line]) == (
            0,
            [],
        )
        at_work.harbor.clear_requests()
        done = systemd.systemctl("start", SERVICE)
        assert done.returncode == 0, done.stderr
        assert len(at_work.harbor.requests_to("/service/token")) == 1


class TestWithoutSystemd:
    def test_the_line_names_the_alternative_and_nothing_is_written(self, workplace: Workplace) -> None:
        workplace.pair()
        answer = workplace.helper.run(["keepalive", "--install"])
        assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
        assert "could run keepalive by itself" in answer.stderr
        assert "crontab -e: */10 * * * * " in answer.stderr
        assert f"{workplace.helper.program} keepalive" in answer.stderr
        assert not units(workplace).exists()
        said = workplace.helper.run(["keepalive", "--status"])
        assert (said.returncode, said.stderr) == (0, "")
        assert "does not run by itself" in said.stdout

    def test_install_is_for_all_registries(self, workplace: Workplace) -> None:
        answer = workplace.helper.run(["keepalive", workplace.name, "--install"])
        assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (2, "", 1)

    def test_how_long_a_session_can_last(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        said = workplace.helper.run(["keepalive", "--status"]).stdout
        assert "a session ends with the browser's session" in said
        assert "10 hours" in said
        assert "ask Harbor's administrator to add offline_access" in said
        workplace.harbor.provider.scopes = WITH_OFFLINE
        assert (
            "a session that is kept alive lasts until the provider ends it"
            in workplace.helper.run(["keepalive", "--status"]).stdout
        )
        workplace.harbor.down()
        assert "not known" in workplace.helper.run(["keepalive", "--status"]).stdout
        workplace.harbor.up()
        workplace.realm.update_client(HELPER_CLIENT, attributes={"use.refresh.tokens": "false"})
        workplace.pair()
        said = workplace.helper.run(["keepalive", "--status"]).stdout
        assert "gave this program no refresh token" in said
        workplace.store("robot$ci", "s")
        assert "has no session" in workplace.helper.run(["keepalive", "--status"]).stdout
