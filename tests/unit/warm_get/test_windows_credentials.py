"""Windows' credential manager as Microsoft documents it, played by a fake: nothing here ran on Windows."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from docker_credential_harbor.warm_get import windows_credentials

ACCESS_DENIED, NOT_FOUND = 5, 1168
GENERIC, SESSION = 1, 1


class FakeAdvapi:
    """advapi32.dll, as far as it is called."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.lent: list[Any] = []
        self.error = 0
        self.denies = False

    def CredReadW(self, target: str, kind: int, flags: int, found: Any) -> int:  # noqa: N802
        assert (kind, flags) == (GENERIC, 0)
        if self.denies or target not in self.kept:
            self.error = ACCESS_DENIED if self.denies else NOT_FOUND
            return 0
        blob = ctypes.create_string_buffer(self.kept[target], len(self.kept[target]))
        credential = type(found._obj)._type_(  # noqa: SLF001
            CredentialBlobSize=len(blob), CredentialBlob=ctypes.addressof(blob)
        )
        self.lent.append((credential, blob))
        found._obj.contents = credential  # noqa: SLF001
        return 1

    def CredWriteW(self, credential: Any, flags: int) -> int:  # noqa: N802
        written = credential._obj  # noqa: SLF001
        assert (written.Type, written.Persist, flags) == (GENERIC, SESSION, 0)
        if self.denies:
            self.error = ACCESS_DENIED
            return 0
        self.kept[written.TargetName] = ctypes.string_at(written.CredentialBlob, written.CredentialBlobSize)
        return 1

    def CredDeleteW(self, target: str, kind: int, flags: int) -> int:  # noqa: N802
        assert (kind, flags) == (GENERIC, 0)
        if self.kept.pop(target, None) is None:
            self.error = NOT_FOUND
            return 0
        return 1

    def CredFree(self, _: Any) -> None:  # noqa: N802
        self.lent.clear()


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> FakeAdvapi:
    fake = FakeAdvapi()
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: fake, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: fake.error, raising=False)
    return fake


def test_kept_replaced_and_removed(windows: FakeAdvapi) -> None:
    assert windows_credentials.read(b"h:1") is None
    for payload in (b"\0\xff", b"newer"):
        windows_credentials.add(b"h:1", payload, timeout_seconds=60)
        assert windows_credentials.read(b"h:1") == payload
    assert windows.kept == {"h:1": b"newer"}
    windows_credentials.remove(b"h:1")
    windows_credentials.remove(b"h:1")
    assert windows_credentials.read(b"h:1") is None
    assert windows.lent == [], "all that was taken is given back"


def test_refused(windows: FakeAdvapi) -> None:
    windows.denies = True
    with pytest.raises(OSError, match="answered 5"):
        windows_credentials.read(b"h")
    with pytest.raises(OSError, match="answered 5"):
        windows_credentials.add(b"h", b"x", timeout_seconds=60)


def test_more_than_it_takes(windows: FakeAdvapi) -> None:
    with pytest.raises(OSError, match="2560"):
        windows_credentials.add(b"h", b"x" * 2561, timeout_seconds=60)
    assert windows.kept == {}


def test_elsewhere_there_is_none() -> None:
    with pytest.raises(OSError, match="no credential manager"):
        windows_credentials.read(b"h")
