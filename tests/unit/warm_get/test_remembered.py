"""What is recalled, and all that makes it a miss."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.warm_get import kernel_keys, macos_keychain, memory_file, remembered, windows_credentials
from tests.lab import kernel_keyring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

MEMBERS = '"Username":"ålice","Secret":"s 1"'.encode()


@pytest.fixture
def name() -> Iterator[str]:
    if not kernel_keyring.is_open():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the kernel gives us no keyring here")
    name = f"{uuid.uuid4()}.example.com:8443"
    yield name
    remembered.forget(name)


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    (tmp_path / "config.toml").write_text("timeout = 10\n")
    monkeypatch.setenv("DCH_TEST_SET", "välue")
    monkeypatch.delenv("DCH_TEST_UNSET", raising=False)
    return [str(tmp_path / "config.toml"), str(tmp_path / "absent")], ["DCH_TEST_SET", "DCH_TEST_UNSET"]


def stamp(configuration: tuple[list[str], list[str]]) -> bytes:
    return remembered.stamp(*configuration)


def test_recalled_while_nothing_changed(name: str, configuration: tuple[list[str], list[str]]) -> None:
    assert remembered.recall(name) is None
    assert remembered.remember(name, MEMBERS, stamp(configuration), 60) is True
    assert remembered.recall(name) == MEMBERS
    assert remembered.recall("other." + name) is None


def test_without_a_configuration(name: str) -> None:
    assert remembered.remember(name, MEMBERS, remembered.stamp([], []), 60)
    assert remembered.recall(name) == MEMBERS


def test_forgotten(name: str) -> None:
    remembered.remember(name, MEMBERS, b"", 60)
    remembered.forget(name)
    assert remembered.recall(name) is None
    remembered.forget(name)


@pytest.mark.parametrize("change", ["edited", "replaced", "removed", "made", "set", "other value", "unset"])
def test_a_changed_configuration_misses(
    name: str, configuration: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "config.toml"
    remembered.remember(name, MEMBERS, stamp(configuration), 60)
    assert remembered.recall(name) == MEMBERS
    if change == "edited":
        file.write_text("timeout = 11 \n")
    elif change == "replaced":
        times = file.stat()
        (tmp_path / "new").write_text("timeout = 20\n")
        os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
        (tmp_path / "new").replace(file)
    elif change == "removed":
        file.unlink()
    elif change == "made":
        (tmp_path / "absent").write_text("")
    elif change == "set":
        monkeypatch.setenv("DCH_TEST_UNSET", "")
    elif change == "other value":
        monkeypatch.setenv("DCH_TEST_SET", "välu")
    else:
        monkeypatch.delenv("DCH_TEST_SET")
    assert remembered.recall(name) is None


def test_a_variable_set_to_a_dash_is_not_an_unset_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DCH_TEST_UNSET", raising=False)
    remembered.remember(name, MEMBERS, remembered.stamp([], ["DCH_TEST_UNSET"]), 60)
    monkeypatch.setenv("DCH_TEST_UNSET", "-")
    assert remembered.recall(name) is None


def test_the_window_ends(name: str) -> None:
    remembered.remember(name, MEMBERS, b"", 1.9)
    ends_at = time.monotonic() + 30
    while remembered.recall(name) is not None:
        assert time.monotonic() < ends_at
        time.sleep(0.05)


@pytest.mark.parametrize("later_seconds", [61, -1])
def test_the_window_ends_even_where_the_wall_clock_was_set_back(
    name: str, monkeypatch: pytest.MonkeyPatch, later_seconds: int
) -> None:
    """Or where this process sees a clock that began elsewhere (a container's time namespace)."""
    remembered.remember(name, MEMBERS, b"", 60)
    now = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: now(clock) + later_seconds)
    assert remembered.recall(name) is None


@pytest.mark.parametrize("seconds", [0.99, 0, -5])
def test_below_a_second_an_older_pair_is_forgotten_too(name: str, seconds: float) -> None:
    remembered.remember(name, MEMBERS, b"", 60)
    assert remembered.remember(name, b'"Username":"bob"', b"", seconds) is False
    assert remembered.recall(name) is None


def test_too_large_is_not_remembered(name: str) -> None:
    assert remembered.remember(name, b"a" * 9000, b"", 60) is False
    assert remembered.recall(name) is None


