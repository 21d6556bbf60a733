"""Makes all that a helper keeps in its home older, by the product's own types: where nobody's clock can be put forward.

As a program it does so in the home that its environment names: `ageing.py SECONDS REGISTRY`.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any, TypeVar, get_type_hints

from docker_credential_harbor.model import HarborsInstant, Instant
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.storage.credential_store import CredentialStore
from docker_credential_harbor.warm_get import remembered

T = TypeVar("T")


def older(value: T, seconds: float) -> T:
    """The same NamedTuple with each instant in it, and in what it holds, so much earlier."""
    hints = get_type_hints(type(value), include_extras=True)
    return type(value)(**{name: _older(getattr(value, name), hint, seconds) for name, hint in hints.items()})


def _older(kept: Any, hint: Any, seconds: float) -> Any:
    if hasattr(kept, "_fields"):
        return older(kept, seconds)
    if kept and hint in (Instant, Instant | None):
        return kept - seconds
    return older_text(kept, seconds) if kept and hint is HarborsInstant else kept


def older_text(instant: str, seconds: float) -> str:
    """Of an instant as Harbor writes it."""
    earlier = datetime.fromisoformat(instant.replace("Z", "+00:00")) - timedelta(seconds=seconds)
    return earlier.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main(seconds: float, registry: str) -> None:
    """The notes and the sign-in, wherever that is kept; what is remembered goes: its place counts by itself."""
    notes = registry_notes.load(registry)
    if notes != registry_notes.Notes():
        registry_notes.save(registry, older(notes, seconds))
    store = CredentialStore()
    if sign_in := store.load_sign_in(registry):
        store.save_sign_in(registry, older(sign_in, seconds))
    remembered.forget(registry)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
