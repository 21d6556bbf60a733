"""A file that only the user can read: the last resort, where neither keyring nor kernel keeps anything.

One JSON object of all values. It is replaced as a whole, so reading needs no lock; changing it takes a lock beside it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import StoreDamaged, StoreUnavailable
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.system import leftovers
from docker_credential_harbor.system.disk_room import Room
from docker_credential_harbor.system.files import make_private_folder, read_bytes, remove, write_private, write_shorter
from docker_credential_harbor.system.lock import hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker_credential_harbor.system.time_limit import Allowance

VERSION = 1


class PrivateFile:
    """The backend ``file``: ``secrets.json`` in the folder. Another process's change is awaited that long."""

    name = "file"

    def __init__(self, folder: Path, allowance: Allowance) -> None:
        self.path = folder / "secrets.json"
        self._allowance = allowance
        self._room = Room(self.path)

    def get(self, key: str) -> str | None:
        """The value; None where there is none. Raises StoreDamaged, NotReadable."""
        return self._read().get(key)

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one."""
        with self._alone():
            values = _encoded({**self._read(), key: value})
            write_private(self.path, values, alone=True, room=self._room.spend)

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""
        if key in self._read():
            with self._alone():
                left = {name: value for name, value in self._read().items() if name != key}
                if left:
                    write_shorter(self.path, _encoded(left))
                else:
                    leftovers.sweep(self.path)
                    remove(self.path)

    def reserve(self, key: str, size: int) -> None:  # noqa: ARG002 - all lie in one file
        """Take the room on the disk for all that is there and so many bytes more, until a value is set."""
        with self._alone():
            self._room.take(len(_encoded(self._read())) + size)

    def sweep(self) -> None:
        """Remove what writers that were killed left behind."""
        if leftovers.exist(self.path):
            with self._alone():
                leftovers.sweep(self.path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        make_private_folder(self.path.parent)
        with hold(self.path.with_suffix(".lock"), self._allowance.left()) as held:
            if not held:
                raise StoreUnavailable(backend="file of secrets", reason="another process is changing it")
            yield

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
