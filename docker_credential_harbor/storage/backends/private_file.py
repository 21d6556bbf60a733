"""A file that only the user can read: the last resort, where neither keyring nor kernel keeps anything.

One JSON object of all values. It is replaced as a whole, so reading needs no lock; whoever changes it excludes other
writers (credential_store.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import StoreDamaged
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.system import leftovers
from docker_credential_harbor.system.disk_room import Room
from docker_credential_harbor.system.files import read_bytes, remove, write_private, write_shorter

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


class PrivateFile:
    """The backend ``file``: ``secrets.json`` in the folder."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "secrets.json"
        self._room = Room(self.path)

    def get(self, key: str) -> str | None:
        """The value; None where there is none. Raises StoreDamaged, NotReadable."""
        return self._read().get(key)

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        values = _encoded({**self._read(), key: value})
        write_private(self.path, values, alone=True, room=self._room.spend)

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""
        left = self._read()
        if left.pop(key, None) is None:
            return
        if left:
            write_shorter(self.path, _encoded(left))
        else:
            self.sweep()
            remove(self.path)

    def reserve(self, key: str, size: int) -> None:  # noqa: ARG002 - all lie in one file
        """Take the room on the disk for all that is there and so many bytes more, until a value is set."""
        self._room.take(len(_encoded(self._read())) + size)

    def has_leftovers(self) -> bool:
        """Whether writers that were killed left content behind. No change, so nobody needs to be excluded."""
        return leftovers.exist(self.path)

    def sweep(self) -> None:
        """Remove that."""
        leftovers.sweep(self.path)

    def _read(self) -> dict[str, str]:
        content = read_bytes(self.path)
        if content is None:
            return {}
        try:
            data = json_value.decoded(content)
            if data["version"] != VERSION:
                raise ValueError("another version of this program wrote it")
            values: dict[str, str] = data["values"]
            if not all(isinstance(value, str) for value in values.values()):
                raise ValueError("a value is no text")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # Not the error's own words: JSON's hold a piece of the file.
            reason = str(error) if type(error) is ValueError else "it is not what this program writes"
            raise StoreDamaged(place=self.path, reason=reason) from None
        return values


def _encoded(values: dict[str, str]) -> bytes:
    return json.dumps({"version": VERSION, "values": values}, indent=1, sort_keys=True).encode()
