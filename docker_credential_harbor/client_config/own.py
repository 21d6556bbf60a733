"""Our own TOML file, as `setup` writes it: comments and order of what is there are kept.

It has been read without a fault before. Both functions raise NotReadable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docker_credential_harbor import files
from docker_credential_harbor.client_config.change import Change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def entered(
    path: Path, name: str, given: Mapping[str, Any], *, without_client: bool = False, for_everybody: bool = False
) -> Change:
    """With a registry, and the keys that are given for it. ``without_client``: the provider does not take ours. A new
    file is for this user alone, or for everybody to read.
    """
    import tomlkit

    before = files.read_bytes(path)
    document = tomlkit.parse(before or b"")
    registries = document.setdefault("registries", tomlkit.table(is_super_table=True))
    table = registries.setdefault(name, tomlkit.table())
    for key, value in given.items():
        table[key] = str(value)
    if without_client:
        table.add("client_id", tomlkit.item("").comment("the identity provider does not take ours: without one"))
    modes = (files.OPEN_FILE, files.OPEN_FOLDER) if for_everybody else (files.PRIVATE_FILE, files.PRIVATE_FOLDER)
    return Change(path, before, tomlkit.dumps(document).encode(), f"{name} entered into {path}", *modes)


def taken_out(path: Path, name: str) -> Change:
    """Without the registry, and what was set for it."""
    import tomlkit

    before = files.read_bytes(path)
    document = tomlkit.parse(before or b"")
    registries = document.get("registries", {})
    if name not in registries:
        return Change(path, before, before or b"", f"{name} is not in {path}")
    del registries[name]
    if not registries:
        del document["registries"]
    return Change(path, before, tomlkit.dumps(document).encode(), f"{name} taken out of {path}")
