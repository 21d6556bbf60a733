"""What a backend is: four methods on one named text, and nothing else to implement for a new one.

Shaped after the interface of docker-credential-helpers (``credentials/helper.go``).
"""

from __future__ import annotations

from typing import Protocol


class Backend(Protocol):
    """Every method raises StoreUnavailable where the backend is locked or gone, StoreFull, StoreDamaged or
    NotWritable.
    """

    name: str  # "keyring", "kernel" or "file": noted at sign-in, and kept

    def get(self, key: str) -> str | None:
        """The value; None where there is none."""

    def set(self, key: str, value: str) -> None:
        """Keep the value, in place of an older one, whole or not at all."""

    def delete(self, key: str) -> None:
        """Remove the value; nothing where there is none."""

    def reserve(self, key: str, size: int) -> None:
        """Make sure, as far as that is possible, that a value of so many bytes could be set."""
