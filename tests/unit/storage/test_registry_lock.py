"""The registry's lock and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import Busy
from docker_credential_harbor.sign_in import window_note
from docker_credential_harbor.storage import registry_lock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_each_registry_has_one_of_its_own_and_the_window_another(tmp_path: Path) -> None:
    paths = {registry_lock.path("a"), registry_lock.path("b"), window_note.lock_path(), window_note.path()}
    assert len(paths) == 4
    assert all(path.is_relative_to(tmp_path) for path in paths)


def test_who_comes_second_is_told() -> None:
    with registry_lock.held("a", 0):
        with registry_lock.held("b", 0):
            pass
        with pytest.raises(Busy), registry_lock.held("a", 0):
            pass
    with registry_lock.held("a", 0):
        pass
