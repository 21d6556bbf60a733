"""What every backend must do: one class of tests that each backend's own tests inherit; and one that cannot be used.

Shaped after keyring's ``keyring/testing/backend.py``.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import Failure, StoreDamaged, StoreUnavailable
from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.system.time_limit import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from docker_credential_harbor.storage.backends.backend import Backend

VALUES = {
    "plain": "secret",
    "empty": "",
    "white space": " a\tb\r\nc\n ",
    "odd characters": "\"'\\${}[]#%&;|<>`!\x01\x7f",
    "Unicode": "pässwörd ключ 密码 \u202e\u0301",
    "beyond 16 bits": "🔑" * 700,
    "JSON": '{"version":1,"tokens":{"id_token":"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}}',
    "long": "0123456789" * 900,
    "long Unicode": "äöü🔑" * 900,
}


class BackendTests:
    """Inherited with a fixture ``make`` of the backend's own, which opens it as a process of its own would."""

    @pytest.fixture
    def make(self) -> Callable[[], Backend]:
        raise NotImplementedError

    @pytest.fixture
    def backend(self, make: Callable[[], Backend]) -> Backend:
        return make()

    @pytest.fixture
    def key(self, backend: Backend) -> Iterator[str]:
        """Some backends are shared with the whole machine."""
        name = f"test/{uuid.uuid4()}"
        yield name
        backend.delete(name)

    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
    def test_what_was_set_is_read(self, make: Callable[[], Backend], key: str, value: str) -> None:
        make().set(key, value)
        assert make().get(key) == value

    def test_absent(self, backend: Backend, key: str) -> None:
        assert backend.get(key) is None
        backend.delete(key)

    @pytest.mark.parametrize("length", [1, 500, 9000])
    @pytest.mark.parametrize("new_length", [2, 700, 9500])
    def test_the_last_one_wins(self, backend: Backend, key: str, length: int, new_length: int) -> None:
        backend.set(key, "a" * length)
        backend.set(key, "b" * new_length)
        assert backend.get(key) == "b" * new_length

    def test_what_is_reserved_is_no_value_and_replaces_none(self, backend: Backend, key: str) -> None:
        backend.reserve(key, 500)
        assert backend.get(key) is None
        backend.set(key, "a" * 500)
        backend.reserve(key, 600)
        assert backend.get(key) == "a" * 500

    def test_unchanged(self, backend: Backend, key: str) -> None:
        backend.set(key, "same")
        backend.set(key, "same")
        assert backend.get(key) == "same"

    def test_deleted(self, backend: Backend, key: str) -> None:
        backend.set(key, "a" * 3000)
        backend.delete(key)
        assert backend.get(key) is None
        backend.delete(key)

    def test_delete_one_of_several(self, backend: Backend, key: str) -> None:
        others = {f"{key}/{number}": f"value {number}" * 300 for number in range(3)}
        for name, value in others.items():
            backend.set(name, value)
        backend.set(key, "x" * 3000)
        backend.delete(key)
        assert backend.get(key) is None
        for name, value in others.items():
            assert backend.get(name) == value
            backend.delete(name)
            assert backend.get(name) is None

    @pytest.mark.parametrize("odd", ["https://h:5000/p?q=1&r#s", "a b", "[::1]:443", "ключ", "\"'\\%00"])
    def test_odd_keys(self, backend: Backend, key: str, odd: str) -> None:
        name = f"{key}/{odd}"
        backend.set(name, "x" * 3000)
        assert backend.get(name) == "x" * 3000
        assert backend.get(key) is None
        backend.delete(name)
        assert backend.get(name) is None


def damaged_file(folder: Path) -> Backend:
    (folder / "secrets.json").write_text("{")
    return PrivateFile(folder)


# By name: how it is made, the fixture without which it could be used, what it raises, what it cannot know.
NOT_TO_BE_USED: dict[str, tuple[Callable[[Path], Backend], str, type[Failure], tuple[str, ...]]] = {
    "keyring": (lambda _: OsKeyring(Allowance(30), may_prompt=False), "no_keyring", StoreUnavailable, ("reserve",)),
    "kernel": (lambda _: KernelKeyring(), "no_kernel", StoreUnavailable, ()),
    "file": (damaged_file, "tmp_path", StoreDamaged, ()),
}


@pytest.mark.parametrize("name", NOT_TO_BE_USED)
def test_one_that_cannot_be_used_never_looks_like_an_empty_one(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    make, fixture, failure, not_known = NOT_TO_BE_USED[name]
    request.getfixturevalue(fixture)
    backend = make(tmp_path)
    assert backend.name == name, "it is what is noted at sign-in"
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: backend.get("a"),
        "set": lambda: backend.set("a", "1"),
        "delete": lambda: backend.delete("a"),
        "reserve": lambda: backend.reserve("a", 500),
    }
    for method, call in calls.items():
        if method not in not_known:
            with pytest.raises(failure):
                call()
