"""What is written for launchd, and what launchctl is asked."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import SchedulerFailed
from docker_credential_harbor.system.scheduler import NAME, Schedule, launchd
from tests.unit.system.scheduler.fake_tool import JOB, calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
