"""Private, atomic, synced, and only when something changed."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotReadable, NotWritable
from docker_credential_harbor.system.files import (
    OPEN_FILE,
    OPEN_FOLDER,
    make_private_folder,
    make_room,
    read_bytes,
    replace_keeping_link,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@posix_only
class TestMakePrivateFolder:
    def test_all_that_is_missing_is_private(self, tmp_path: Path, umask: int) -> None:  # noqa: ARG002
        make_private_folder(tmp_path / "a" / "b")
        assert mode_of(tmp_path / "a") == 0o700
        assert mode_of(tmp_path / "a" / "b") == 0o700

    def test_an_open_one_is_closed_and_what_is_above_is_left(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a").chmod(0o755)
        (tmp_path / "a" / "b").chmod(0o755)
        make_private_folder(tmp_path / "a" / "b")
        assert mode_of(tmp_path / "a") == 0o755
        assert mode_of(tmp_path / "a" / "b") == 0o700

    def test_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"")
        with pytest.raises(NotWritable, match="a cannot be written"):
            make_private_folder(tmp_path / "a")
        with pytest.raises(NotWritable):
            make_private_folder(tmp_path / "a" / "b")


class TestReadBytes:
    def test_absent(self, tmp_path: Path) -> None:
        assert read_bytes(tmp_path / "none") is None
        (tmp_path / "file").write_bytes(b"x")
        assert read_bytes(tmp_path / "file" / "below") is None

    def test_content(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"\0x\r\n")
        assert read_bytes(tmp_path / "file") == b"\0x\r\n"

    def test_nothing_but_a_file(self, tmp_path: Path) -> None:
        """A pipe may never end."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        for path in (pipe, Path("/dev/zero")):
            with pytest.raises(NotReadable, match="it is no file"):
                read_bytes(path)
        assert read_bytes(Path(os.devnull)) == b""

    def test_not_readable(self, tmp_path: Path) -> None:
        with pytest.raises(NotReadable, match="cannot be read"):
            read_bytes(tmp_path)


