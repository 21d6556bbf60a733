"""Our own TOML file, as `setup` writes it: comments and order of what is there are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import files

if TYPE_CHECKING:
    from pathlib import Path


def add_registry(path: Path, name: str, url: str | None) -> None:
    """Enters a registry; ``url`` only where it is not https:// and the name.

    The file has been read without a fault before. Raises NotReadable, NotWritable.
    """
    import tomlkit

    document = tomlkit.parse(files.read_bytes(path) or b"")
    registries = document.setdefault("registries", tomlkit.table(is_super_table=True))
    table = registries.setdefault(name, tomlkit.table())
    if url:
        table["url"] = url
    files.replace_keeping_link(path, tomlkit.dumps(document).encode())
