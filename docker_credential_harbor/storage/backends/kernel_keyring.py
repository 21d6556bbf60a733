"""Linux's kernel keyring: in memory only, gone after a reboot or three idle days (persistent-keyring(7)).

An ordinary user has 20,000 bytes there for all keys together (keyrings(7)).
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import StoreDamaged, StoreFull, StoreUnavailable, TooLongForStore
from docker_credential_harbor.warm_get import kernel_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "docker-credential-harbor:"
_PLAIN, _COMPRESSED = b"=", b"z"  # before the value: the kernel takes no empty payload
_REASONS = {
    errno.EDQUOT: "this user's share of the kernel's memory is used up",
    errno.ENOSYS: "this system has none",
    errno.EPERM: "it is closed here, as in many containers",
}
_CAUSES = {errno.EDQUOT: StoreFull, errno.EINVAL: TooLongForStore}


class KernelKeyring:
    """The backend ``kernel``. Each use starts the keyring's idle days anew."""

    name = "kernel"

    def get(self, key: str) -> str | None:
        """The value; None where there is none."""
        with _told():
            payload = _read(key)
        return None if payload is None else _value(key, payload)

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        with _told():
            kernel_keys.add(_description(key), _payload(value), kernel_keys.persistent_keyring())

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""
        with _told():
            keyring = _persistent_keyring()
            if keyring is not None:
                kernel_keys.remove(_description(key), keyring)

    def reserve(self, key: str, size: int) -> None:
        """Raises StoreFull where no such value could be added now. One that is there can be replaced by one as long."""
        with _told():
            if _read(key) is None:
                _add_and_remove(size)

    def check(self, size: int = 0) -> None:
        """Raises StoreUnavailable where the kernel keeps nothing for us, StoreFull where not so many bytes."""
        with _told():
            kernel_keys.persistent_keyring()
            if size:
                _add_and_remove(size)


def _add_and_remove(size: int) -> None:
    """What is kept is compressed, by no less than a quarter."""
    kernel_keys.persistent_keyring()
    kernel_keys.add_and_remove(_description("room"), os.urandom(size * 3 // 4))


def _read(key: str) -> bytes | None:
    keyring = _persistent_keyring()
    return None if keyring is None else kernel_keys.read(_description(key), keyring)


def _persistent_keyring() -> int | None:
    """None: it is not there, and there is no room for it, so that nothing lies in it either."""
    try:
        return kernel_keys.persistent_keyring()
    except OSError as error:
        if error.errno != errno.EDQUOT:
            raise
        return None


def _description(key: str) -> bytes:
    return (_PREFIX + key).encode()


def _payload(value: str) -> bytes:
    """As short as can be: tokens shrink by a quarter, the names of many groups in them by more."""
    import zlib

    plain = value.encode()
    packed = zlib.compress(plain, 9)
    return _COMPRESSED + packed if len(packed) < len(plain) else _PLAIN + plain


def _value(key: str, payload: bytes) -> str:
    import zlib

    try:
        packed = payload[:1] == _COMPRESSED
        return (zlib.decompress(payload[1:]) if packed else payload[1:]).decode()
    except (zlib.error, UnicodeDecodeError):
        raise StoreDamaged(place=f"what the kernel keeps under {key}", reason="it is no text of ours") from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        cause = _CAUSES.get(error.errno or 0, StoreUnavailable)
        raise cause(backend="kernel's keyring", reason=reason) from error
