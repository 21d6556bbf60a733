"""``credHelpers``: the entry that names this helper for one registry in a client's JSON file. All else there is kept.

Docker, podman and Helm have it in the same form. Where each has its file stands in the file of that client beside this.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from docker_credential_harbor import files
from docker_credential_harbor.errors import ClientConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "harbor"  # clients run docker-credential-harbor for it


def check(path: Path) -> None:
    """Raises ClientConfigInvalid or NotReadable for a file that could not be changed without harm."""
    _read(path)


def add(path: Path, registry: str) -> bool:
    """Enters this helper for the registry, as its name stands in image names. False: it was there already.

    Raises ClientConfigInvalid, NotReadable, NotWritable.
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
        raise ClientConfigInvalid(place=f"{path}:{fault.lineno}", reason=f"it is not JSON: {fault.msg}") from fault
    except (UnicodeDecodeError, RecursionError) as fault:
        raise ClientConfigInvalid(place=path, reason="it is not JSON") from fault
    if not isinstance(document, dict) or not isinstance(document.get("credHelpers", {}), dict):
        raise ClientConfigInvalid(place=path, reason="it, or its credHelpers, is not a JSON object")
    return document
