"""Which backend is picked, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import StoreUnavailable
from docker_credential_harbor.storage.backends import choice
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.storage.backends.split import Split
from docker_credential_harbor.system.time_limit import Allowance

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.model import StorageChoice
    from docker_credential_harbor.storage.backends.backend import Backend
    from tests.lab.secret_service import SecretService


def opened(
    folder: Path, setting: StorageChoice = "auto", noted: str | None = None, for_stored_pair: bool = False
) -> tuple[Backend, str]:
    keyring, file = OsKeyring(Allowance(30), may_prompt=False), PrivateFile(folder)
    return choice.open_backend(setting, keyring, file, noted=noted, for_stored_pair=for_stored_pair)


@pytest.mark.usefixtures("shared_unlocked")
@pytest.mark.parametrize("for_stored_pair", [False, True])
def test_auto_with_a_keyring(tmp_path: Path, for_stored_pair: bool) -> None:
    backend, why = opened(tmp_path, for_stored_pair=for_stored_pair)
    assert backend.name == "keyring"
    assert "keyring" in why


@pytest.mark.usefixtures("no_keyring", "kernel")
def test_auto_without_a_keyring(tmp_path: Path) -> None:
    backend, why = opened(tmp_path)
    assert backend.name == "kernel"
    assert "there is none here" in why
    backend, why = opened(tmp_path, for_stored_pair=True)
    assert backend.name == "file"
    assert "would lose a stored pair" in why


@pytest.mark.usefixtures("no_keyring", "no_kernel")
def test_auto_without_either(tmp_path: Path) -> None:
    backend, why = opened(tmp_path)
    assert backend.name == "file"
    assert "there is none here" in why
    assert "this system has none" in why


@pytest.mark.usefixtures("kernel")
def test_auto_with_a_locked_keyring_and_nobody_to_unlock_it(tmp_path: Path, unlocked: SecretService) -> None:
    unlocked.lock()
    backend, why = opened(tmp_path)
    assert backend.name == "kernel"
    assert "it is locked" in why


@pytest.mark.usefixtures("no_keyring", "kernel")
def test_a_choice_is_followed(tmp_path: Path) -> None:
    assert opened(tmp_path, "file")[0].name == "file"
    assert opened(tmp_path, "kernel")[0].name == "kernel"
    assert opened(tmp_path, "kernel", for_stored_pair=True)[0].name == "file"
    with pytest.raises(StoreUnavailable, match="operating system's keyring"):
        opened(tmp_path, "keyring")


@pytest.mark.usefixtures("no_kernel")
def test_the_kernel_chosen_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="kernel"):
        opened(tmp_path, "kernel")


@pytest.mark.usefixtures("shared_unlocked", "kernel")
@pytest.mark.parametrize("noted", ["keyring", "kernel", "file"])
@pytest.mark.parametrize("setting", ["auto", "keyring", "kernel", "file"])
def test_the_noted_one_is_kept(tmp_path: Path, noted: str, setting: StorageChoice) -> None:
    assert opened(tmp_path, setting, noted)[0].name == noted


@pytest.mark.usefixtures("no_keyring", "no_kernel")
@pytest.mark.parametrize("noted", ["keyring", "kernel", "vault"])
def test_the_noted_one_is_gone(tmp_path: Path, noted: str) -> None:
    with pytest.raises(StoreUnavailable, match=noted):
        opened(tmp_path, "auto", noted)


def test_the_noted_one_is_locked(tmp_path: Path, unlocked: SecretService) -> None:
    backend, _ = opened(tmp_path)
    backend.set("a", "1")
    unlocked.lock()
    with pytest.raises(StoreUnavailable, match="it is locked"):
        opened(tmp_path, noted="keyring")[0].get("a")


@pytest.mark.usefixtures("shared_unlocked")
def test_where_the_keyring_takes_short_values_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "KEYRING_LIMITS", {sys.platform: 1280})
    for noted in (None, "keyring"):
        backend, _ = opened(tmp_path, noted=noted)
        assert isinstance(backend, Split)
        assert backend.name == "keyring"
