"""The operating system's keyring, through keyring: Secret Service, macOS' keychain, Windows' credential manager.

Sources: keyring's documentation; the Secret Service specification (freedesktop.org), where a locked collection is
unlocked through a prompt, as a locked entry is (KeePassXC locks each). Whether one is locked is asked first wherever
nobody is there to answer a prompt; of other backends that cannot be asked, and the time limit ends the wait.
"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from docker_credential_harbor.errors import Failure, StoreUnavailable
from docker_credential_harbor.system.left_out import left_out
from docker_credential_harbor.system.time_limit import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    from docker_credential_harbor.system.time_limit import Allowance

SERVICE = "docker-credential-harbor"
_NO_KEYRINGS = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")  # the last keeps plain files
# keyring imports each of its backends to see whether it is one for this system. Of these importing alone starts nine
# programs (a compiler, a linker and ldconfig, in search of macOS' libraries).
_OF_OTHER_SYSTEMS = {"linux": ("keyring.backends.macOS", "keyring.backends.Windows")}
_SECRET_SERVICES = ("keyring.backends.SecretService", "keyring.backends.libsecret")

T = TypeVar("T")


class OsKeyring:
    """The backend ``keyring``. A call, and a prompt where ``may_prompt`` allows one, is waited for that long.

    One that gave no answer in that time is not asked again: each would take as long, and leave one more call behind.
    """

    name = "keyring"

    def __init__(self, allowance: Allowance, may_prompt: bool, for_check: Allowance | None = None) -> None:
        """``for_check``: for ``check`` alone, which comes before anything could be lost."""
        self._allowance = allowance
        self._for_check = for_check or allowance
        self._may_prompt = may_prompt
        self._found: KeyringBackend | None = None
        self._given_up: StoreUnavailable | None = None

    def get(self, key: str) -> str | None:
        """The value; None where there is none."""
        return self._told(lambda ring: ring.get_password(SERVICE, key), key)

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        self._told(lambda ring: ring.set_password(SERVICE, key, value), key)

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""
        self._told(lambda ring: _delete(ring, key), key)

    def check(self) -> None:
        """Raises StoreUnavailable unless it can be used now. It may prompt where that is allowed."""
        self._told(lambda ring: ring.get_password(SERVICE, "check"), "check", self._for_check)

    def reserve(self, key: str, size: int) -> None:
        """Nothing: none of these systems tells what room is left."""

    def find(self) -> str:
        """Which of keyring's own modules keeps the values here. Raises StoreUnavailable where none does."""
        return self._told(lambda ring: type(ring).__module__.rpartition(".")[2], None)

    def _told(self, call: Callable[[KeyringBackend], T], key: str | None, allowance: Allowance | None = None) -> T:
        def run() -> T:
            if self._found is None:
                self._found = _find()
            if key is not None and not self._may_prompt:
                _refuse_locked(self._found, key)
            if self._given_up:  # left behind: somebody else may have kept a newer value by now
                raise self._given_up
            return call(self._found)

        if self._given_up:
            raise self._given_up
        seconds = (allowance or self._allowance).left()
        try:
            return within(seconds, run)
        except Failure:
            raise
        except TimeoutError as error:
            reason = f"no answer within {round(seconds, 1):g} s" if seconds else "no time was left to ask it"
            self._given_up = _unavailable(reason)
            raise self._given_up from error
        except Exception as error:  # each system's own, from beneath keyring
            raise _unavailable(_reason(error)) from error


def _find() -> KeyringBackend:
    import logging

    import keyring
    from keyring.backends.chainer import ChainerBackend

    # keyring logs a third-party backend that is broken; with no handler Python would write the traceback for people.
    logging.lastResort = logging.NullHandler()
    with left_out(*_OF_OTHER_SYSTEMS.get(sys.platform, ())):
        ring: KeyringBackend = keyring.get_keyring()
    if isinstance(ring, ChainerBackend):  # a chain would look a value up in one backend that was kept in another
        ring = ring.backends[0]
    if type(ring).__module__.startswith(_NO_KEYRINGS):
        raise _unavailable("there is none here")
    return ring


def _refuse_locked(ring: KeyringBackend, key: str) -> None:
    if type(ring).__module__ not in _SECRET_SERVICES:
        return
    import secretstorage
    from secretstorage.exceptions import ItemNotFoundException

    path = getattr(ring, "preferred_collection", None)
    with closing(secretstorage.dbus_init()) as connection:
        try:
            collection = secretstorage.Collection(connection, *([path] if path else []))
        except ItemNotFoundException as error:  # making one takes a prompt for its password
            raise _unavailable("nothing was ever kept there, or it is locked") from error
        if collection.is_locked():
            raise _unavailable("it is locked")
        # KeePassXC and others let a person allow each entry to each program: to read one that is locked takes a dialog.
        if any(item.is_locked() for item in collection.search_items({"service": SERVICE, "username": key})):
            raise _unavailable("its entry is locked until somebody allows this program to use it")


def _delete(ring: KeyringBackend, key: str) -> None:
    from keyring.errors import PasswordDeleteError

    try:
        ring.delete_password(SERVICE, key)
    except PasswordDeleteError:  # of an absent value too
        if ring.get_password(SERVICE, key) is not None:
            raise


def _reason(error: Exception) -> str:
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    if isinstance(error, NoKeyringError):
        return "there is none here"
    if isinstance(error, KeyringLocked):
        return "it is locked and was not unlocked"
    if isinstance(error, InitError):
        return "it is locked or was never set up"
    return str(error) or "it gave no reason"


def _unavailable(reason: str) -> StoreUnavailable:
    return StoreUnavailable(backend="operating system's keyring", reason=reason)
