"""What is kept for a server, a stored pair or a sign-in, over a backend; and an index, since keyrings cannot list.

The index is one file without a secret: for each value the user name and the backend that was picked for it. Killed at
any moment nothing is torn and nothing is lost to the index: before a first value an entry without a user name is
written, then the value, then the whole entry; a removal takes the value first. An entry without a value reads as
nothing, and one without a user name is not listed.

A value stays in the backend that its entry notes. Only where the configuration names another one (not ``auto``) does
the next change move it there; and with ``auto`` out of a kernel that has no room for it. An older value that could not
be removed then is noted as well (``left_in``), and goes with the next change or removal.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from docker_credential_harbor.errors import Busy, StoreDamaged, StoreFull, StoreUnavailable
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.storage import codec
from docker_credential_harbor.storage.backends import choice
from docker_credential_harbor.storage.backends.os_keyring import OsKeyring
from docker_credential_harbor.storage.backends.private_file import PrivateFile
from docker_credential_harbor.system import console, folders
from docker_credential_harbor.system.disk_room import Room
from docker_credential_harbor.system.files import make_private_folder, read_bytes, write_private, write_shorter
from docker_credential_harbor.system.lock import hold
from docker_credential_harbor.system.time_limit import Allowance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from docker_credential_harbor.model import SignIn, StorageChoice, StoredPair
    from docker_credential_harbor.storage.backends.backend import Backend

VERSION = 1  # of the index
_SIGN_INS, _STORED = "sign_ins", "stored"
_INDEX_ENTRY_BYTES = 1024
_Index = dict[str, dict[str, dict[str, str]]]  # section, name, {"username", "backend"} and perhaps "left_in"

T = TypeVar("T")


def data_folder() -> Path:
    """Where the index and the backend ``file`` lie. Raises NoHome."""
    return folders.user_folder("data")


class CredentialStore:
    """Every method raises StoreUnavailable, StoreDamaged, NotReadable; those that change, NotWritable and Busy too.

    ``allowance``: for a backend's answer or another process's change. ``may_prompt``: whether somebody is there
    to answer a keyring that is locked. What a change rests on is read under the registry's lock by the caller.
    """

    def __init__(
        self,
        choice: StorageChoice = "auto",
        folder: Path | None = None,
        *,
        allowance: Allowance = Allowance(10),  # noqa: B008 - frozen
        may_prompt: bool = False,
        for_check: Allowance | None = None,
    ) -> None:
        self._choice = choice
        self._folder = folder or data_folder()
        self._allowance = allowance
        self._keyring = OsKeyring(allowance, may_prompt, for_check)
        self._file = PrivateFile(self._folder)
        self._index_room = Room(self._index_path)
        self.tell: Callable[[str], None] = console.warn  # that a value is kept elsewhere than it was to be

    def load_sign_in(self, registry_name: str) -> SignIn | None:
        """What is kept of the person who signed in; None where nobody has."""
        return self._load(_SIGN_INS, registry_name, codec.read_sign_in)

    def save_sign_in(self, registry_name: str, sign_in: SignIn) -> None:
        """Keep it, in place of an older one; nothing is written where nothing changed."""
        username = sign_in.pair.username if sign_in.pair else ""
        self._save(_SIGN_INS, registry_name, username, codec.text_of(sign_in))

    def delete_sign_in(self, registry_name: str) -> bool:
        """Remove it. False: there was none."""
        return self._delete(_SIGN_INS, registry_name)

    def load_stored(self, server_key: str) -> StoredPair | None:
        """The pair that somebody stored for that server; None where nobody has."""
        return self._load(_STORED, server_key, codec.read_stored_pair)

    def save_stored(self, server_key: str, stored: StoredPair) -> None:
        """Keep it, in place of an older one; nothing is written where nothing changed."""
        self._save(_STORED, server_key, stored.pair.username, codec.text_of(stored))

    def delete_stored(self, server_key: str) -> bool:
        """Remove it. False: there was none."""
        return self._delete(_STORED, server_key)

    def list(self) -> dict[str, str]:
        """User names by server: stored pairs under their key, sign-ins under ``https://NAME``. Opens no backend."""
        index = self._read_index()
        listed = {f"https://{name}": entry["username"] for name, entry in index[_SIGN_INS].items()}
        listed |= {name: entry["username"] for name, entry in index[_STORED].items()}
        return {server: username for server, username in sorted(listed.items()) if username}

    def kept_in(self, registry_name: str) -> str | None:
        """The backend that holds what counts for a registry: a stored pair before a sign-in; None: nothing is kept."""
        index = self._read_index()
        return self._noted(index, *_place(registry_name, True)) or self._noted(index, *_place(registry_name, False))

    def where(self, registry_name: str, *, stored: bool = False) -> tuple[str, str]:
        """The backend that the sign-in (or the stored pair) lies in, or would go to: its name, and why that one."""
        section, name = _place(registry_name, stored)
        backend, why = self._open(section, self._noted(self._read_index(), section, name))
        return backend.name, why

    def remark(self, registry_name: str, *, stored: bool = False) -> str | None:
        """What a person who signs in should know about that; None where nothing is to be said."""
        backend, why = self.where(registry_name, stored=stored)
        return _remark(backend, why) if backend == "file" and self._choice == "auto" else None

    def check(self, registry_name: str, *, stored: bool = False) -> None:
        """Whether it could be kept, as far as that shows beforehand; room on the disk is taken, until it is saved.

        Raises what saving it raises.
        """
        section, name = _place(registry_name, stored)
        key = _key(section, name)
        with self._index_lock():
            index = self._read_index()
            noted = self._noted(index, section, name)
            backend, _ = self._use(section, noted, lambda backend: backend.reserve(key, choice.SIGN_IN_BYTES))
            if backend.name != noted:
                self._index_room.take(len(_encoded(index)) + _INDEX_ENTRY_BYTES)

    def _load(self, section: str, name: str, read: Callable[[str], T]) -> T | None:
        noted = self._noted(self._read_index(), section, name)
        if noted is None:
            return None
        try:
            backend, _ = self._open(section, noted)
            text = backend.get(_key(section, name))
        except StoreUnavailable:
            if not self._turned_away(section, noted):
                raise
            return None  # the configuration has turned away from a backend that is gone: as if nothing was kept
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            raise StoreDamaged(place=f"what the {noted} keeps for {name}", reason=error) from None

    def _save(self, section: str, name: str, username: str, text: str) -> None:
        key = _key(section, name)
        with self._index_lock():
            index = self._read_index()
            noted = self._noted(index, section, name)
            tried: list[str] = []

            def keep(backend: Backend) -> None:
                if noted is None:
                    self._write_index(index, section, name, {"username": "", "backend": backend.name})
                tried.append(backend.name)
                if backend.get(key) != text:
                    backend.set(key, text)

            before = _left_in(index[section].get(name))
            backend, why = self._use(section, noted, keep)
            entry = {"username": username, "backend": backend.name}
            left_in = {*before, *tried, *([noted] if noted else [])} - {backend.name}
            self._write_index(index, section, name, _with_left(entry, left_in))
            if left_in:
                self._write_index(index, section, name, _with_left(entry, self._remove_from(left_in, section, key)))
        if backend.name != tried[0]:
            self.tell(_remark(backend.name, why))

    def _use(self, section: str, noted: str | None, use: Callable[[Backend], None]) -> tuple[Backend, str]:
        """The backend that a value is to be kept in, once ``use`` has succeeded on it, and why that one.

        What was never kept yet is not lost to a backend that fails: `auto` goes on to the next. Nor is what a kernel
        that is full does not take.
        """
        moves = noted is not None and self._turned_away(section, noted)
        backend, why = self._open(section, None if moves else noted)
        while True:
            try:
                use(backend)
            except StoreUnavailable as failure:
                goes_on = self._choice == "auto" and (noted is None or isinstance(failure, StoreFull))
                if backend.name == "file" or not goes_on:
                    raise
                backend, why = choice.next_backend(backend, failure, self._file, for_stored_pair=section == _STORED)
            else:
                return backend, why

    def _delete(self, section: str, name: str) -> bool:
        self._sweep()
        if name not in self._read_index()[section]:
            return False
        with self._index_lock():
            index = self._read_index()
            entry = index[section].get(name)
            if entry is None:
                return False
            key = _key(section, name)
            self._open(section, entry["backend"])[0].delete(key)
            left_in = self._remove_from(_left_in(entry), section, key)
            for failure in left_in.values():
                console.tell(failure, f"an older copy of what was kept for {name} is still there: ")
            del index[section][name]
            if left_in:
                index[section][name] = _with_left({"username": "", "backend": entry["backend"]}, left_in)
            write_shorter(self._index_path, _encoded(index))
        return bool(entry["username"]) or not left_in

    def _sweep(self) -> None:
        """What writers of the file that were killed left behind may hold the secret."""
        if self._file.has_leftovers():
            with self._index_lock():
                self._file.sweep()

    def _remove_from(self, backends: Collection[str], section: str, key: str) -> dict[str, StoreUnavailable]:
        """Takes older copies away. Gives the backends that still have them, and why."""
        failed = {}
        for name in backends:
            try:
                self._open(section, name)[0].delete(key)
            except StoreUnavailable as failure:
                failed[name] = failure
        return failed

    def _turned_away(self, section: str, noted: str) -> bool:
        """Whether the configuration names another backend. For a stored pair ``kernel`` is as good as ``auto``."""
        return self._choice not in ("auto", noted) and not (self._choice == "kernel" and section == _STORED)

    def _open(self, section: str, noted: str | None) -> tuple[Backend, str]:
        return choice.open_backend(
            self._choice, self._keyring, self._file, noted=noted, for_stored_pair=section == _STORED
        )

    @contextmanager
    def _index_lock(self) -> Iterator[None]:
        make_private_folder(self._folder)
        with hold(self._folder / "index.lock", self._allowance.left()) as held:
            if not held:
                raise Busy(what_runs="change of what is kept", registry="this user")
            yield

    @staticmethod
    def _noted(index: _Index, section: str, name: str) -> str | None:
        entry = index[section].get(name)
        return entry["backend"] if entry else None

    def _read_index(self) -> _Index:
        content = read_bytes(self._index_path)
        if content is None:
            return {_SIGN_INS: {}, _STORED: {}}
        try:
            data = json_value.decoded(content)
            if data["version"] != VERSION:
                raise ValueError("another version of this program wrote it")
            index: _Index = {section: dict(data[section]) for section in (_SIGN_INS, _STORED)}
            if not all(_is_entry(entry) for entries in index.values() for entry in entries.values()):
                raise ValueError("an entry is not what this program writes")
        except (ValueError, LookupError, TypeError) as error:
            raise StoreDamaged(place=self._index_path, reason=error) from error
        return index

    def _write_index(self, index: _Index, section: str, name: str, entry: dict[str, str]) -> None:
        index[section][name] = entry
        write_private(self._index_path, _encoded(index), alone=True, room=self._index_room.spend)

    @property
    def _index_path(self) -> Path:
        return self._folder / "index.json"


def _encoded(index: _Index) -> bytes:
    return json.dumps({"version": VERSION, **index}, indent=1, sort_keys=True).encode()


def _with_left(entry: dict[str, str], left_in: Collection[str]) -> dict[str, str]:
    return {**entry, "left_in": " ".join(sorted(left_in))} if left_in else entry


def _left_in(entry: dict[str, str] | None) -> list[str]:
    return (entry or {}).get("left_in", "").split()


def _remark(backend: str, why: str) -> str:
    place = "a file that only this user can read" if backend == "file" else "the kernel's memory, until a reboot"
    return f"the sign-in is kept in {place} ({why})"


def _place(registry_name: str, stored: bool) -> tuple[str, str]:
    """Section and name in the index."""
    return (_STORED, f"https://{registry_name}") if stored else (_SIGN_INS, registry_name)


def _key(section: str, name: str) -> str:
    return f"{'sign-in' if section == _SIGN_INS else 'stored'} {name}"


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(text, str) for text in (entry.get("username"), entry.get("backend"), entry.get("left_in", ""))
    )
