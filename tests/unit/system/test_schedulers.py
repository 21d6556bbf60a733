"""What is written for each system's scheduler, and what its own tool is asked; a real systemd is in the flows."""

from __future__ import annotations

import plistlib
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from docker_credential_harbor.errors import NoScheduler, SchedulerFailed
from docker_credential_harbor.policy import durations, keepalive_interval
from docker_credential_harbor.system import scheduler
from docker_credential_harbor.system.scheduler import Job, Schedule, launchd, systemd, windows_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JOB = Job(("/usr/bin/docker-credential-harbor", "keepalive"), 600, {"XDG_CONFIG_HOME": "/c"}, ("XDG_DATA_HOME",))
NAME = scheduler.NAME

# Records its arguments, one call a line; answers as the files beside it say.
FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> {folder}/calls
case " $(cat {folder}/fails 2>/dev/null) " in *" $1 "*) echo "it is refused." >&2; exit 5;; esac
cat {folder}/output 2>/dev/null || true
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program of that name on PATH; gives the folder of its files."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def make(name: str) -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir()
        program.write_text(FAKE.format(folder=tmp_path))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return tmp_path

    return make


def calls(folder: Path) -> list[str]:
    """What the fake was asked since the last time."""
    path = folder / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


class TestChoice:
    def test_one_a_system(self) -> None:
        assert scheduler.choose("darwin") is launchd
        assert scheduler.choose("win32") is windows_task
        assert scheduler.choose("linux") is systemd
        assert scheduler.choose("freebsd14") is systemd


