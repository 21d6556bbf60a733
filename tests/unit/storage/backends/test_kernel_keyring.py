"""The kernel's keyring as a backend."""

from __future__ import annotations

import errno
import secrets
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import StoreUnavailable, TooLongForStore
from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
from docker_credential_harbor.warm_get import kernel_keys
from tests.unit.storage.backends.test_backend import BackendTests

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.storage.backends.backend import Backend


@pytest.mark.usefixtures("kernel")
class TestKernelKeyring(BackendTests):
    @pytest.fixture
    def make(self) -> Callable[[], Backend]:
        return KernelKeyring

    def test_longer_than_any_key(self, backend: Backend, key: str) -> None:
        with pytest.raises(TooLongForStore, match=r'too long for the kernel.s keyring: set storage to "file"$'):
            backend.set(key, secrets.token_urlsafe(45_000))


@pytest.mark.usefixtures("no_kernel")
def test_elsewhere() -> None:
    kernel = KernelKeyring()
    calls: list[Callable[[], object]] = [lambda: kernel.get("x"), lambda: kernel.set("x", "y"), kernel.check]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="the kernel's keyring cannot be used \\(this system has none\\)"):
            call()


@pytest.mark.parametrize(("number", "reason"), [(errno.EPERM, "containers"), (errno.EDQUOT, "used up")])
def test_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    def refused(*_: object) -> int:
        raise OSError(number, "…")

    monkeypatch.setattr(kernel_keys, "_call", refused)
    with pytest.raises(StoreUnavailable, match=reason):
        KernelKeyring().set("x", "y")
