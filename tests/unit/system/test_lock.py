"""One at a time, across processes, and freed by the kernel."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotWritable
from docker_credential_harbor.system import lock_elsewhere
from docker_credential_harbor.system.lock import Lock, hold, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDER = (
    "import sys, pathlib\n"
    "from docker_credential_harbor.system.lock import Lock\n"
    "lock = Lock(pathlib.Path(sys.argv[1]))\n"
    "print(lock.acquire(30), flush=True)\n"
    "sys.stdin.readline()\n"
    "lock.release()\n"
    "print('released', flush=True)\n"
    "sys.stdin.readline()\n"
)


@contextlib.contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "lock"


def test_two_in_one_process(path: Path) -> None:
    first, second = Lock(path), Lock(path)
    assert first.acquire(0)
    assert first.held
    assert first.acquire(0), "it is held already"
    assert not second.acquire(0.05)
    assert not second.held
    first.release()
    first.release()
    assert second.acquire(0)
    second.release()


def test_the_file_stays_and_is_empty(path: Path) -> None:
    with hold(path, 0) as held:
        assert held
    assert path.read_bytes() == b""


def test_another_process_excludes_us_until_it_releases(path: Path) -> None:
    with holder(path) as process:
        assert is_held(path)
        with hold(path, 0) as held:
            assert not held
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "released\n"
        assert not is_held(path)
        with hold(path, 0) as held:
            assert held


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_killed_holder_frees_it(path: Path) -> None:
    with holder(path) as process:
        process.send_signal(signal.SIGKILL)
        with hold(path, 30) as held:
            assert held


def test_a_program_started_meanwhile_does_not_keep_it(path: Path) -> None:
    lock = Lock(path)
    assert lock.acquire(0)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.readline()"], stdin=subprocess.PIPE, close_fds=False
    ) as child:
        lock.release()
        assert not is_held(path)
        child.communicate(b"\n")


def test_an_exception_in_the_block_releases_it(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold(path, 0):
        raise ZeroDivisionError
    assert not is_held(path)


def test_is_held_makes_nothing(path: Path) -> None:
    assert not is_held(path)
    assert not path.parent.exists()


def test_a_removed_lock_file_does_not_let_two_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody clears the folder between our opening and our locking: the new file counts."""
    opened = os.open
    removed: list[bool] = []

    def open_and_lose(name: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(name, flags, mode)
        if not removed:
            removed.append(True)
            path.unlink()
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    with hold(path, 0) as held:
        assert held
        assert path.exists()
        assert is_held(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWritable):
        Lock(tmp_path / "file" / "lock").acquire(0)
    with pytest.raises(NotWritable):
        Lock(tmp_path).acquire(0)


@pytest.mark.skipif(sys.platform != "linux", reason="there are no places elsewhere")
def test_a_place_elsewhere_that_cannot_be_used(path: Path) -> None:
    """Another process needed it once; what lies there now is no file."""
    other = lock_elsewhere.place(path)
    assert other
    other.mkdir()
    try:
        with hold(path, 0) as held:
            assert held
            assert not Lock(path).acquire(0)
    finally:
        other.rmdir()


def test_ended_between_its_two_places(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lock_elsewhere, "existing", ended)
        with pytest.raises(KeyboardInterrupt):
            Lock(path).acquire(0)
    assert not is_held(path)
