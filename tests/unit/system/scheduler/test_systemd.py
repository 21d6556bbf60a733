"""What is written for systemd, and how it is told where it refuses; a real one is in the flows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NoScheduler, SchedulerFailed
from docker_credential_harbor.policy import keepalive_interval
from docker_credential_harbor.system.scheduler import Schedule, systemd
from tests.unit.system.scheduler.fake_tool import JOB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
