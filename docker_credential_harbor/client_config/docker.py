"""Docker's ``config.json``.

Source: docker/cli, "Credential helpers" and DOCKER_CONFIG in its documentation.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_HOME = Path(".docker", "config.json")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the docker command reads."""
    folder = environ.get("DOCKER_CONFIG")
    return Path(folder) / IN_HOME.name if folder else Path.home() / IN_HOME
