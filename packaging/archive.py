"""The .tar.gz: the program folder with its documents beside it; unpacked anywhere it runs."""

from __future__ import annotations

import gzip
import os
import platform
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def build(dist: Path, folder: Path, staged: Path, stem: str, machine: str) -> Path:
    """Writes dist/STEM-SYSTEM-MACHINE.tar.gz and returns it; all in it lies below one folder of that name."""
    top = f"{stem}-{platform.system().lower()}-{machine.lower()}"
    path = dist / f"{top}.tar.gz"
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    with (
        path.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=seconds) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for root, place in ((folder, top), (staged, f"{top}/share")):
            for member in (root, *sorted(root.rglob("*"))):
                name = f"{place}/{member.relative_to(root)}".removesuffix("/.")
                tar.add(member, name, recursive=False, filter=_owned_by_root)
    return path


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
