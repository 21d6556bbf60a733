"""A Docker engine for the demo: the person's own where one answers, else one started for it, else none.

Only an engine on this machine is of use, since the demo's Harbor listens on loopback.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from tests.lab import docker
from tests.lab.docker import DockerEngine
from tests.lab.processes import PartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USUAL_SOCKET = "unix:///var/run/docker.sock"


class PersonsEngine(DockerEngine):
    """One that runs already, and goes on running."""

    def __init__(self, host: str) -> None:
        self.host = host

    def close(self) -> None:
        """Leaves it alone."""


@contextlib.contextmanager
def engine(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[DockerEngine | None, str]]:
    """The engine and where it is from; without one why there is none. `environment` is the docker command's."""
    if shutil.which("docker") is None:
        yield None, "no docker command here: not shown"
        return
    host = os.environ.get("DOCKER_HOST", USUAL_SOCKET)
    if host.startswith("unix://"):
        running = PersonsEngine(host)
        if running.run("version", env=environment, timeout=20).returncode == 0:
            yield running, "the Docker engine of this machine"
            return
    if docker.missing_engine() or getattr(os, "geteuid", lambda: 1)() != 0:
        yield None, "no Docker engine answers here, and none can be started: not shown"
        return
    try:
        started = DockerEngine.start(folder)
    except (PartError, OSError):
        yield None, "no Docker engine answers here, and dockerd does not start: not shown"
        return
    with started:
        yield started, "a Docker engine started for this demo"
