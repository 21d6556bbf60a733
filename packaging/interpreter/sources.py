"""Debian's source packages that the interpreter is built from: those in sources.lock.

apt fetches them from where this machine's apt is pointed, and checks the archive's signature; the hashes are the
lock's.
Source: apt-get(8) `source` and `indextargets`, dpkg-source(1), sources.list(5).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import asdict, dataclass
from functools import cmp_to_key
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CHANGES_OF_LAYOUT = ".diff"  # how Debian calls its patches of where Python's files lie; fixes are called .patch


class SourceError(Exception):
    """Sources that are not to be had, or are others than the lock's."""


@dataclass(frozen=True)
class Package:
    """One source package; ``files``: SHA-256 by file name."""

    name: str
    version: str
    files: dict[str, str]

    def is_in(self, folder: Path) -> bool:
        """Whether all of it lies there. Raises SourceError where a file is another than the lock's."""
        there = [name for name in self.files if (folder / name).exists()]
        for name in there:
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != self.files[name]:
                raise SourceError(f"{folder / name}: not the file in sources.lock")
        return len(there) == len(self.files)

    def unpack(self, folder: Path, into: Path) -> None:
        """Its source with Debian's fixes."""
        [description] = [folder / name for name in self.files if name.endswith(".dsc")]
        kept = ["--skip-patches"] if self.name.startswith("python") else []
        _output("dpkg-source", "--no-check", *kept, "--extract", str(description), str(into))
        for patch in _fixes(into / "debian" / "patches") if kept else ():
            _output("patch", "--strip=1", "--silent", f"--input={patch}", f"--directory={into}")


def _fixes(folder: Path) -> list[Path]:
    """Python's, without what makes it Debian's own Python."""
    lines = (folder / "series").read_text(encoding="utf-8").splitlines()
    names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    if any("CVE" in name and name.endswith(CHANGES_OF_LAYOUT) for name in names):
        raise SourceError("a security fix among Debian's changes of layout")
    return [folder / name for name in names if not name.endswith((CHANGES_OF_LAYOUT, ".dff"))]


@dataclass(frozen=True)
class Lock:
    """What is built: packages of one suite."""

    suite: str
    packages: tuple[Package, ...]

    @classmethod
    def read(cls, path: Path) -> Lock:
        document = json.loads(path.read_text(encoding="ascii"))
        return cls(document["suite"], tuple(Package(**each) for each in document["packages"]))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="ascii")

    def fetch(self, folder: Path) -> None:
        """Into a folder, what is not there. Raises SourceError, with what to do."""
        folder.mkdir(parents=True, exist_ok=True)
        missing = [package for package in self.packages if not package.is_in(folder)]
        apt = Apt(folder, self.suite) if missing else None
        for package in missing:
            if not (apt and apt.fetch(package.name, package.version) and package.is_in(folder)):
                raise SourceError(
                    f"{package.name} {package.version} is not served any more: "
                    "`make interpreter-lock` writes what is, as docs/packaging.md has it"
                )

    def renewed(self, folder: Path) -> Lock:
        """The newest of each package that can be fetched."""
        folder.mkdir(parents=True, exist_ok=True)
        apt = Apt(folder, self.suite)
        return Lock(self.suite, tuple(apt.newest(package.name) for package in self.packages))


class Apt:
    """apt with lists of its own: the sources that this machine has, of another suite."""

    def __init__(self, folder: Path, suite: str) -> None:
        """Takes seconds: its lists are fetched. Raises SourceError where that fails."""
        self.folder = folder.resolve()
        state = self.folder / "apt"
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        listed = _output("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)",
                         "Created-By: Packages", "Origin: Debian", "Component: main")  # fmt: skip
        places = {(suite + "".join(name.partition("-")[1:]), uri) for uri, name in map(str.split, listed.splitlines())}
        # The suite itself comes first: apt asks the first that lists a version, and not all that is listed is served.
        lines = [f"deb-src [signed-by={KEYRING}] {uri} {name} main\n" for name, uri in sorted(places)]
        (state / "sources.list").write_text("".join(lines), encoding="ascii")
        options = {
            "Dir::Etc::SourceList": state / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": state / "lists",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Cache::pkgcache": "",
            "APT::Sandbox::User": "root",
        }
        self.options = [f"--option={name}={value}" for name, value in options.items()]
        _output("apt-get", *self.options, "--quiet", "--error-on=any", "update")

    def fetch(self, name: str, version: str) -> bool:
        """Whether it is served."""
        command = ["apt-get", *self.options, "--quiet", "source", "--download-only", f"{name}={version}"]
        return subprocess.run(command, cwd=self.folder, capture_output=True).returncode == 0

    def newest(self, name: str) -> Package:
        """By the archive's signed lists; more may be listed there than is served."""
        listed = _output("apt-cache", *self.options, "showsrc", name).split("\n\n")
        found = [package for package in map(_listed, listed) if package.name == name]
        for package in sorted(found, key=cmp_to_key(_in_order_of_version), reverse=True):
            if self.fetch(name, package.version) and package.is_in(self.folder):
                return package
        raise SourceError(f"{name}: none is served")


def _listed(paragraph: str) -> Package:
    """One entry of apt's lists of sources."""
    name, version = (_field(each, paragraph).strip() for each in ("Package", "Version"))
    sums = [line.split() for line in _field("Checksums-Sha256", paragraph).splitlines() if line]
    return Package(name, version, {file: digest for digest, _, file in sums})


def _field(name: str, paragraph: str) -> str:
    """Its value with the lines that continue it."""
    found = re.search(rf"^{name}:(.*(?:\n .*)*)", paragraph, re.MULTILINE)
    return found[1] if found else ""


def _in_order_of_version(one: Package, other: Package) -> int:
    """As dpkg has it: -1, 0 or 1."""
    command = ["dpkg", "--compare-versions", one.version]
    if subprocess.run([*command, "eq", other.version]).returncode == 0:
        return 0
    return -1 if subprocess.run([*command, "lt", other.version]).returncode == 0 else 1


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SourceError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout.strip()
