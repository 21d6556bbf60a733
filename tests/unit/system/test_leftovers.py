"""What writers that were killed have left beside a file, and whose it is to go."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system import leftovers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_bytes(b"{}")
    return path


def left(path: Path, ending: str, age_seconds: float = 0) -> Path:
    beside = leftovers.name_beside(path, ending)
    beside.write_bytes(b"SECRET")
    at = time.time() - age_seconds
    os.utime(beside, (at, at))
    return beside


def test_each_name_is_new_and_in_the_same_folder(path: Path) -> None:
    one, two = (leftovers.name_beside(path, leftovers.CONTENT) for _ in range(2))
    assert one != two
    assert {one.parent, two.parent} == {path.parent}


def test_content_is_left_and_room_is_none(path: Path) -> None:
    assert not leftovers.exist(path)
    left(path, leftovers.ROOM)
    assert not leftovers.exist(path)
    left(path, leftovers.CONTENT)
    assert leftovers.exist(path)
    assert not leftovers.exist(path.with_name("other.json"))
    assert not leftovers.exist(path.parent / "none" / "config.json")


def test_who_excludes_others_removes_all_content_of_that_file(path: Path) -> None:
    other = left(path.with_name("other.json"), leftovers.CONTENT)
    room = left(path, leftovers.ROOM)
    content = left(path, leftovers.CONTENT)
    leftovers.sweep(path)
    assert not content.exists()
    assert path.read_bytes() == b"{}"
    assert (other.exists(), room.exists()) == (True, True)
    leftovers.sweep(path.parent / "none" / "config.json")


@pytest.mark.parametrize("ending", [leftovers.CONTENT, leftovers.ROOM])
def test_else_only_what_nobody_is_at_work_on(path: Path, ending: str) -> None:
    old, new = left(path, ending, leftovers.OLD_SECONDS + 60), left(path, ending, leftovers.OLD_SECONDS - 60)
    leftovers.sweep_old(path)
    assert (old.exists(), new.exists()) == (False, True)
