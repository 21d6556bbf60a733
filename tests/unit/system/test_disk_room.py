"""Room on the disk: a file of that size until it becomes the target, or until its process ends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from docker_credential_harbor.system.disk_room import Room, give_back_all
from docker_credential_harbor.system.files import write_private

if TYPE_CHECKING:
    from pathlib import Path


def test_it_becomes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    room = Room(path)
    room.take(5000)
    [taken] = tmp_path.iterdir()
    before = taken.stat()
    assert before.st_size == 5000
    assert write_private(path, b"content", room=room.spend)
    assert (path.read_bytes(), path.stat().st_ino) == (b"content", before.st_ino)
    assert list(tmp_path.iterdir()) == [path]


def test_unchanged_it_is_not_spent(tmp_path: Path) -> None:
    write_private(tmp_path / "file", b"content")
    room = Room(tmp_path / "file")
    room.take(5000)
    assert not write_private(tmp_path / "file", b"content", room=room.spend)
    room.give_back()
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_swept_meanwhile_it_is_not_missed(tmp_path: Path) -> None:
    room = Room(tmp_path / "file")
    room.take(5000)
    [taken] = tmp_path.iterdir()
    taken.unlink()
    assert write_private(tmp_path / "file", b"content", room=room.spend)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_taken_again_it_is_one(tmp_path: Path) -> None:
    room = Room(tmp_path / "file")
    for size in (5000, 6000):
        room.take(size)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [6000]
    del room
    assert list(tmp_path.iterdir()) == []


PROGRAM = """
import os, pathlib, sys
from docker_credential_harbor.system.disk_room import Room, give_back_all
room = Room(pathlib.Path(sys.argv[1]))
room.take(5000)
if os.fork() == 0:
    sys.exit()
os.wait()
print(len(list(pathlib.Path(sys.argv[1]).parent.iterdir())))
"""


def test_it_goes_with_the_process_that_took_it_and_not_with_a_fork(tmp_path: Path) -> None:
    run = [sys.executable, "-c", PROGRAM, str(tmp_path / "file")]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_given_back_by_a_process_that_ends_at_once(tmp_path: Path) -> None:
    rooms = [Room(tmp_path / name) for name in ("one", "other")]
    for room in rooms:
        room.take(5000)
    give_back_all()
    assert list(tmp_path.iterdir()) == []
