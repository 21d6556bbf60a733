"""What `make package` has built, once for a run, and the helper of the lab's fixtures replaced by it."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import RUN_FOLDER, need
from tests.lab import debian_root
from tests.lab.debian_root import DebianRoot
from tests.lab.sealed_home import NAME, Helper, Home
from tests.packaging.built import REPOSITORY, Built

FIRST_BUILD_SECONDS = 2400  # its interpreter is compiled as well


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The build counts towards the test that happens to come first, as does the installation of a Debian."""
    for item in items:
        if {"built", "built_arm64"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(FIRST_BUILD_SECONDS))


@pytest.fixture(scope="session")
def built() -> Built:
    """The results of `make package`; nothing is built twice, neither by several workers nor where all is there."""
    need("strip", "apt-get install binutils", not debian_root.missing("strip"))
    _make("package")
    return Built(REPOSITORY)


@pytest.fixture(scope="session")
def built_arm64() -> Built:
    """Those of `make package-arm64`."""
    need("strip", "apt-get install binutils", not debian_root.missing("strip"))
    _make("package-arm64")
    return Built(REPOSITORY, "aarch64")


def _make(goal: str) -> None:
    with (Path(os.environ[RUN_FOLDER]) / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", goal], cwd=REPOSITORY, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.fixture(scope="session")
def debian() -> DebianRoot:
    """A Debian 12 as debootstrap leaves it, one for all workers: to be copied, not changed."""
    return debian_of(debian_root.SUITE)


def debian_of(suite: str, architecture: str = "") -> DebianRoot:
    """Another release, in the same way; ``architecture``: for another machine, nothing configured."""
    need("debootstrap", "apt-get install debootstrap", not debian_root.missing("debootstrap", "dpkg", "apt-get"))
    need("root, for chroot", "run the tests as root", os.geteuid() == 0)
    need("Debian's mirror", f"an apt source for {debian_root.SUITE}", debian_root.mirror())
    path = Path(os.environ[RUN_FOLDER]) / f"debian-{suite}{architecture}"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            DebianRoot.make(path.with_suffix(".in-the-making"), suite, architecture).path.rename(path)
    return DebianRoot(path)


@pytest.fixture
def helper(home: Home, built: Built, tmp_path: Path) -> Helper:
    """The packaged executable in the sealed home, by a symbolic link as in /usr/bin; no Python is on PATH of ours."""
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / NAME
    link.symlink_to(built.program)
    home.environment["PATH"] = f"{link.parent}:/usr/bin:/bin"
    packaged = Helper(home)
    packaged.program = str(link)
    return packaged
