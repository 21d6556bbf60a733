"""The same program as PyInstaller makes it when nobody looks: one file, which unpacks itself at every start."""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path("build/bench")


def build(python: Path) -> Path:
    """The executable. `python`: of the environment that the packages were built in."""
    script = python.parent / "docker-credential-harbor"
    built = FOLDER / script.name
    if not built.exists() or built.stat().st_mtime < script.stat().st_mtime:
        folders = ["--distpath", str(FOLDER), "--workpath", str(FOLDER / "work"), "--specpath", str(FOLDER / "work")]
        command = [str(python), "-m", "PyInstaller", "--onefile", "--noconfirm", "--log-level", "ERROR", *folders]
        subprocess.run([*command, str(script.absolute())], check=True)
    return built.resolve()
