"""Which backend is picked and in which words that is told, by value alone: the real ones are in tests/storage/."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

from docker_credential_harbor.errors import StoreFull, StoreUnavailable
from docker_credential_harbor.storage.backends import choice
from docker_credential_harbor.storage.backends.split import Split

if TYPE_CHECKING:
    from docker_credential_harbor.model import StorageChoice


class Fake:
    """A backend of that name which can be used, or not for the reason that it is given."""

    def __init__(self, name: str, fault: StoreUnavailable | None = None) -> None:
        self.name = name
        self.fault = fault
        self.asked_for: list[int] = []

    def check(self, size: int = 0) -> None:
        self.asked_for.append(size)
        if self.fault:
            raise self.fault

    def find(self) -> str:
        self.check()
        return "SecretService"


NO_KEYRING = StoreUnavailable(backend="keyring", reason="there is none here")
NO_KERNEL = StoreUnavailable(backend="kernel", reason="it is closed here")
FULL = StoreFull(backend="kernel", reason="it is used up")
FILE = Fake("file")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake("kernel")
    monkeypatch.setattr(choice, "KernelKeyring", lambda: made)
    monkeypatch.setattr(choice, "KEYRING_LIMITS", {})
    return made


def opened(
    wanted: StorageChoice, keyring: Fake, *, noted: str | None = None, for_stored_pair: bool = False
) -> tuple[object, str]:
    parts = cast("tuple[Any, Any]", (keyring, FILE))
    return choice.open_backend(wanted, *parts, noted=noted, for_stored_pair=for_stored_pair)


@pytest.mark.parametrize("for_stored_pair", [False, True])
@pytest.mark.parametrize("choice", ["auto", "keyring"])
def test_a_keyring_that_is_there(kernel: Fake, choice: StorageChoice, for_stored_pair: bool) -> None:
    keyring = Fake("keyring")
    backend, why = opened(choice, keyring, for_stored_pair=for_stored_pair)
    assert backend is keyring
    assert why == {"auto": "the operating system's keyring is there", "keyring": 'storage = "keyring"'}[choice]
    assert keyring.asked_for, "it was not asked whether it can be used"
    assert kernel.asked_for == []


def test_the_file_by_choice() -> None:
    assert opened("file", Fake("keyring")) == (FILE, 'storage = "file"')


def test_a_keyring_by_choice_is_replaced_by_nothing(kernel: Fake) -> None:  # noqa: ARG001
    with pytest.raises(StoreUnavailable) as caught:
        opened("keyring", Fake("keyring", NO_KEYRING))
    assert caught.value is NO_KEYRING


def test_the_kernel_by_choice(kernel: Fake) -> None:
    assert opened("kernel", Fake("keyring")) == (kernel, 'storage = "kernel"')
    assert kernel.asked_for == [0]
    kernel.fault = NO_KERNEL
    with pytest.raises(StoreUnavailable) as caught:
        opened("kernel", Fake("keyring"))
    assert caught.value is NO_KERNEL


def test_auto_without_a_keyring_takes_the_kernel_if_there_is_room_for_a_sign_in(kernel: Fake) -> None:
    assert opened("auto", Fake("keyring", NO_KEYRING)) == (kernel, NO_KEYRING.message)
    assert kernel.asked_for == [6000]


@pytest.mark.parametrize("fault", [NO_KERNEL, FULL])
def test_auto_without_either_takes_the_file_and_says_both(kernel: Fake, fault: StoreUnavailable) -> None:
    kernel.fault = fault
    assert opened("auto", Fake("keyring", NO_KEYRING)) == (FILE, f"{NO_KEYRING.message}, and {fault.message}")


@pytest.mark.parametrize("choice", ["auto", "kernel"])
def test_a_stored_pair_never_goes_to_the_kernel(kernel: Fake, choice: StorageChoice) -> None:
    found = opened(choice, Fake("keyring", NO_KEYRING), for_stored_pair=True)
    assert found == (FILE, f"{NO_KEYRING.message}, and the kernel's would lose a stored pair")
    assert kernel.asked_for == []


@pytest.mark.parametrize("noted", ["keyring", "kernel", "file"])
@pytest.mark.parametrize("choice", ["auto", "keyring", "kernel", "file"])
def test_the_noted_one_is_opened_whatever_the_choice(kernel: Fake, noted: str, choice: StorageChoice) -> None:
    keyring = Fake("keyring")
    backend, why = opened(choice, keyring, noted=noted)
    assert backend is {"keyring": keyring, "kernel": kernel, "file": FILE}[noted]
    assert why == f"the {noted} was picked when it was first kept"


@pytest.mark.parametrize(("noted", "fault"), [("keyring", NO_KEYRING), ("kernel", NO_KERNEL)])
def test_the_noted_one_is_gone(kernel: Fake, noted: str, fault: StoreUnavailable) -> None:
    kernel.fault = fault
    with pytest.raises(StoreUnavailable) as caught:
        opened("auto", Fake("keyring", NO_KEYRING), noted=noted)
    assert caught.value is fault


def test_what_lies_in_a_full_kernel_can_be_read_all_the_same(kernel: Fake) -> None:
    kernel.fault = FULL
    assert opened("auto", Fake("keyring"), noted="kernel")[0] is kernel


def test_a_backend_that_a_newer_version_noted(kernel: Fake) -> None:  # noqa: ARG001
    with pytest.raises(StoreUnavailable) as caught:
        opened("auto", Fake("keyring"), noted="vault")
    assert str(caught.value).startswith("the vault cannot be used (this version of the program does not know it)")


def test_after_a_keyring_that_failed_comes_what_would_come_without_one(kernel: Fake) -> None:
    def next_one(for_stored_pair: bool) -> tuple[object, str]:
        parts = cast("tuple[Any, Any]", (Fake("keyring"), FILE))
        return choice.next_backend(parts[0], NO_KEYRING, parts[1], for_stored_pair=for_stored_pair)

    assert next_one(for_stored_pair=False) == (kernel, NO_KEYRING.message)
    assert next_one(for_stored_pair=True)[0] is FILE


def test_after_a_kernel_that_failed_comes_the_file(kernel: Fake) -> None:
    parts = cast("tuple[Any, Any]", (kernel, FILE))
    found: object = choice.next_backend(parts[0], FULL, parts[1], for_stored_pair=False)
    assert found == (FILE, FULL.message)
    assert kernel.asked_for == []


@pytest.mark.parametrize("noted", [None, "keyring"])
def test_where_the_keyring_takes_short_values_only_long_ones_are_split(
    kernel: Fake,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    noted: str | None,
) -> None:
    monkeypatch.setattr(choice, "KEYRING_LIMITS", {sys.platform: 1280})
    backend, _ = opened("auto", Fake("keyring"), noted=noted)
    assert isinstance(backend, Split)
    assert backend.name == "keyring"


def test_what_windows_takes() -> None:
    """CRED_MAX_CREDENTIAL_BLOB_SIZE is 2,560 bytes; keyring writes UTF-16."""
    assert choice.KEYRING_LIMITS == {"win32": 1280}