@pytest.mark.parametrize("payload", [b"x", b"2\0000\0009\0{}", b"1\0zero\0009\0{}", b"1\0000\09999999999999\0{}\0F\0/"])
def test_a_payload_of_somebody_else_misses(name: str, payload: bytes) -> None:
    kernel_keys.add(f"docker-credential-harbor:remembered:{name}".encode(), payload, timeout_seconds=60)
    assert remembered.recall(name) is None


@pytest.mark.parametrize("name", ["h\ud800", "h" * 5000])
def test_odd_names_never_raise(name: str) -> None:
    assert remembered.remember(name, MEMBERS, b"", 60) is False
    assert remembered.recall(name) is None
    remembered.forget(name)


def test_where_both_places_are_closed_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernel_keys, "_ADD_KEY", 0)
    monkeypatch.setattr(kernel_keys, "_KEYCTL", 0)
    monkeypatch.setattr(memory_file, "_SHARED_MEMORY", os.fsencode(tmp_path / "none"))
    assert remembered.remember("h", MEMBERS, b"", 60) is False
    assert remembered.recall("h") is None
    remembered.forget("h")


class TestPlaces:
    """A pair lies in one place at most, whatever was closed or full when another was remembered."""

    @pytest.fixture
    def close(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        def close() -> None:
            monkeypatch.setattr(kernel_keys, "_ADD_KEY", 0)
            monkeypatch.setattr(kernel_keys, "_KEYCTL", 0)

        return close

    def test_a_file_where_the_keyring_is_closed(self, name: str, close: Callable[[], None]) -> None:
        close()
        assert remembered.remember(name, MEMBERS, b"", 60) is True
        assert remembered.recall(name) == MEMBERS
        assert remembered.remember(name, MEMBERS, b"", 0) is False
        assert remembered.recall(name) is None

    def test_a_key_takes_the_place_of_a_file(
        self, name: str, close: Callable[[], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        close()
        remembered.remember(name, b'"older"', b"", 60)
        monkeypatch.undo()
        remembered.remember(name, MEMBERS, b"", 60)
        close()
        assert remembered.recall(name) is None

    def test_a_file_takes_the_place_of_a_key_for_which_there_is_no_room(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

        remembered.remember(name, b'"older"', b"", 60)
        monkeypatch.setattr(kernel_keys, "add", full)
        assert remembered.remember(name, MEMBERS, b"", 60) is True
        assert remembered.recall(name) == MEMBERS
        remembered.forget(name)
        assert remembered.recall(name) is None

    @pytest.mark.parametrize(("system", "place"), [("darwin", macos_keychain), ("win32", windows_credentials)])
    def test_on_other_systems_the_keyring_of_the_system(
        self, monkeypatch: pytest.MonkeyPatch, system: str, place: ModuleType
    ) -> None:
        kept: dict[bytes, bytes] = {}
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(place, "read", kept.get)
        monkeypatch.setattr(place, "add", lambda name, payload, timeout_seconds: kept.update({name: payload}))  # noqa: ARG005
        monkeypatch.setattr(place, "remove", lambda name: kept.pop(name, None))
        assert remembered.remember("h", MEMBERS, b"", 60) is True
        assert remembered.recall("h") == MEMBERS
        remembered.forget("h")
        assert kept == {}
        assert remembered.recall("h") is None


@pytest.mark.parametrize("options", [[], ["-I", "-S"]], ids=["as installed", "without site"])
def test_another_process_recalls_it_and_imports_next_to_nothing(
    name: str, configuration: tuple[list[str], list[str]], options: list[str]
) -> None:
    """Without Python's site, as in the packaged executable, not even os."""
    remembered.remember(name, MEMBERS, stamp(configuration), 60)
    program = (
        "import sys\n"
        "sys.path.append(sys.argv[2])\n"
        "before = set(sys.modules)\n"
        "from docker_credential_harbor.warm_get import remembered\n"
        "sys.stdout.buffer.write(remembered.recall(sys.argv[1]))\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)\n"
    )
    command = [sys.executable, *options, "-c", program, name, str(Path(remembered.__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stdout == MEMBERS
    imported = {module.partition(".")[0] for module in done.stderr.decode().split()}
    assert imported <= {"_ctypes", "docker_credential_harbor"}
