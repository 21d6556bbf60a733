"""What is written for Windows' Task Scheduler, and what schtasks is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from docker_credential_harbor.policy import durations
from docker_credential_harbor.system.scheduler import NAME, Schedule, windows_task
from tests.unit.system.scheduler.fake_tool import JOB, calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
