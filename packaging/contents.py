"""What the program folder is made of: Python distributions, the interpreter, PyInstaller's bootloader, libraries.

It is found out from what really lies in the folder, so that nothing is listed that is not there, and nothing left out.
"""

from __future__ import annotations

import ast
import platform
import re
import subprocess
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
    """One thing that is bundled. ``version`` "": not known; ``boms``: its own bills of materials (PEP 770)."""

    name: str
    version: str
    purl_type: str
    licence: str
    texts: tuple[Path, ...]
    boms: tuple[Path, ...] = ()


def parts(folder: Path, work: Path) -> list[Part]:
    """All parts of the program folder, by name. ``work``: where PyInstaller noted which file came from where."""
    inside = folder / "_internal"
    names = {str(path.relative_to(inside)) for path in inside.rglob("*") if path.is_file()}
    found = [_interpreter(), *(_python_part(each) for each in distributions() if _is_bundled(each, names))]
    found += [_library(source) for source in _libraries(work)]
    return sorted({part.name: part for part in found}.values(), key=lambda part: part.name.lower())


def _is_bundled(distribution: Distribution, names: set[str]) -> bool:
    """The product itself is what this is about; of PyInstaller the bootloader is there, inside the executable."""
    if distribution.name.lower() in ("pyinstaller", PRODUCT):
        return distribution.name.lower() != PRODUCT
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


def _interpreter() -> Part:
    places = [Path(sysconfig.get_path("stdlib")) / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt"]
    own = f"/usr/share/doc/python{sys.version_info[0]}.{sys.version_info[1]}/copyright"
    texts = [place for place in (*places, Path(own)) if place.is_file()]
    return Part("python", platform.python_version(), "generic", "PSF-2.0", tuple(texts[:1]))


# --- Libraries of the build machine's system --------------------------------------------------------------------------


def _libraries(work: Path) -> list[Path]:
    """Where PyInstaller took shared libraries from, the interpreter's own and those of distributions left out."""
    [notes] = work.rglob("COLLECT-00.toc")
    [entries] = ast.literal_eval(notes.read_text(encoding="utf-8"))
    sources = [Path(source).resolve() for _, source, kind in entries if kind == "BINARY"]
    known = [Path(prefix).resolve() for prefix in (sys.base_prefix, sys.prefix) if prefix != "/usr"]
    return [path for path in sources if not any(path.is_relative_to(place) for place in known)]


def _library(source: Path) -> Part:
    """By the system's package manager; where there is none its name is all that is known."""
    return _debian_package(source) or _rpm_package(source) or Part(source.name, "", "generic", "", ())


def _debian_package(source: Path) -> Part | None:
    for place in (source, Path(str(source).removeprefix("/usr"))):  # as it is written down where /lib is a link
        package = _output("dpkg-query", "--search", str(place)).split(":")[0]
        if package:
            version = _output("dpkg-query", "--show", "--showformat=${Version}", package)
            return Part(package, version, "deb/debian", "", _files(f"/usr/share/doc/{package}/copyright"))
    return None


def _rpm_package(source: Path) -> Part | None:
    found = _output(
        "rpm", "--query", "--queryformat=%{NAME}\\n%{VERSION}-%{RELEASE}\\n%{LICENSE}", "--file", str(source)
    )
    if not found:
        return None
    package, version, licence = found.splitlines()
    return Part(
        package, version, "rpm", licence, _files(*_output("rpm", "--query", "--licensefiles", package).split("\n"))
    )


def _files(*names: str) -> tuple[Path, ...]:
    return tuple(Path(name) for name in names if Path(name).is_file())


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
