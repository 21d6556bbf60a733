"""The clients, and what each must do in each situation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.clients.buildah import Buildah
from tests.clients.cosign import Cosign
from tests.clients.crane import Crane
from tests.clients.dev_container import DevContainer
from tests.clients.docker_cli import ClassicBuilder, DockerCli
from tests.clients.docker_plugin import Buildx, Compose
from tests.clients.docker_py import DockerPy, DockerPyBuild
from tests.clients.go_library import GoLibrary
from tests.clients.helm import Helm, Helm4
from tests.clients.jib import Jib
from tests.clients.oras import Oras
from tests.clients.podman import Podman
from tests.clients.podman_remote import PodmanRemote
from tests.clients.pycreds import Pycreds
from tests.clients.regctl import Regctl
from tests.clients.situations import REFUSED
from tests.clients.skopeo import Skopeo
from tests.clients.testcontainers_java import TestcontainersJava
from tests.clients.testcontainers_npm import TestcontainersNpm
from tests.clients.testcontainers_python import TestcontainersPython

if TYPE_CHECKING:
    from tests.clients.client import Client

CLIENTS: tuple[Client, ...] = (
    DockerCli(),
    ClassicBuilder(),
    Buildx(),
    Compose(),
    DockerPy(),
    DockerPyBuild(),
    Pycreds(),
    Podman(),
    PodmanRemote(),
    Buildah(),
    Skopeo(),
    Helm(),
    Helm4(),
    Oras(),
    Crane(),
    Regctl(),
    Cosign(),
    GoLibrary(),
    Jib(),
    TestcontainersJava(),
    TestcontainersNpm(),
    TestcontainersPython(),
    DevContainer(),
)


class Must(NamedTuple):
    """What is asked of every client."""

    works: bool
    windows: int


ELSEWHERE = "another registry"
MUST = {
    ELSEWHERE: Must(True, 0),
    "nobody, a public image": Must(True, 0),
    REFUSED: Must(False, 0),
    "cold": Must(True, 1),
    "warm": Must(True, 0),
    "push": Must(True, 0),
    "dead session": Must(True, 1),
    "login": Must(True, 0),
    "pull as a robot": Must(True, 0),
    "logout": Must(True, 0),
}


def must(client: Client, situation: str) -> Must:
    """What is asked of this one, which may ask for every registry, whatever its image."""
    asked = MUST[situation]
    return asked._replace(windows=client.windows_for_others) if situation == ELSEWHERE else asked
