"""What a client is to these tests: how it is had, and how a person has it pull, push, log in and log out."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lab.docker import DockerEngine

CALL_SECONDS = 100
Artifact = Literal["image", "chart", "feature"]


class Done(NamedTuple):
    """How a call ended, and all that a person saw of it."""

    status: int
    shown: str


class Seat(NamedTuple):
    """Where a client is started: the person's environment, Docker's engine, and a folder that is the client's own."""

    environment: Mapping[str, str]
    engine: DockerEngine
    folder: Path

    @property
    def docker_config(self) -> Path:
        """The folder of Docker's config.json."""
        return Path(self.environment["DOCKER_CONFIG"])

    def run(self, command: Sequence[str | Path], stdin: str = "", **environment: str) -> Done:
        """To its end, away from any terminal."""
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env={**self.environment, **environment},
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=CALL_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(errors="replace"))


class Client(ABC):
    """One client. Each method starts it anew, as a person would; `**environment` is laid over the seat's.

    A client that has no command to push, to log in or to log out says so (``pushes``, ``logs_in``, ``logs_out``), and
    is not asked to.

    Registries are plain http on loopback, so each file has the switch by which its client takes that.
    """

    name: str
    install: str  # what a person enters who lacks it
    quick = True  # else `make clients` alone has the time for it
    artifact: Artifact = "image"  # what it pulls
    pushes = True
    logs_in = True  # has a command for it
    logs_out = True  # as well
    host = "127.0.0.1"  # of the registries
    windows_for_others = 0  # that open for an image of another registry
    to_know = ""  # by whoever uses it, for the page

    @abstractmethod
    def program(self) -> str | None:
        """What is started, None where it is not on this machine."""

    @abstractmethod
    def version(self, seat: Seat) -> str:
        """As it tells it itself."""

    @abstractmethod
    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        """Fetches an artifact anew, whether it was fetched before or not."""

    def push(self, seat: Seat, reference: str) -> Done:
        """An artifact of its own making."""
        raise NotImplementedError

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        """With a name and a secret of its own, as in a script."""
        raise NotImplementedError

    def logout(self, seat: Seat, registry: str) -> Done:
        raise NotImplementedError

    def reference(self, registry: str, project: str) -> str:
        """What is published there for clients of this kind."""
        return f"{registry}/{project}/hello:1"
