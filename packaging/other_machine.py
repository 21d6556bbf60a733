"""The program folder of another machine than the one that builds, from this machine's.

Python's modules are the same on all machines. What is not is the interpreter, which the same compiler makes for others
(packaging/interpreter), and libraries in wheels, of which the lock has those for other machines, too.
"""

from __future__ import annotations

import importlib
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MINORS = range(17, 100)  # of glibc's versions, from PEP 599's on


def make(folder: Path, machine: str, repository: Path, work: Path) -> None:
    """Exchanges in the program folder what is this machine's. Raises SystemExit for a library that no wheel has."""
    libraries = sorted(folder.rglob("*.so"))
    wheels = work / "wheels"
    _download(_owners(libraries, folder / "_internal"), machine, repository / "requirements-package.lock", wheels)
    for library in libraries:
        place = str(library.relative_to(folder / "_internal"))
        library.unlink()
        _take(place.replace(platform.machine(), machine), wheels, folder / "_internal")
    interpreter = repository / "build" / "interpreter" / machine / "bin" / "python3"
    shutil.copyfile(interpreter, folder / folder.name)


def _owners(libraries: list[Path], inside: Path) -> list[str]:
    """The distributions that these libraries came with."""
    places = {str(library.relative_to(inside)) for library in libraries}
    return sorted(each.name for each in distributions() if places & _files(each))


def _files(distribution: Distribution) -> set[str]:
    return {str(file) for file in distribution.files or ()}


def _download(names: list[str], machine: str, lock: Path, wheels: Path) -> None:
    """As the lock has them, with their hashes, for the glibc versions that the interpreter takes wheels for."""
    entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8"))
    wanted = wheels.with_suffix(".lock")
    wanted.write_text("\n".join(each for each in entries if each.partition("==")[0] in names), encoding="utf-8")
    will_do = importlib.import_module("_manylinux").manylinux_compatible
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in MINORS if will_do(2, minor, machine)]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes",
         "--only-binary=:all:", *platforms, "--dest", wheels, "-r", wanted],
        check=True,
    )  # fmt: skip


def _take(place: str, wheels: Path, inside: Path) -> None:
    for path in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            if place in wheel.namelist():
                wheel.extract(place, inside)
                return
    raise SystemExit(f"{place}: in no wheel for that machine")
