"""A container of the lab's engine, on this machine's network: what happens to a person in an image.

Source: docker-run(1), docker-exec(1), docker-diff(1).
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.processes import PartError
from tests.lab.sealed_home import installed_program

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from types import TracebackType

    from tests.lab.debian_root import DebianRoot
    from tests.lab.docker import DockerEngine

REPOSITORY = Path(__file__).parents[2]


def image_of(engine: DockerEngine, root: DebianRoot, reference: str, folder: Path) -> None:
    """An image of a root folder. Takes some seconds; `folder` is for what lies between."""
    archive = folder / "root.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(root.path, ".")
    done = engine.run("import", str(archive), reference)
    archive.unlink()
    if done.returncode:
        raise PartError(f"docker import: {done.stderr}")


def empty_image(engine: DockerEngine, reference: str) -> None:
    """An image of folders alone, for a container with `programs_here` in it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "lib", "lib64"):  # sbin stays a folder: the engine puts its init there
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name, mode in (("etc", 0o755), ("root", 0o700), ("sbin", 0o755), ("tmp", 0o1777), ("usr", 0o755)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, mode
            tar.addfile(folder)
    done = engine.run("import", "-", reference, stdin=archive.getvalue())
    if done.returncode:
        raise PartError(f"docker import: {done.stderr}")


def programs_here(*, helper: bool) -> dict[Path, str]:
    """As mounts, to be read alone: this machine's programs, docker among them, and Python; with the helper or not."""
    places = {Path("/usr"), Path(sys.base_prefix)}
    if helper:
        places |= {REPOSITORY, Path(sys.prefix), installed_program().resolve().parent}
    within = {place for place in places for other in places if place != other and place.is_relative_to(other)}
    return {place: f"{place}:ro" for place in sorted(places - within)}


class Container:
    """It idles until `with` ends; commands run beside that. `mounts`: what of this machine is to be where in it."""

    def __init__(self, engine: DockerEngine, image: str, mounts: Mapping[Path, str] | None = None) -> None:
        self._engine = engine
        switches = [f"--volume={source}:{target}" for source, target in (mounts or {}).items()]
        done = engine.run(
            "run", "--detach", "--init", "--network=host", "--entrypoint=sleep", *switches, image, "infinity"
        )
        if done.returncode:
            raise PartError(f"docker run: {done.stderr}")
        self._id = done.stdout.strip()

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A command of root's."""
        switches = [f"--env={name}={value}" for name, value in env.items()]
        return self._engine.run("exec", *switches, self._id, *command)

    def run_as(self, user: str, command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A shell line of that user's, with their own home."""
        return self.run("su", user, "-c", command, **env)

    def must(self, *command: str) -> str:
        """Its standard output; it has to succeed."""
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def must_as(self, user: str, command: str, **env: str) -> str:
        """What it says on standard error; it has to succeed."""
        done = self.run_as(user, command, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def changed(self) -> set[str]:
        """The paths that differ from the image."""
        listed = self._engine.run("diff", self._id).stdout.splitlines()
        return {line.partition(" ")[2] for line in listed}

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.run("rm", "--force", self._id)
