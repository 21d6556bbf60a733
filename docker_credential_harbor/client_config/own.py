"""Our own TOML file, as `setup` writes it: comments and order of what is there are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import files

if TYPE_CHECKING:
    from pathlib import Path


def add_registry(path: Path, name: str, url: str | None, *, for_everybody: bool = False) -> None:
    """Enters a registry; ``url`` only where it is not https:// and the name.

    A new file is for this user alone, or for everybody to read. One that is there has been read without a fault before.
    Raises NotReadable, NotWritable.
    """
    import tomlkit

    document = tomlkit.parse(files.read_bytes(path) or b"")
    registries = document.setdefault("registries", tomlkit.table(is_super_table=True))
    table = registries.setdefault(name, tomlkit.table())
    if url:
        table["url"] = url
    modes = (files.OPEN_FILE, files.OPEN_FOLDER) if for_everybody else (files.PRIVATE_FILE, files.PRIVATE_FOLDER)
    files.replace_keeping_link(path, tomlkit.dumps(document).encode(), *modes)