class TestWritePrivate:
    def test_new_with_its_folder(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "file"
        assert write_private(path, b"one") is True
        assert path.read_bytes() == b"one"
        assert list(path.parent.iterdir()) == [path]

    @posix_only
    def test_mode_whatever_the_umask(self, tmp_path: Path, umask: int) -> None:  # noqa: ARG002
        write_private(tmp_path / "new" / "file", b"one")
        assert mode_of(tmp_path / "new" / "file") == 0o600

    def test_unchanged_is_not_written(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        write_private(path, b"one")
        before = path.stat()
        assert write_private(path, b"one") is False
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert write_private(path, b"two") is True

    @posix_only
    def test_one_that_others_can_read_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"one")
        path.chmod(0o644)
        assert write_private(path, b"one") is True
        assert mode_of(path) == 0o600

    @posix_only
    def test_a_link_is_replaced_and_its_target_left(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.write_bytes(b"theirs")
        path = tmp_path / "file"
        path.symlink_to(target)
        assert write_private(path, b"ours") is True
        assert target.read_bytes() == b"theirs"
        assert not path.is_symlink()
        assert path.read_bytes() == b"ours"

    def test_failure_leaves_no_temporary_file(self, tmp_path: Path) -> None:
        path = tmp_path / "folder"
        path.mkdir()
        with pytest.raises(NotWritable):
            write_private(path, b"one")
        assert list(tmp_path.iterdir()) == [path]

    def test_a_full_disk_leaves_the_old_content(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "file"
        write_private(path, b"old")

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(NotWritable, match="No space left"):
            write_private(path, b"new")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("number", "code", "remedy"),
        [
            (errno.ENOSPC, "no-space", "df -i"),
            (errno.EDQUOT, "quota-used-up", "delete some of your files"),
            (errno.EROFS, "read-only-file-system", "XDG_STATE_HOME"),
            (errno.EFBIG, "file-size-limited", "ulimit -f"),
            (errno.EMFILE, "too-many-open-files", "ulimit -n"),
            (errno.EBUSY, "mounted-file", "mount the folder"),
            (errno.EACCES, "not-writable", "make it writable"),
        ],
    )
    def test_each_cause_has_its_own_remedy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, remedy: str
    ) -> None:
        def refused(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", refused)
        calls: list[Callable[[], object]] = [
            lambda: write_private(tmp_path / "file", b"x"),
            lambda: make_room(tmp_path / "file", 10),
            lambda: replace_keeping_link(tmp_path / "file", b"x"),
        ]
        for call in calls:
            with pytest.raises(NotWritable) as caught:
                call()
            assert caught.value.code == code
            assert remedy in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_leftovers_go_at_once_where_nobody_else_writes(self, tmp_path: Path) -> None:
        for name in (".file.1-abc.tmp", ".other.1-abc.tmp", ".file.1-abc.room"):
            (tmp_path / name).write_bytes(b"secret")
        write_private(tmp_path / "file", b"one", alone=True)
        assert {path.name for path in tmp_path.iterdir()} == {"file", ".other.1-abc.tmp", ".file.1-abc.room"}

    def test_leftovers_of_a_killed_writer_go_after_an_hour(self, tmp_path: Path) -> None:
        old = tmp_path / ".file.1-abc.tmp"
        recent = tmp_path / ".file.2-abc.tmp"
        other = tmp_path / ".other.1-abc.tmp"
        for leftover in (old, recent, other):
            leftover.write_bytes(b"")
        for leftover in (old, other):
            os.utime(leftover, (time.time() - 4000, time.time() - 4000))
        write_private(tmp_path / "file", b"one")
        assert not old.exists()
        assert recent.exists()
        assert other.exists()

    @posix_only
    def test_killed_at_any_moment_the_file_holds_one_whole_content(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        program = (
            "import sys, pathlib\n"
            "from docker_credential_harbor.system.files import write_private\n"
            "path = pathlib.Path(sys.argv[1])\n"
            "number = 0\n"
            "while True:\n"
            "    write_private(path, b'%d\\n' % (number % 10) * 200_000)\n"
            "    number += 1\n"
            "    print(number, flush=True)\n"
        )
        for round_number in range(8):
            with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as writer:
                assert writer.stdout
                for _ in range(1 + round_number):
                    writer.stdout.readline()
                writer.send_signal(signal.SIGKILL)
            content = path.read_bytes()
            assert len(content) == 400_000
            assert len(set(content.split(b"\n")[:-1])) == 1


class TestReplaceKeepingLink:
    @posix_only
    def test_target_and_mode_are_kept(self, tmp_path: Path) -> None:
        target = tmp_path / "dotfiles" / "config.json"
        target.parent.mkdir()
        target.write_bytes(b"{}")
        target.chmod(0o640)
        link = tmp_path / "config.json"
        link.symlink_to(target)
        assert replace_keeping_link(link, b'{"a": 1}') is True
        assert link.is_symlink()
        assert target.read_bytes() == b'{"a": 1}'
        assert mode_of(target) == 0o640
        assert replace_keeping_link(link, b'{"a": 1}') is False

    @posix_only
    def test_a_link_to_nothing_gets_its_target(self, tmp_path: Path) -> None:
        link = tmp_path / "config.json"
        link.symlink_to(tmp_path / "absent" / "config.json")
        assert replace_keeping_link(link, b"{}") is True
        assert (tmp_path / "absent" / "config.json").read_bytes() == b"{}"

    @posix_only
    def test_mode_of_a_new_one(self, tmp_path: Path, umask: int) -> None:  # noqa: ARG002
        replace_keeping_link(tmp_path / "private", b"")
        replace_keeping_link(tmp_path / "open", b"", mode=0o644)
        assert mode_of(tmp_path / "private") == 0o600
        assert mode_of(tmp_path / "open") == 0o644

    @posix_only
    def test_modes_of_new_folders(self, tmp_path: Path, umask: int) -> None:  # noqa: ARG002
        replace_keeping_link(tmp_path / "a" / "b" / "private", b"")
        replace_keeping_link(tmp_path / "c" / "d" / "open", b"", OPEN_FILE, OPEN_FOLDER)
        assert [mode_of(tmp_path / place) for place in ("a", "a/b", "a/b/private")] == [0o700, 0o700, 0o600]
        assert [mode_of(tmp_path / place) for place in ("c", "c/d", "c/d/open")] == [0o755, 0o755, 0o644]

    @posix_only
    def test_a_ring_of_links(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(tmp_path / "a")
        with pytest.raises(NotWritable):
            replace_keeping_link(tmp_path / "a", b"")
