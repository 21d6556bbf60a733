"""What the program folder is made of: Python distributions, the interpreter's sources, PyInstaller's bootloader.

It is found out from what really lies in the folder, so that nothing is listed that is not there, and nothing left out.
"""

from __future__ import annotations

import ast
import json
import platform
import re
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

PRODUCT = "docker-credential-harbor"
LICENCE_FILE = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.IGNORECASE)
LONGEST_LICENCE_NAME = 64  # some distributions have the whole text there


@dataclass(frozen=True)
class Part:
    """One thing that is bundled. ``qualifiers``: of its package URL; ``boms``: its own bills of materials (PEP 770)."""

    name: str
    version: str
    purl_type: str
    licence: str
    texts: tuple[Path, ...]
    boms: tuple[Path, ...] = ()
    qualifiers: str = ""


def parts(folder: Path, work: Path) -> list[Part]:
    """All parts of the program folder, by name. ``work``: where PyInstaller noted which file came from where.

    Raises ValueError for a library of the build machine: nobody would learn of its security fixes.
    """
    foreign = _foreign_libraries(work)
    if foreign:
        raise ValueError(f"taken from the build machine: {', '.join(map(str, foreign))}")
    inside = folder / "_internal"
    names = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    found = [*_interpreter(), *(_python_part(each) for each in distributions() if _is_bundled(each, names))]
    return sorted({part.name: part for part in found}.values(), key=lambda part: part.name.lower())


def _is_bundled(distribution: Distribution, names: set[str]) -> bool:
    """The product itself is what this is about; PyInstaller's bootloader is in executables that it makes."""
    if distribution.name.lower() in ("pyinstaller", PRODUCT):
        return distribution.name.lower() != PRODUCT and not sys.platform.startswith("linux")
    files = (str(file) for file in distribution.files or ())
    return any(re.sub(r"\.py$", ".pyc", file) in names for file in files if file.endswith((".py", ".so", ".pyd")))


def _python_part(distribution: Distribution) -> Part:
    metadata = distribution.metadata.json
    named = str(metadata.get("license_expression") or metadata.get("license") or "")
    files = [file for file in distribution.files or () if ".dist-info" in str(file)]
    return Part(
        name=distribution.name,
        version=distribution.version,
        purl_type="pypi",
        licence=named if len(named) <= LONGEST_LICENCE_NAME and "\n" not in named else "",
        texts=tuple(sorted(Path(str(file.locate())) for file in files if LICENCE_FILE.search(str(file)))),
        boms=tuple(sorted(Path(str(file.locate())) for file in files if "/sboms/" in str(file))),
    )


def _interpreter() -> list[Part]:
    """What ours is compiled from, as packaging/interpreter noted it; another Python is one part."""
    noted = Path(sys.base_prefix) / "sources"
    if not noted.exists():
        text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
        return [Part("python", platform.python_version(), "generic", "PSF-2.0", (text,))]
    packages = json.loads((noted / "sources.lock").read_text(encoding="ascii"))["packages"]
    return [_source_package(each["name"], each["version"], noted) for each in packages]


def _source_package(name: str, version: str, noted: Path) -> Part:
    return Part(name, version, "deb/debian", "", (noted / name / "copyright",), qualifiers="arch=source")


def _foreign_libraries(work: Path) -> list[Path]:
    """Shared libraries that PyInstaller took from neither the interpreter nor a distribution."""
    [notes] = work.rglob("COLLECT-00.toc")
    [entries] = ast.literal_eval(notes.read_text(encoding="utf-8"))
    sources = [Path(source).resolve() for _, source, kind in entries if kind == "BINARY"]
    known = [Path(prefix).resolve() for prefix in (sys.base_prefix, sys.prefix)]
    return [path for path in sources if not any(path.is_relative_to(place) for place in known)]
