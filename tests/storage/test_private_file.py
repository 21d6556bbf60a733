"""The file as a backend."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NotWritable, StoreDamaged, StoreUnavailable
from docker_credential_harbor.lock import hold
from docker_credential_harbor.storage.private_file import PrivateFile
from docker_credential_harbor.time_limit import Allowance
from tests.storage.backend_tests import BackendTests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.storage.backend import Backend


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


class TestPrivateFile(BackendTests):
    @pytest.fixture
    def make(self, folder: Path) -> Callable[[], Backend]:
        return lambda: PrivateFile(folder, Allowance(30))


def test_modes(folder: Path) -> None:
    PrivateFile(folder, Allowance(30)).set("a", "1")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_unchanged_is_not_written(folder: Path) -> None:
    file = PrivateFile(folder, Allowance(30))
    file.set("a", "1")
    before = file.path.stat()
    file.set("a", "1")
    file.delete("b")
    assert file.path.stat() == before


def test_reading_makes_nothing(folder: Path) -> None:
    PrivateFile(folder, Allowance(30)).get("a")
    PrivateFile(folder, Allowance(30)).delete("a")
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
    file = PrivateFile(folder, Allowance(30))
    folder.mkdir()
    file.path.write_bytes(content)
    calls: list[Callable[[], object]] = [lambda: file.get("a"), lambda: file.set("a", "2"), lambda: file.delete("a")]
    for call in calls:
        with pytest.raises(StoreDamaged, match=r"secrets\.json is damaged") as caught:
            call()
        assert "secr" not in str(caught.value).replace("secrets.json", "")
    assert file.path.read_bytes() == content


def test_another_change_is_awaited_only_so_long(folder: Path) -> None:
    with hold(folder / "secrets.lock", 0), pytest.raises(StoreUnavailable, match="another process"):
        PrivateFile(folder, Allowance(0.05)).set("a", "1")


def test_not_writable(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(NotWritable):
        PrivateFile(tmp_path / "data", Allowance(30)).set("a", "1")


def test_several_processes_lose_nothing(folder: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from docker_credential_harbor.storage.private_file import PrivateFile\n"
        "from docker_credential_harbor.time_limit import Allowance\n"
        "file = PrivateFile(pathlib.Path(sys.argv[1]), Allowance(60))\n"
        "for number in range(20):\n"
        "    file.set(f'{sys.argv[2]}/{number}', 'x')\n"
        "    if number % 2:\n"
        "        file.delete(f'{sys.argv[2]}/{number}')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(folder), str(writer)]) for writer in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    file = PrivateFile(folder, Allowance(30))
    for writer in range(4):
        for number in range(20):
            assert file.get(f"{writer}/{number}") == (None if number % 2 else "x")
