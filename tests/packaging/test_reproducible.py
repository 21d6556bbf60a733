"""Two builds of one commit give the same bytes, in another folder, with another umask and files of another day."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.packaging.built import REPOSITORY, Built

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("docker_credential_harbor", "packaging", "pyproject.toml", "README.md")
LONG_AGO = 1_000_000_000


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The same sources in another folder, without their history."""
    folder = tmp_path / "another checkout"
    folder.mkdir()
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    for path in folder.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def made_at(built: Built) -> int:
    """The one instant that a build writes into everything; seconds since 1970."""
    return int(datetime.fromisoformat(json.loads((built.work / "nfpm.json").read_text())["mtime"]).timestamp())


def test_the_same_bytes(built: Built, elsewhere: Path) -> None:
    python = REPOSITORY / "build" / "package-venv" / "bin" / "python"
    epoch = str(made_at(built))
    different = {"SOURCE_DATE_EPOCH": epoch, "TZ": "Asia/Tokyo", "LANG": "C", "COLUMNS": "40", "PYTHONHASHSEED": "7"}
    made = subprocess.run(
        [python, "packaging/build.py"],
        cwd=elsewhere, env={**os.environ, **different}, umask=0o077, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    again = Built(elsewhere)
    assert again.bill.read_bytes() == built.bill.read_bytes()
    assert (again.dist / "SHA256SUMS").read_text() == (built.dist / "SHA256SUMS").read_text()


def test_the_instant_is_the_commits(built: Built) -> None:
    need("git", "apt-get install git", shutil.which("git"))
    log = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=REPOSITORY, capture_output=True, text=True)
    need("the history of this checkout", "git clone", log.returncode == 0)
    assert made_at(built) == int(log.stdout)
