"""macOS' keychain as Apple documents it, played by a fake: nothing here ran on a Mac."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from docker_credential_harbor.warm_get import macos_keychain

DUPLICATE, NOT_FOUND, NO_INTERACTION = -25299, -25300, -25308


class FakeFrameworks:
    """Keychain Services and CoreFoundation, as far as they are called. Items are numbers, as handles are."""

    def __init__(self) -> None:
        self.items: dict[int, tuple[bytes, bytes, bytes]] = {}
        self.may_ask = 1
        self.locked = False
        self.held: list[int] = []
        self.lent: list[Any] = []

    def SecKeychainGetUserInteractionAllowed(self, state: Any) -> int:  # noqa: N802
        state._obj.value = self.may_ask  # noqa: SLF001
        return 0

    def SecKeychainSetUserInteractionAllowed(self, state: Any) -> int:  # noqa: N802
        self.may_ask = getattr(state, "value", state)
        return 0

    def SecKeychainFindGenericPassword(self, _: None, *arguments: Any) -> int:  # noqa: N802
        service, account, size, data, item = arguments[1], arguments[3], *arguments[4:]
        assert (len(service), len(account)) == (arguments[0], arguments[2])
        if self.locked:
            assert not self.may_ask, "it would ask the person now"
            return NO_INTERACTION
        for handle, (of_service, of_account, payload) in self.items.items():
            if (of_service, of_account) == (service, account):
                if data is not None:
                    self.lent.append(ctypes.create_string_buffer(payload, len(payload)))
                    size._obj.value, data._obj.value = len(payload), ctypes.addressof(self.lent[-1])  # noqa: SLF001
                item._obj.value = handle  # noqa: SLF001
                self.held.append(handle)
                return 0
        return NOT_FOUND

    def SecKeychainAddGenericPassword(self, _: None, *arguments: Any) -> int:  # noqa: N802
        _, service, _, account, size, payload, _ = arguments
        if any(item[:2] == (service, account) for item in self.items.values()):
            return DUPLICATE
        self.items[len(self.items) + 1] = (service, account, payload[:size])
        return 0

    def SecKeychainItemModifyAttributesAndData(self, item: Any, _: None, size: int, payload: bytes) -> int:  # noqa: N802
        self.items[item.value] = (*self.items[item.value][:2], payload[:size])
        return 0

    def SecKeychainItemDelete(self, item: Any) -> int:  # noqa: N802
        del self.items[item.value]
        return 0

    def SecKeychainItemFreeContent(self, _: None, data: Any) -> int:  # noqa: N802
        self.lent = [buffer for buffer in self.lent if ctypes.addressof(buffer) != data.value]
        return 0

    def CFRelease(self, item: Any) -> None:  # noqa: N802
        self.held.remove(item.value)


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> FakeFrameworks:
    fake = FakeFrameworks()
    monkeypatch.setattr(macos_keychain, "_library", lambda _: fake)
    return fake


def test_kept_replaced_and_removed(mac: FakeFrameworks) -> None:
    assert macos_keychain.read(b"h") is None
    for payload in (b"\0\xff", b"newer"):
        macos_keychain.add(b"h", payload, timeout_seconds=60)
        assert macos_keychain.read(b"h") == payload
    assert list(mac.items.values()) == [(b"docker-credential-harbor", b"h", b"newer")]
    macos_keychain.remove(b"h")
    macos_keychain.remove(b"h")
    assert macos_keychain.read(b"h") is None
    assert (mac.held, mac.lent) == ([], []), "all that was taken is given back"


def test_a_locked_one_is_an_error_and_asks_nobody(mac: FakeFrameworks) -> None:
    mac.locked = True
    with pytest.raises(OSError, match="-25308"):
        macos_keychain.read(b"h")
    assert mac.may_ask == 1, "keyring, which may ask, comes after"


def test_elsewhere_there_is_none() -> None:
    with pytest.raises(OSError, match="Security"):
        macos_keychain.read(b"h")
