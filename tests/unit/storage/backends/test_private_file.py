"""The file as a backend."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotWritable, StoreDamaged
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from tests.unit.storage.backends.test_backend import BackendTests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.storage.backends.backend import Backend


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


class TestPrivateFile(BackendTests):
    @pytest.fixture
    def make(self, folder: Path) -> Callable[[], Backend]:
        return lambda: PrivateFile(folder)


def test_modes(folder: Path) -> None:
    PrivateFile(folder).set("a", "1")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_unchanged_is_not_written(folder: Path) -> None:
    file = PrivateFile(folder)
    file.set("a", "1")
    before = file.path.stat()
    file.set("a", "1")
    file.delete("b")
    assert file.path.stat() == before


def test_reading_makes_nothing(folder: Path) -> None:
    PrivateFile(folder).get("a")
    PrivateFile(folder).delete("a")
    assert not folder.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"version": 1, "values": {"a": "secr',
        b"[]",
        b'{"version": 1}',
        b'{"version": 1, "values": []}',
        b'{"version": 2, "values": {}}',
        b'{"version": 1, "values": {"a": 1}}',
        b"\xff\xfe",
    ],
)
def test_damaged_it_is_left_as_it_is(folder: Path, content: bytes) -> None:
    file = PrivateFile(folder)
    folder.mkdir()
    file.path.write_bytes(content)
    calls: list[Callable[[], object]] = [lambda: file.get("a"), lambda: file.set("a", "2"), lambda: file.delete("a")]
    for call in calls:
        with pytest.raises(StoreDamaged, match=r"secrets\.json is damaged") as caught:
            call()
        assert "secr" not in str(caught.value).replace("secrets.json", "")
    assert file.path.read_bytes() == content


def test_not_writable(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(NotWritable):
        PrivateFile(tmp_path / "data").set("a", "1")


def test_room_is_taken_for_what_is_there_and_so_much_more(folder: Path) -> None:
    file = PrivateFile(folder)
    file.set("a", "x" * 100)
    file.reserve("b", 500)
    [room] = folder.glob(".secrets.json.*.room")
    assert room.stat().st_size == file.path.stat().st_size + 500
    file.reserve("b", 400)
    [room] = folder.glob(".secrets.json.*.room")
    assert room.stat().st_size == file.path.stat().st_size + 400
    inode = room.stat().st_ino
    file.set("b", "y")
    assert list(folder.glob(".*.room")) == []
    assert file.path.stat().st_ino == inode, "the room became the file"


def test_what_killed_writers_left_goes(folder: Path) -> None:
    file = PrivateFile(folder)
    assert not file.has_leftovers()
    file.set("a", "1")
    assert not file.has_leftovers()
    left = folder / ".secrets.json.1-ab.tmp"
    left.write_text("a secret")
    assert file.has_leftovers()
    file.sweep()
    assert not left.exists()
    left.write_text("a secret")
    file.delete("a")
    assert list(folder.iterdir()) == []


def test_the_file_can_be_read_by_people(folder: Path) -> None:
    file = PrivateFile(folder)
    file.set("b", "ü")
    file.set("a", "1")
    assert file.path.read_bytes() == b'{\n "values": {\n  "a": "1",\n  "b": "\\u00fc"\n },\n "version": 1\n}'
    file.delete("b")
    assert file.path.read_bytes() == b'{\n "values": {\n  "a": "1"\n },\n "version": 1\n}'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"[]", "it is not what this program writes"),
        (b'{"version": 1, "values": []}', "it is not what this program writes"),
        (b'{"version": 2, "values": {}}', "another version of this program wrote it"),
        (b'{"version": 1, "values": {"a": "s", "b": 1}}', "a value is no text"),
    ],
)
def test_damage_by_its_reason(folder: Path, content: bytes, reason: str) -> None:
    file = PrivateFile(folder)
    folder.mkdir()
    file.path.write_bytes(content)
    with pytest.raises(StoreDamaged) as caught:
        file.get("a")
    assert caught.value.facts == {"place": str(file.path), "reason": reason}
