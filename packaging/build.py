"""`make package`: the packaged executable, its packages, archive, bill of materials and checksums, in dist/.

With the name of another machine (as `uname -m` has it) those for that one, in a folder of that name in dist/.

Read from top to bottom it is the whole build; each step's own file lies beside this one. Two builds of one commit give
the same bytes, in whatever folder, on whatever day and with whatever umask. .deb and .rpm, and what they need of glibc,
are for Linux alone.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import archive
import bundle
import contents
import documents
import glibc
import licences
import other_machine
import sbom
import system_packages

REPOSITORY = Path(__file__).resolve().parents[1]
NAME = "docker-credential-harbor"
# What tools look at beside their input. Tables of text depend on the hash seed, wrapped lines on the terminal.
FIXED_ENVIRONMENT = {"PYTHONHASHSEED": "0", "COLUMNS": "100", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
WITHOUT_HISTORY = "315532800"  # 1980, the first year that all archives can tell


def main() -> None:
    _in_fixed_environment()
    machine = sys.argv[1] if sys.argv[1:] else platform.machine()
    is_other = machine != platform.machine()
    dist, work = REPOSITORY / "dist", REPOSITORY / "build" / "package"
    if is_other:
        dist, work = dist / machine, work / machine
    _clear(dist, work)
    folder = bundle.build(REPOSITORY, dist, work)
    version = importlib.import_module("docker_credential_harbor").__version__
    parts = contents.parts(folder, work)
    if is_other:
        other_machine.make(folder, machine, REPOSITORY, work)
    staged = work / "staged"
    documents.write(staged, REPOSITORY, version)
    licences.write(staged / "copyright", parts)
    sbom.write(dist / f"{NAME}-{version}.cdx.json", NAME, version, parts)
    for tree in (folder, staged):
        bundle.make_uniform(tree, program=NAME)
    if sys.platform == "linux":
        needs = glibc.measure(folder)
        print(needs.report())
        system_packages.build(dist, work, folder, staged, NAME, version, machine, needs)
    archive.build(dist, folder, staged, f"{NAME}-{version}", machine)
    _write_checksums(dist)
    print(*sorted(path.relative_to(REPOSITORY) for path in dist.iterdir()), sep="\n")


def _in_fixed_environment() -> None:
    """Begins this process anew with the environment that gives the same bytes everywhere."""
    wanted = {**FIXED_ENVIRONMENT, "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or _commit_time()}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})  # noqa: S606


def _commit_time() -> str:
    """Seconds since 1970 of the commit that is checked out."""
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return WITHOUT_HISTORY


def _clear(dist: Path, work: Path) -> None:
    """Takes away what an earlier build made, and nothing else."""
    for made in (work, *dist.glob(f"{NAME}*"), dist / "SHA256SUMS"):
        if made.is_dir():
            shutil.rmtree(made)
        else:
            made.unlink(missing_ok=True)
    dist.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True)


def _write_checksums(dist: Path) -> None:
    """As sha256sum writes and checks them."""
    files = sorted(path for path in dist.iterdir() if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (dist / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    main()
