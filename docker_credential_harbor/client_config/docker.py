"""Docker's ``config.json``.

Sources: docker/cli, "Credential helpers" and DOCKER_CONFIG in its documentation, and its memorystore.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_HOME = Path(".docker", "config.json")


def is_served_by_environment(registry: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether DOCKER_AUTH_CONFIG has a pair for it: that goes before any helper, for the servers that it names.

    Docker leaves one that it cannot read out of account.
    """
    try:
        auths = json.loads(environ.get("DOCKER_AUTH_CONFIG") or "{}")["auths"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
    return isinstance(auths, dict) and bool(auths.get(registry))


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the docker command reads."""
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) / IN_HOME.name if folder else Path.home() / IN_HOME
