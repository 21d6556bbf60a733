"""What the program folder needs of the system it runs on, read from the symbol versions in its ELF files.

Source: the GNU version sections of the Linux Standard Base, "Symbol Versioning".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

if TYPE_CHECKING:
    from pathlib import Path

SYSTEMS = {"RHEL 8": (2, 28), "Debian 11": (2, 31), "RHEL 9": (2, 34), "Ubuntu 22.04": (2, 35), "Debian 12": (2, 36)}
ELF_MAGIC = b"\x7fELF"
WITHOUT_NUMBER = {"GLIBC_ABI_DT_RELR": (2, 36)}  # a mark, not a version: the loader must know packed relocations

Version = tuple[int, ...]


@dataclass(frozen=True)
class Needs:
    """The lowest glibc that will do, the files that ask for it, and the system's other libraries by soname."""

    glibc: Version
    because_of: tuple[str, ...]
    libraries: tuple[str, ...]

    @property
    def glibc_text(self) -> str:
        return ".".join(map(str, self.glibc))

    def report(self) -> str:
        """For people: on which systems it runs."""
        lines = [f"needs glibc {self.glibc_text} ({', '.join(self.because_of)}), {', '.join(self.libraries)}"]
        lines += [
            f"  {name} (glibc {'.'.join(map(str, version))}): {'runs' if version >= self.glibc else 'does not run'}"
            for name, version in SYSTEMS.items()
        ]
        return "\n".join(lines)


def measure(folder: Path) -> Needs:
    """Reads every ELF file of the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and _is_elf(path))
    versions = {path.name: _glibc_version(path) for path in files}
    highest = max(versions.values())
    needed = {name for path in files for name in _needed(path)} - set(versions)
    return Needs(
        glibc=highest,
        because_of=tuple(name for name, version in versions.items() if version == highest),
        libraries=tuple(sorted(needed - _parts_of_glibc())),
    )


def _parts_of_glibc() -> set[str]:
    parts = {f"lib{name}" for name in ("c.so.6", "m.so.6", "dl.so.2", "pthread.so.0", "rt.so.1", "util.so.1")}
    return parts | {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ELF_MAGIC)) == ELF_MAGIC


def _glibc_version(path: Path) -> Version:
    """The highest that a symbol of this file asks for; (0,) where none does."""
    with path.open("rb") as file:
        names = [
            version.name
            for section in ELFFile(file).iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for _, wanted in section.iter_versions()
            for version in wanted
        ]
    return max([(0,), *(_number(name) for name in names if name.startswith("GLIBC_"))])


def _number(name: str) -> Version:
    if name in WITHOUT_NUMBER:
        return WITHOUT_NUMBER[name]
    return tuple(int(part) for part in name.removeprefix("GLIBC_").split("."))


def _needed(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [
            tag.needed
            for section in ELFFile(file).iter_sections()
            if isinstance(section, DynamicSection)
            for tag in section.iter_tags("DT_NEEDED")
        ]
