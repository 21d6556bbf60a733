"""A clean Debian in a folder, made by debootstrap from the mirror that this machine's apt uses.

Source: debootstrap(8), apt-get(8) `indextargets`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tests.lab.processes import PartError

if TYPE_CHECKING:
    from pathlib import Path

SUITE = "bookworm"  # this machine's, whose mirror has the others, too
IN_ROOT = """\
#!/bin/sh
exec unshare --mount sh -c '
for place in /dev /proc "{temporary}"; do mkdir -p "{root}$place"; mount --rbind "$place" "{root}$place"; done
exec chroot "{root}" /usr/bin/{name} "$@"' sh "$@"
"""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing(*programs: str) -> list[str]:
    """Those of the programs that this machine lacks."""
    return [program for program in programs if not shutil.which(program, path=PATH)]


def mirror() -> str:
    """Where apt has this suite's main packages from; empty where it has none."""
    filters = ["Created-By: Packages", f"Codename: {SUITE}", "Component: main"]
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *filters]
    return next(iter(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()), "")


class DebianRoot:
    """A root folder; commands run in it by chroot(8), with an environment of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def make(cls, path: Path, suite: str = SUITE, architecture: str = "") -> DebianRoot:
        """Takes half a minute. Raises PartError with the end of what debootstrap said.

        For another machine's ``architecture`` (as Debian calls it) all is unpacked and nothing configured: its programs
        run, and its dpkg knows of no package.
        """
        other = [f"--arch={architecture}", "--foreign"] if architecture else []
        command = ["debootstrap", *other, "--variant=minbase", suite, str(path), mirror()]
        environment = {**os.environ, "PATH": PATH}  # a proxy for the mirror, where there is one
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise PartError((done.stdout + done.stderr)[-2000:])
        return cls(path)

    def copy(self, path: Path) -> DebianRoot:
        """Another one like this."""
        subprocess.run(["cp", "--archive", "--reflink=auto", str(self.path), str(path)], check=True)
        return DebianRoot(path)

    def run(self, *command: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", **env}
        return subprocess.run(
            ["chroot", str(self.path), *command],
            env=environment, input=stdin, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def must(self, *command: str) -> str:
        """Its standard output; it has to succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def with_this_machines(self, script: Path, name: str) -> None:
        """Makes ``script`` a program: the root's /usr/bin/NAME, which sees this machine's devices, temporary files."""
        script.write_text(IN_ROOT.format(root=self.path, temporary=tempfile.gettempdir(), name=name))
        script.chmod(0o755)

    def files(self) -> set[str]:
        """The paths of everything there but the package manager's own notes."""
        notes = ("var/lib/dpkg", "var/log", "var/cache")
        found = (str(path.relative_to(self.path)) for path in self.path.rglob("*"))
        return {path for path in found if not path.startswith(notes)}
