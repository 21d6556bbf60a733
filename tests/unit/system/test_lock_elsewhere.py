"""Where a lock lies whose own file system has none: the same place for every process, in a folder of ours alone."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system import lock_elsewhere

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no places elsewhere")


def test_the_same_place_by_whatever_name_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    place = lock_elsewhere.place(tmp_path / "a.lock")
    for variable in ("TMPDIR", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert place == lock_elsewhere.place(tmp_path / "link" / "a.lock")
    assert place != lock_elsewhere.place(tmp_path / "b.lock")


def test_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    place = lock_elsewhere.place(tmp_path / "a.lock")
    assert place
    status = place.parent.lstat()
    assert (status.st_uid, status.st_mode & 0o077) == (os.geteuid(), 0)


def test_there_once_a_process_has_needed_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    assert lock_elsewhere.existing(path) is None
    place = lock_elsewhere.place(path)
    assert place
    assert lock_elsewhere.existing(path) is None, "asking for the place makes no file"
    place.touch()
    try:
        assert lock_elsewhere.existing(path) == place
    finally:
        place.unlink()
