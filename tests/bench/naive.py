"""The same program as PyInstaller makes it when nobody looks: one file, which unpacks itself at every start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAME = "docker-credential-harbor"
ENTRY, PRODUCT, FOLDER = Path("packaging/entry.py"), Path("build/package/product"), Path("build/bench")


def build(python: Path) -> Path:
    """The executable. `python`: of the environment that the packages were built in."""
    built = FOLDER / NAME
    if not built.exists() or built.stat().st_mtime < PRODUCT.stat().st_mtime:
        folders = ["--distpath", str(FOLDER), "--workpath", str(FOLDER / "work"), "--specpath", str(FOLDER / "work")]
        command = [str(python), "-m", "PyInstaller", "--onefile", "--noconfirm", "--log-level", "ERROR", "--name", NAME]
        environment = {**os.environ, "PYTHONPATH": str(PRODUCT.absolute())}
        subprocess.run([*command, *folders, str(ENTRY.absolute())], env=environment, check=True)
    return built.resolve()