class TestSystemd:
    def test_the_service(self) -> None:
        text = systemd.service_text(JOB)
        assert 'ExecStart="/usr/bin/docker-credential-harbor" "keepalive"\n' in text
        assert 'Environment="XDG_CONFIG_HOME=/c"\n' in text
        assert "UnsetEnvironment=XDG_DATA_HOME\n" in text
        assert "KeyringMode=shared\n" in text
        for needs_a_namespace in ("Protect", "Private", "ReadOnly", "BindPaths", "TemporaryFileSystem"):
            assert needs_a_namespace not in text

    @pytest.mark.parametrize(
        ("program", "written"),
        [
            ("/o p/x", '"/o p/x" "a"'),
            ("/50%/$HOME/x", '"/50%%/$HOME/x" "a"'),
            ("/ü/x", '"/ü/x" "a"'),
            ('/"q"/x', '"/usr/bin/env" "/\\"q\\"/x" "a"'),
            ("/it's/$x", '"/usr/bin/env" "/it\'s/$$x" "a"'),
            ("/b\\s/x", '"/usr/bin/env" "/b\\\\s/x" "a"'),
            ("/new\nline/x", '"/usr/bin/env" "/new\\x0aline/x" "a"'),
        ],
    )
    def test_programs_at_odd_places(self, program: str, written: str) -> None:
        assert f"ExecStart={written}\n" in systemd.service_text(replace(JOB, command=(program, "a")))

    def test_arguments_and_variables_at_their_word(self) -> None:
        text = systemd.service_text(replace(JOB, command=("/x", "$HOME 5%"), environment={"A": 'b "c" $d 5%\n'}))
        assert 'ExecStart="/x" "$$HOME 5%%"\n' in text
        assert 'Environment="A=b \\"c\\" $d 5%%\\x0a"\n' in text

    def test_every_step_has_a_calendar(self) -> None:
        assert sorted(systemd.CALENDARS.values()) == list(keepalive_interval.STEPS_SECONDS)
        for step in keepalive_interval.STEPS_SECONDS:
            text = systemd.timer_text(step)
            assert "Persistent=true\n" in text
            calendar = next(line for line in text.splitlines() if line.startswith("OnCalendar="))
            assert systemd.CALENDARS[calendar.removeprefix("OnCalendar=")] == step

    def test_a_refusal_is_told_with_the_commands_own_words(self, fake: Callable[[str], Path]) -> None:
        folder = fake("systemctl")
        (folder / "bin/systemctl").write_text(
            '#!/bin/sh\ncase "$2" in enable) echo "Failed to enable unit: Access denied" >&2; exit 1;; esac\n'
        )
        with pytest.raises(SchedulerFailed, match=r"enable .* failed \(Failed to enable unit: Access denied\)"):
            systemd.install(JOB)

    def test_without_systemd(self, fake: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
        folder = fake("something")
        monkeypatch.setenv("PATH", str(folder / "bin"))
        with pytest.raises(NoScheduler, match="there is no systemd"):
            systemd.install(JOB)
        assert systemd.status() is None
        assert systemd.uninstall() is False

    def test_units_that_are_left_without_systemd(
        self, fake: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = fake("systemctl")
        (folder / "fails").write_text("--user nothing")
        (folder / "bin/systemctl").write_text("#!/bin/sh\nexit 0\n")
        assert systemd.install(JOB)
        monkeypatch.setenv("PATH", str(folder))
        assert systemd.status() == Schedule(600)
        assert systemd.uninstall()
        assert list((folder / "config/systemd/user").iterdir()) == []

    def test_a_timer_of_somebody_elses_making(self, fake: Callable[[str], Path]) -> None:
        folder = fake("systemctl")
        timer = folder / "config/systemd/user" / systemd.TIMER
        timer.parent.mkdir(parents=True)
        timer.write_text("[Timer]\nOnCalendar=Mon 10:00\n")
        assert systemd.status() == Schedule(None)


class TestLaunchd:
    @pytest.fixture
    def folder(self, fake: Callable[[str], Path]) -> Path:
        return fake("launchctl")

    @pytest.fixture
    def target(self) -> str:
        return launchd.target()

    def plist(self, folder: Path) -> Path:
        return folder / f"home/Library/LaunchAgents/{NAME}.plist"

    def test_install_again_and_uninstall(self, folder: Path, target: str) -> None:
        domain = target.rpartition("/")[0]
        (folder / "fails").write_text("print")
        assert launchd.install(JOB)
        assert calls(folder) == [f"print {target}", f"bootstrap {domain} {self.plist(folder)}"]
        written = plistlib.loads(self.plist(folder).read_bytes())
        assert written["Label"] == NAME
        assert written["ProgramArguments"] == list(JOB.command)
        assert written["StartInterval"] == 600
        assert written["EnvironmentVariables"] == JOB.environment
        assert written["Umask"] == 0o077
        (folder / "fails").unlink()
        assert launchd.status() == Schedule(600)
        assert not launchd.install(JOB)
        assert calls(folder) == [f"print {target}"]
        assert launchd.install(replace(JOB, interval_seconds=3600))
        assert calls(folder) == [f"print {target}", f"bootout {target}", f"bootstrap {domain} {self.plist(folder)}"]
        assert launchd.status() == Schedule(3600)
        assert launchd.uninstall()
        assert calls(folder) == [f"print {target}", f"bootout {target}"]
        assert not self.plist(folder).exists()
        assert not launchd.uninstall()
        assert launchd.status() is None

    def test_odd_paths_survive(self) -> None:
        job = replace(JOB, command=("/A & <B>/\"x\" 'y'", "keepalive"))
        assert plistlib.loads(launchd.plist(job))["ProgramArguments"] == list(job.command)

    def test_a_refusal_is_told(self, folder: Path) -> None:
        (folder / "fails").write_text("print bootstrap")
        with pytest.raises(SchedulerFailed, match=r"bootstrap .* failed \(it is refused\)"):
            launchd.install(JOB)

    def test_a_property_list_that_is_none(self, folder: Path) -> None:
        self.plist(folder).parent.mkdir(parents=True)
        self.plist(folder).write_text("none")
        assert launchd.status() == Schedule(None)


class TestWindowsTask:
    @pytest.fixture
    def folder(self, fake: Callable[[str], Path]) -> Path:
        return fake("schtasks")

    def definition(self, folder: Path) -> Path:
        [path] = folder.rglob(f"{NAME}.xml")
        return path

    def test_install_again_and_uninstall(self, folder: Path) -> None:
        (folder / "fails").write_text("/Query")
        assert windows_task.status() is None
        calls(folder)
        assert windows_task.install(JOB)
        create = f"/Create /F /TN {NAME} /XML {self.definition(folder)}"
        assert calls(folder) == [f"/Query /TN {NAME}", create]
        (folder / "fails").unlink()
        (folder / "output").write_text('"PC","\\t","1/2/2026 3:00","Bereit","x","1/2/2026 2:50","0"\r\n')
        assert windows_task.status() == Schedule(600, "1/2/2026 3:00", "1/2/2026 2:50")
        calls(folder)
        assert not windows_task.install(JOB)
        assert calls(folder) == [f"/Query /TN {NAME}"]
        assert windows_task.install(replace(JOB, interval_seconds=durations.DAY))
        assert create in calls(folder)
        assert windows_task.uninstall()
        assert f"/Delete /F /TN {NAME}" in calls(folder)
        assert list(folder.rglob("*.xml")) == []
        (folder / "fails").write_text("/Query")
        assert not windows_task.uninstall()

    def test_the_definition(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("USERDOMAIN", "CORP")
        monkeypatch.setenv("USERNAME", "alice")
        content = windows_task.task_xml(replace(JOB, command=("C:\\Program Files\\<h & h>\\x.exe", "keepalive")))
        assert content.decode("utf-16").startswith("<?xml")
        task = ET.fromstring(content)  # noqa: S314 - written a line above
        names = {"t": windows_task.NAMESPACE}
        assert task.findtext("t:Triggers/t:TimeTrigger/t:Repetition/t:Interval", namespaces=names) == "PT10M"
        assert task.findtext("t:Settings/t:StartWhenAvailable", namespaces=names) == "true"
        assert task.findtext("t:Principals/t:Principal/t:UserId", namespaces=names) == "CORP\\alice"
        assert task.findtext("t:Principals/t:Principal/t:LogonType", namespaces=names) == "InteractiveToken"
        assert task.findtext("t:Actions/t:Exec/t:Command", namespaces=names) == "conhost.exe"
        arguments = task.findtext("t:Actions/t:Exec/t:Arguments", namespaces=names)
        assert arguments == '--headless "C:\\Program Files\\<h & h>\\x.exe" keepalive'


class TestCrontab:
    @pytest.mark.parametrize(
        ("seconds", "when"),
        [(60, "*/1 * * * *"), (600, "*/10 * * * *"), (3600, "0 */1 * * *"), (12 * 3600, "0 */12 * * *")],
    )
    def test_when(self, seconds: int, when: str) -> None:
        assert scheduler.crontab_line(replace(JOB, interval_seconds=seconds)).startswith(f"{when} XDG_CONFIG_HOME=/c /")

    def test_once_a_day(self) -> None:
        assert scheduler.crontab_line(replace(JOB, interval_seconds=durations.DAY)).startswith("0 12 * * * ")

    def test_odd_paths_survive_the_shell(self, tmp_path: Path) -> None:
        program = tmp_path / 'it\'s 50% "odd" $HOME'
        program.write_text('#!/bin/sh\nprintf "%s|%s" "$0" "$A"\n')
        program.chmod(0o755)
        line = scheduler.crontab_line(Job((str(program), "keepalive"), 600, {"A": "b c%"}))
        fields = line.split(" ", 5)
        assert fields[:5] == ["*/10", "*", "*", "*", "*"]
        assert "%" not in fields[5].replace("\\%", "")
        shell = ["/bin/sh", "-c", fields[5].replace("\\%", "%")]  # as cron takes it
        assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == f"{program}|b c%"
