"""Linux's kernel keyring: in memory only, gone after a reboot or three idle days (persistent-keyring(7)).

An ordinary user has 20,000 bytes there for all keys together (keyrings(7)).
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import StoreUnavailable
from docker_credential_harbor.native import keyctl

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "docker-credential-harbor:"
_MARK = b"="  # before the value: the kernel takes no empty payload
_REASONS = {
    errno.EDQUOT: "this user's share of the kernel's memory is used up",
    errno.EINVAL: "the value is too long for it",
    errno.ENOSYS: "this system has none",
    errno.EPERM: "it is closed here, as in many containers",
}


class KernelKeyring:
    """The backend ``kernel``. Each use starts the keyring's idle days anew."""

    name = "kernel"

    def get(self, key: str) -> str | None:
        """The value; None where there is none."""
        with _told():
            payload = keyctl.read(_description(key), keyctl.persistent_keyring())
            return None if payload is None else payload[len(_MARK) :].decode()

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        with _told():
            keyctl.add(_description(key), _MARK + value.encode(), keyctl.persistent_keyring())

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""
        with _told():
            keyctl.remove(_description(key), keyctl.persistent_keyring())

    def check(self) -> None:
        """Raises StoreUnavailable where the kernel keeps nothing for us."""
        with _told():
            keyctl.persistent_keyring()


def _description(key: str) -> bytes:
    return (_PREFIX + key).encode()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        raise StoreUnavailable(backend="kernel's keyring", reason=reason) from error
