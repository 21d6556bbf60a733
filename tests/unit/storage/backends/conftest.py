"""The real keyrings for the backends' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keyring.backend
import keyring.core
import pytest

from docker_credential_harbor.warm_get import kernel_keys
from tests.conftest import need
from tests.lab import kernel_keyring, secret_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.secret_service import SecretService


@pytest.fixture
def look_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Makes keyring look for its backends once more, as in a new process, and in a home without a configuration."""
    for variable in ("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))

    def forget() -> None:
        monkeypatch.setattr(keyring.core, "_keyring_backend", None)
        vars(keyring.backend.get_all_keyring).pop("saved_result", None)

    forget()
    return forget


@pytest.fixture
def unlocked(
    look_anew: Callable[[], None], secret_bus: SecretService, monkeypatch: pytest.MonkeyPatch
) -> SecretService:
    """This process's Secret Service, unlocked."""
    for variable, value in secret_bus.environment.items():
        monkeypatch.setenv(variable, value)
    look_anew()
    return secret_bus


@pytest.fixture(scope="session")
def shared_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretService]:
    """One for all tests that leave it as it was."""
    need("Secret Service", "apt-get install gnome-keyring dbus", not secret_service.missing())
    with secret_service.SecretService.start(tmp_path_factory.mktemp("shared") / "secret-service") as service:
        yield service


@pytest.fixture
def shared_unlocked(look_anew: Callable[[], None], shared_bus: SecretService, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in shared_bus.environment.items():
        monkeypatch.setenv(variable, value)
    look_anew()


@pytest.fixture
def no_keyring(look_anew: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bus that leads nowhere."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:")
    look_anew()


@pytest.fixture
def kernel() -> None:
    need("kernel keyring", "a kernel with CONFIG_KEYS, and no filter before it", kernel_keyring.is_open())


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_keys, "_KEYCTL", 0)
    monkeypatch.setattr(kernel_keys, "_ADD_KEY", 0)
