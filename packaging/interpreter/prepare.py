"""Prepares the interpreter that the packages carry: compiled once, and kept by what it is made from.

`python3 packaging/interpreter/prepare.py` leaves it in build/interpreter/current. With the name of another machine (as
`uname -m` has it) that one's, compiled here, in build/interpreter under that name. INTERPRETER_FOLDER names another
place than build/interpreter, so that several checkouts share what one of them has compiled. Elsewhere than on Linux it
is the Python that runs this.
With --renew it writes sources.lock anew: the newest that is served, security fixes among it. With --counting and LLVM's
library for that it compiles one that counts what it runs, in build/interpreter/counting, for renew_profile.py.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import recipe
import sources

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
CURRENT = REPOSITORY / "build" / "interpreter" / "current"
LOCK = HERE / "sources.lock"
COMPILER = REPOSITORY / "requirements-interpreter.lock"
PARTS = ("recipe.py", "sources.py", "modules.txt", "main.c", "quicker_start.patch", "profile.xz", "sections.ld")
MADE_FROM = (LOCK, COMPILER, *(HERE / name for name in PARTS))


def main() -> None:
    kept = Path(os.environ.get("INTERPRETER_FOLDER") or REPOSITORY / "build" / "interpreter").resolve()
    lock = sources.Lock.read(LOCK)
    if "--renew" in sys.argv[1:]:
        lock.renewed(kept / "sources").write(LOCK)
        return
    if "--counting" in sys.argv[1:]:
        lock.fetch(kept / "sources")
        shutil.rmtree(kept / "counting", ignore_errors=True)
        _compile(lock, kept, kept / "counting", platform.machine(), counting=Path(sys.argv[-1]))
        return
    if sys.platform.startswith("linux"):
        _link("current", _prepared(lock, kept, platform.machine()))
        for machine in sys.argv[1:]:
            _link(machine, _prepared(lock, kept, machine, CURRENT / "bin" / "python3"))
    else:
        _link("current", Path(sys.base_prefix))


def _prepared(lock: sources.Lock, kept: Path, machine: str, python: Path | None = None) -> Path:
    """Where it lies; it is compiled if it does not. ``python``: of this machine, if it is for another."""
    interpreter = kept / _key(machine)
    if not interpreter.exists():
        lock.fetch(kept / "sources")
        _compile(lock, kept, interpreter, machine, python)
    return interpreter


def _link(name: str, interpreter: Path) -> None:
    link = CURRENT.with_name(name)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(interpreter, link.parent.resolve()))


def _key(machine: str) -> str:
    """Another one for whatever would give another interpreter."""
    text = machine.encode() + b"".join(path.read_bytes() for path in MADE_FROM)
    return hashlib.sha256(text).hexdigest()[:16]


def _compile(
    lock: sources.Lock,
    kept: Path,
    interpreter: Path,
    machine: str,
    python: Path | None = None,
    counting: Path | None = None,
) -> None:
    """Beside where it is kept, so that it is there as a whole or not at all; what fails is left to be looked at."""
    folder = Path(tempfile.mkdtemp(dir=kept, prefix="compiling-"))
    shop = recipe.Workshop(folder, _compiler(folder), machine, python, counting)
    for package in lock.packages:
        package.unpack(kept / "sources", folder / package.name)
    made = folder / "made"
    recipe.build(shop, made)
    for package in lock.packages:
        place = made / "sources" / package.name
        place.mkdir(parents=True)
        shutil.copyfile(folder / package.name / "debian" / "copyright", place / "copyright")
    shutil.copyfile(LOCK, made / "sources" / LOCK.name)
    made.rename(interpreter)
    shutil.rmtree(folder)


def _compiler(folder: Path) -> Path:
    """zig, which ships as a wheel."""
    environment = folder / "zig"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    options = ("-q", "--disable-pip-version-check", "--no-compile", "--require-hashes", "-r", str(COMPILER))
    subprocess.run([python, "-m", "pip", "install", *options], check=True)
    [zig] = environment.glob("lib/python*/site-packages/ziglang/zig")
    return zig


if __name__ == "__main__":
    try:
        main()
    except sources.SourceError as error:
        raise SystemExit(str(error)) from None
