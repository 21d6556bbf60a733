"""Which scheduler a system has, and the crontab line for one that has none of them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.policy import durations
from docker_credential_harbor.system import scheduler
from docker_credential_harbor.system.scheduler import Job, launchd, systemd, windows_task
from tests.unit.system.scheduler.fake_tool import JOB

if TYPE_CHECKING:
    from pathlib import Path


class TestChoice:
    def test_one_a_system(self) -> None:
        assert scheduler.choose("darwin") is launchd
        assert scheduler.choose("win32") is windows_task
        assert scheduler.choose("linux") is systemd
        assert scheduler.choose("freebsd14") is systemd


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
