"""Picks the backend for ``storage`` in the configuration, and says why it was picked."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import StoreFull, StoreUnavailable
from docker_credential_harbor.storage.backends.kernel_keyring import KernelKeyring
from docker_credential_harbor.storage.backends.split import Split

if TYPE_CHECKING:
    from docker_credential_harbor.model import StorageChoice
    from docker_credential_harbor.storage.backends.backend import Backend
    from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
    from docker_credential_harbor.storage.backends.private_file import PrivateFile

    Opened = tuple[Backend, str]

SIGN_IN_BYTES = 6000  # what most take: an ID token, a refresh token, the pair
KEYRING_LIMITS = {"win32": 1280}  # UTF-16 units, by sys.platform


def open_backend(
    choice: StorageChoice, keyring: OsKeyring, file: PrivateFile, *, noted: str | None, for_stored_pair: bool
) -> Opened:
    """The backend and why it is that one, in words for a person.

    ``noted``: the one that was picked when the value was first kept; it is opened and never replaced by another. With
    None ``choice`` decides. A stored pair never goes to the kernel: nobody could get it back by signing in.
    Raises StoreUnavailable; with ``noted``, a keyring that is locked says so only when it is used.
    """
    if noted is not None:
        return _noted(noted, keyring, file), f"the {noted} was picked when it was first kept"
    if choice == "file":
        return file, 'storage = "file"'
    if choice == "keyring":
        keyring.check()
        return _split(keyring), 'storage = "keyring"'
    if choice == "kernel" and not for_stored_pair:
        KernelKeyring().check()
        return KernelKeyring(), 'storage = "kernel"'
    return _auto(keyring, file, for_stored_pair)


def next_backend(failed: Backend, failure: StoreUnavailable, file: PrivateFile, *, for_stored_pair: bool) -> Opened:
    """`auto`: where a value goes that was to be kept in ``failed``, and why."""
    if failed.name == "keyring":
        return _without_keyring(failure.message, file, for_stored_pair)
    return file, failure.message


def _auto(keyring: OsKeyring, file: PrivateFile, for_stored_pair: bool) -> Opened:
    try:
        keyring.check()
    except StoreUnavailable as unavailable:
        return _without_keyring(unavailable.message, file, for_stored_pair)
    return _split(keyring), "the operating system's keyring is there"


def _without_keyring(why: str, file: PrivateFile, for_stored_pair: bool) -> Opened:
    if for_stored_pair:
        return file, f"{why}, and the kernel's would lose a stored pair"
    try:
        KernelKeyring().check(SIGN_IN_BYTES)
    except StoreUnavailable as unavailable:
        return file, f"{why}, and {unavailable.message}"
    return KernelKeyring(), why


def _noted(noted: str, keyring: OsKeyring, file: PrivateFile) -> Backend:
    if noted == "keyring":
        keyring.find()
        return _split(keyring)
    if noted == "kernel":
        with suppress(StoreFull):  # what lies there can be read all the same
            KernelKeyring().check()
        return KernelKeyring()
    if noted == "file":
        return file
    raise StoreUnavailable(backend=noted, reason="this version of the program does not know it")


def _split(keyring: OsKeyring) -> Backend:
    limit = KEYRING_LIMITS.get(sys.platform)
    return Split(keyring, limit) if limit else keyring
