"""Files in the real /dev/shm, under descriptions of our own, and folders there that are not to be trusted."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.warm_get import memory_file

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = f"docker-credential-harbor-{os.geteuid()}"


@pytest.fixture
def description() -> Iterator[bytes]:
    name = f"test of docker-credential-harbor:{uuid.uuid4()}".encode()
    yield name
    memory_file.remove(name)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of this test's own instead."""
    monkeypatch.setattr(memory_file, "_SHARED_MEMORY", os.fsencode(tmp_path))
    return tmp_path


def test_kept_in_memory_and_for_this_user_alone(description: bytes) -> None:
    memory_file.add(description, b"\0\xff line\n", timeout_seconds=60)
    assert memory_file.read(description) == b"\0\xff line\n"
    folder = Path("/dev/shm") / FOLDER
    assert folder.stat().st_mode & 0o777 == 0o700
    [file] = [path for path in folder.iterdir() if os.fsencode(path.name) == description]
    assert file.stat().st_mode & 0o777 == 0o600
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    assert {kind for _, place, kind, *_ in mounts if place == "/dev/shm"} == {"tmpfs"}


def test_a_newer_one_takes_its_place(shared: Path) -> None:
    for payload in (b"x" * 1000, b"y"):
        memory_file.add(b"h", payload, timeout_seconds=60)
    assert memory_file.read(b"h") == b"y"
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["h"]


def test_absent_and_removed(shared: Path) -> None:
    with pytest.raises(FileNotFoundError):
        memory_file.read(b"h")
    memory_file.add(b"h", b"x", timeout_seconds=60)
    assert memory_file.read(b"other") is None
    memory_file.remove(b"h")
    memory_file.remove(b"h")
    assert memory_file.read(b"h") is None
    assert list((shared / FOLDER).iterdir()) == []


def test_a_slash_leads_nowhere_else(shared: Path) -> None:
    memory_file.add(b"../h", b"x", timeout_seconds=60)
    assert memory_file.read(b"../h") == b"x"
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["..:h"]


def test_whoever_finds_one_that_is_over_takes_it_away(shared: Path) -> None:
    for name in (b"read", b"swept"):
        memory_file.add(name, b"x", timeout_seconds=60)
    for path in (shared / FOLDER).iterdir():
        os.utime(path, (0, time.time() - 1))
    assert memory_file.read(b"read") is None
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["swept"]
    memory_file.add(b"new", b"x", timeout_seconds=60)
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["new"]


def test_what_a_killed_writer_left_is_swept_and_a_writer_at_work_is_let_be(shared: Path) -> None:
    memory_file.add(b"h", b"x", timeout_seconds=60)
    for name, age_seconds in ((".1-killed", 61), (".2-at-work", 1)):
        (shared / FOLDER / name).write_bytes(b"x")
        os.utime(shared / FOLDER / name, (0, time.time() - age_seconds))
    memory_file.add(b"h", b"x", timeout_seconds=60)
    assert {path.name for path in (shared / FOLDER).iterdir()} == {"h", ".2-at-work"}


def test_what_is_forgotten_is_not_left_by_a_killed_writer_either(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (b"h", b"other"):
        memory_file.add(name, b"x", timeout_seconds=60)
    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        memory_file.add(b"h", b"newer", timeout_seconds=60)
    assert len(list((shared / FOLDER).iterdir())) == 3
    memory_file.remove(b"h")
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["other"]


def killed(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("trap", ["open to others", "somebody else's", "a link", "a file"])
def test_a_folder_that_somebody_else_could_have_filled(
    shared: Path, trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_file.add(b"h", b"x", timeout_seconds=60)
    folder = shared / FOLDER
    if trap == "open to others":
        folder.chmod(0o750)
    elif trap == "somebody else's":
        user = os.geteuid()
        folder.rename(shared / f"docker-credential-harbor-{user + 1}")
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    elif trap == "a link":
        folder.rename(shared / "elsewhere")
        folder.symlink_to("elsewhere")
    else:
        (folder / "h").unlink()
        folder.rmdir()
        folder.write_text("x")
    with pytest.raises(OSError, match="denied"):
        memory_file.read(b"h")
    with pytest.raises(OSError, match="denied"):
        memory_file.remove(b"h")
    with pytest.raises(OSError, match="denied"):
        memory_file.add(b"h", b"y", timeout_seconds=60)


def test_a_link_in_the_folder_is_not_followed(shared: Path) -> None:
    memory_file.add(b"h", b"x", timeout_seconds=60)
    (shared / "elsewhere").write_bytes(b"secret")
    (shared / FOLDER / "link").symlink_to("../elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        memory_file.read(b"link")
    memory_file.add(b"link", b"y", timeout_seconds=60)
    assert memory_file.read(b"link") == b"y"
    assert (shared / "elsewhere").read_bytes() == b"secret"


def test_no_room(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory_file.add(b"h", b"older", timeout_seconds=60)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        memory_file.add(b"h", b"newer", timeout_seconds=60)
    assert [path.name for path in (shared / FOLDER).iterdir()] == ["h"]
