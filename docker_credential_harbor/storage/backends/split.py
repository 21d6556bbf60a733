"""Around any backend that takes short values only: long ones in parts, read back whole or not at all.

Windows' credential manager takes 2,560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE), which keyring writes as UTF-16.

The value's own name holds either the value or a head: the generation of its parts, their number and the whole value's
SHA-256. There are two generations, used by turns. A new value's parts are written first, then the head, then the old
parts are removed: killed in between, the head still stands for one whole value, and what was left behind lies where the
next change or removal looks. Parts are written upwards and removed downwards, so there is never a gap to hide one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker_credential_harbor.storage.backends.backend import Backend

_MARK = "docker-credential-harbor parts "
_GENERATIONS = ("a", "b")
_TRIES = 3


class Split:
    """A backend, whatever its name, for values of any length over one for values of ``limit`` UTF-16 units.

    Two writers of one value must exclude each other; readers need not.
    """

    def __init__(self, backend: Backend, limit: int) -> None:
        if limit < 2 * len(_MARK) + 80:
            raise ValueError("a head would not fit")
        self.name = backend.name
        self._backend = backend
        self._limit = limit

    def get(self, key: str) -> str | None:
        """The whole value; None where there is none, or not all of it."""
        head = self._backend.get(key)
        for _ in range(_TRIES):
            if head is None or not head.startswith(_MARK):
                return head
            value = self._join(key, head)
            if value is not None:
                return value
            before, head = head, self._backend.get(key)
            if head == before:
                return None
        return None

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        old = self._backend.get(key)
        old_generation = _parsed(old)[0]
        if self._fits(value):
            self._backend.set(key, value)
        else:
            generation = _GENERATIONS[old_generation == _GENERATIONS[0]]
            size = self._limit if value.isascii() else self._limit // 2  # a character has at most two units
            parts = [value[start : start + size] for start in range(0, len(value), size)]
            for number, part in enumerate(parts):
                self._backend.set(_part(key, generation, number), part)
            self._backend.set(key, f"{_MARK}{generation} {len(parts)} {_checksum(value)}")
            self._remove_parts(key, generation, len(parts))
        if old_generation:
            self._remove_parts(key, old_generation, 0)

    def delete(self, key: str) -> None:
        """Remove the value and every part of it, those of a change that was cut short too."""
        generation, count, _ = _parsed(self._backend.get(key))
        self._backend.delete(key)
        for each in _GENERATIONS:
            self._remove_parts(key, each, 0, count if each == generation else 0)

    def reserve(self, key: str, size: int) -> None:
        self._backend.reserve(key, size)

    def _fits(self, value: str) -> bool:
        units = len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
        return units <= self._limit and not value.startswith(_MARK)

    def _join(self, key: str, head: str) -> str | None:
        generation, count, checksum = _parsed(head)
        parts = [self._backend.get(_part(key, generation, number)) for number in range(count)]
        value = "".join(part for part in parts if part is not None)
        return value if count and _checksum(value) == checksum else None

    def _remove_parts(self, key: str, generation: str, start: int, known_end: int = 0) -> None:
        end = max(start, known_end)
        while self._backend.get(_part(key, generation, end)) is not None:
            end += 1
        for number in reversed(range(start, end)):
            self._backend.delete(_part(key, generation, number))


def _parsed(head: str | None) -> tuple[str, int, str]:
    """Generation, number of parts and checksum; "", 0 and "" of anything that is no head."""
    if head is None or not head.startswith(_MARK):
        return "", 0, ""
    try:
        generation, count, checksum = head[len(_MARK) :].split(" ")
        return generation, int(count), checksum
    except ValueError:
        return "", 0, ""


def _part(key: str, generation: str, number: int) -> str:
    return f"{key}#{generation}{number}"


def _checksum(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
