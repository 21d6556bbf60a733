"""The ``auth.json`` of podman, skopeo and buildah. Source: containers-auth.json(5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_HOME = Path(".config", "containers", "auth.json")


def config_files(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The files that they look into before Docker's, in that order."""
    if environ.get("REGISTRY_AUTH_FILE"):
        return [Path(environ["REGISTRY_AUTH_FILE"])]
    runtime = environ.get("XDG_RUNTIME_DIR")
    config = environ.get("XDG_CONFIG_HOME") or folders.home() / ".config"
    return [Path(folder, "containers", "auth.json") for folder in (runtime, config) if folder]
