"""A fake of a scheduler's own tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.system.scheduler.fake_tool import FAKE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
