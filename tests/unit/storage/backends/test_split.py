"""Long values in parts: over every backend, and cut short at every step."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.storage.backends.split import Split
from docker_credential_harbor.system.time_limit import Allowance
from tests.unit.storage.backends.test_backend import VALUES, BackendTests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_credential_harbor.storage.backends.backend import Backend

LIMIT = 200
WINDOWS_LIMIT = 1280


class Memory:
    """A backend that takes no long values and dies at a given change."""

    name = "keyring"

    def __init__(self, limit: int = LIMIT) -> None:
        self.values: dict[str, str] = {}
        self.limit = limit
        self.changes_left = 10**6
        self.reserved: list[tuple[str, int]] = []

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def set(self, key: str, value: str) -> None:
        assert len(value.encode("utf-16-le")) <= 2 * self.limit
        self._change()
        self.values[key] = value

    def reserve(self, key: str, size: int) -> None:
        self.reserved.append((key, size))

    def delete(self, key: str) -> None:
        self._change()
        self.values.pop(key, None)

    def _change(self) -> None:
        if self.changes_left == 0:
            raise KeyboardInterrupt
        self.changes_left -= 1


class TestOverMemory(BackendTests):
    @pytest.fixture
    def memory(self) -> Memory:
        return Memory()

    @pytest.fixture
    def make(self, memory: Memory) -> Callable[[], Backend]:
        return lambda: Split(memory, LIMIT)


class TestOverFile(BackendTests):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[], Backend]:
        return lambda: Split(PrivateFile(tmp_path), WINDOWS_LIMIT)


@pytest.mark.usefixtures("kernel")
class TestOverKernel(BackendTests):
    @pytest.fixture
    def make(self) -> Callable[[], Backend]:
        return lambda: Split(KernelKeyring(), WINDOWS_LIMIT)


@pytest.mark.usefixtures("shared_unlocked")
class TestOverSecretService(BackendTests):
    @pytest.fixture
    def make(self) -> Callable[[], Backend]:
        return lambda: Split(OsKeyring(Allowance(30), may_prompt=False), WINDOWS_LIMIT)


LENGTHS = [0, 50, 200, 201, 450, 1000]


@pytest.mark.parametrize("old_length", LENGTHS)
@pytest.mark.parametrize("new_length", LENGTHS)
def test_cut_short_at_any_change_one_whole_value_is_read(old_length: int, new_length: int) -> None:
    old, new = "o" * old_length, "n" * new_length
    for changes in range(100):
        memory = Memory()
        split = Split(memory, LIMIT)
        split.set("key", old)
        memory.changes_left = changes
        try:
            split.set("key", new)
        except KeyboardInterrupt:
            finished = False
        else:
            finished = True
        memory.changes_left = 10**6
        assert split.get("key") == new if finished else split.get("key") in (old, new)
        split.set("key", "again" * 100)
        assert split.get("key") == "again" * 100
        assert len(memory.values) == 4, "a piece of what was cut short has stayed"
        split.delete("key")
        assert memory.values == {}
        if finished:
            return
    raise AssertionError("it never ended")


def test_a_removal_that_is_cut_short_leaves_nothing_to_read_and_can_be_repeated() -> None:
    for changes in range(10):
        memory = Memory()
        split = Split(memory, LIMIT)
        split.set("key", "x" * 1000)
        memory.changes_left = changes
        with contextlib.suppress(KeyboardInterrupt):
            split.delete("key")
        memory.changes_left = 10**6
        assert split.get("key") == ("x" * 1000 if changes == 0 else None)
        split.delete("key")
        assert memory.values == {}


@pytest.mark.parametrize("damage", ["absent", "other", "swapped"])
def test_torn_parts_are_no_value(damage: str) -> None:
    memory = Memory()
    split = Split(memory, LIMIT)
    split.set("key", "".join(str(number) for number in range(300)))
    first, second = [name for name in memory.values if name != "key"][:2]
    if damage == "absent":
        del memory.values[second]
    elif damage == "other":
        memory.values[second] = "x" * LIMIT
    else:
        memory.values[first], memory.values[second] = memory.values[second], memory.values[first]
    assert split.get("key") is None
    split.delete("key")
    assert memory.values == {}


def test_a_reader_between_two_changes_reads_the_new_one() -> None:
    memory = Memory()
    split = Split(memory, LIMIT)
    split.set("key", "o" * 500)
    read = memory.get
    changed: list[bool] = []

    def change_after_the_head(key: str) -> str | None:
        value = read(key)
        if not changed:
            changed.append(True)
            Split(memory, LIMIT).set("key", "n" * 500)
        return value

    memory.get = change_after_the_head  # type: ignore[method-assign]
    assert split.get("key") == "n" * 500


def test_a_value_that_looks_like_a_head() -> None:
    memory = Memory()
    split = Split(memory, LIMIT)
    split.set("key", "x" * 500)
    head = memory.values["key"]
    split.set("other", head)
    assert split.get("other") == head


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_no_part_is_longer_than_windows_takes(value: str) -> None:
    memory = Memory(WINDOWS_LIMIT)
    split = Split(memory, WINDOWS_LIMIT)
    split.set("key", value)
    assert split.get("key") == value


def test_a_limit_below_a_head() -> None:
    with pytest.raises(ValueError, match=r"^a head would not fit$"):
        Split(Memory(), 141)


def test_the_least_limit() -> None:
    split = Split(Memory(142), 142)
    split.set("key", "x" * 9000)
    assert split.get("key") == "x" * 9000


def test_the_form_that_older_versions_kept_is_read_changed_and_removed_whole() -> None:
    value = "x" * 250
    for generation, other in ("ab", "ba"):
        memory = Memory()
        split = Split(memory, LIMIT)
        checksum = hashlib.sha256(value.encode()).hexdigest()
        memory.values = {
            "key": f"docker-credential-harbor parts {generation} 2 {checksum}",
            f"key#{generation}0": "x" * 200,
            f"key#{generation}1": "x" * 50,
        }
        assert split.get("key") == value
        split.set("key", value)
        assert sorted(memory.values) == ["key", f"key#{other}0", f"key#{other}1"]
        split.delete("key")
        assert memory.values == {}


@pytest.mark.parametrize(("value", "parts"), [("x" * 401, 3), ("x" * 600, 3), ("ü" * 401, 5), ("x" * 200, 0)])
def test_no_more_parts_than_need_be(value: str, parts: int) -> None:
    """A character beyond ASCII may have two units."""
    memory = Memory()
    Split(memory, LIMIT).set("key", value)
    assert len(memory.values) == 1 + parts


def test_room_is_the_backends_own_affair() -> None:
    memory = Memory()
    Split(memory, LIMIT).reserve("key", 6000)
    assert memory.reserved == [("key", 6000)]


def test_a_reader_that_meets_a_change_each_time_gives_up() -> None:
    memory = Memory()
    split = Split(memory, LIMIT)
    split.set("key", "o" * 500)
    read = memory.get

    def change_after_each_head(key: str) -> str | None:
        value = read(key)
        if key == "key":
            memory.values.clear()
            memory.get = read  # type: ignore[method-assign]
            Split(memory, LIMIT).set("key", f"{len(seen)}" * 500)
            memory.get = change_after_each_head  # type: ignore[method-assign]
            seen.append(key)
        return value

    seen: list[str] = []
    memory.get = change_after_each_head  # type: ignore[method-assign]
    assert split.get("key") is None
    assert 1 < len(seen) < 10
