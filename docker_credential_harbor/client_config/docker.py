"""Docker's ``config.json``: the ``credHelpers`` entry that names this helper for one registry.

Source: docker/cli, "Credential helpers" and DOCKER_CONFIG in its documentation. Everything else in the file is kept.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker_credential_harbor import files
from docker_credential_harbor.errors import DockerConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

HELPER = "harbor"  # docker runs docker-credential-harbor for it


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the docker command reads."""
    folder = environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def check(path: Path) -> None:
    """Raises DockerConfigInvalid or NotReadable for a file that could not be changed without harm."""
    _read(path)


def add_helper(path: Path, registry: str) -> bool:
    """Enters this helper for the registry, as its name stands in image names. False: it was there already.

    Raises DockerConfigInvalid, NotReadable, NotWritable.
    """
    document = _read(path)
    helpers = document.setdefault("credHelpers", {})
    if helpers.get(registry) == HELPER:
        return False
    helpers[registry] = HELPER
    files.replace_keeping_link(path, (json.dumps(document, indent="\t", ensure_ascii=False) + "\n").encode())
    return True


def _read(path: Path) -> dict[str, Any]:
    content = files.read_bytes(path)
    if content is None or not content.strip():
        return {}
    try:
        document = json.loads(content)
    except json.JSONDecodeError as fault:
        raise DockerConfigInvalid(place=f"{path}:{fault.lineno}", reason=f"it is not JSON: {fault.msg}") from fault
    except (UnicodeDecodeError, RecursionError) as fault:
        raise DockerConfigInvalid(place=path, reason="it is not JSON") from fault
    if not isinstance(document, dict) or not isinstance(document.get("credHelpers", {}), dict):
        raise DockerConfigInvalid(place=path, reason="it, or its credHelpers, is not a JSON object")
    return document
