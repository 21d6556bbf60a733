"""Docker's ``config.json``.

Sources: docker/cli, "Credential helpers" and DOCKER_CONFIG in its documentation, and its memorystore.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import docker_reads
from docker_credential_harbor.errors import ClientConfigInvalid
from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_HOME = Path(".docker", "config.json")
VARIABLE = "DOCKER_AUTH_CONFIG"


def is_served_by_environment(registry: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether DOCKER_AUTH_CONFIG has a pair for it: that goes before any helper, for the servers that it names.

    Docker leaves one that it cannot read out of account.
    """
    content = os.fsencode(environ.get(VARIABLE) or "")
    try:
        found = docker_reads.of(content, Path(VARIABLE))
    except ClientConfigInvalid:
        return False
    return registry in found.auths and found.pair(registry) is not None and not found.unusable_auths()


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the docker command reads."""
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) / IN_HOME.name if folder else folders.home() / IN_HOME
