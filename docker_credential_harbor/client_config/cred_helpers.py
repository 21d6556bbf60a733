"""``credHelpers``: the entry that names this helper for one registry in a client's JSON file. All else there is kept.

Docker, podman and Helm have it in the same form. Where each has its file stands in the file of that client beside this.
All functions raise ClientConfigInvalid or NotReadable for a file that could not be changed without harm.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from docker_credential_harbor import files
from docker_credential_harbor.client_config.change import Change
from docker_credential_harbor.errors import ClientConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "harbor"  # clients run docker-credential-harbor for it


def entered(path: Path, registry: str) -> Change:
    """With this helper for the registry, as its name stands in image names."""
    before, document = _read(path)
    helpers = document.setdefault("credHelpers", {})
    if helpers.get(registry) == HELPER:
        return Change(path, before, before or b"", f"{path} names this helper for {registry} already")
    helpers[registry] = HELPER
    return Change(path, before, _written(document, before), f"this helper entered for {registry} into {path}")


def taken_out(path: Path, registry: str) -> Change:
    """Without it; what another helper serves stays with that."""
    before, document = _read(path)
    helpers = document.get("credHelpers", {})
    if helpers.get(registry) != HELPER:
        return Change(path, before, before or b"", f"{path} does not name this helper for {registry}")
    del helpers[registry]
    if not helpers:
        del document["credHelpers"]
    return Change(path, before, _written(document, before), f"this helper taken out for {registry} from {path}")


def helper_for(path: Path, registry: str) -> str:
    """Which helper is asked for the registry; "": none. ``credHelpers`` goes before ``credsStore`` (docker/cli)."""
    _, document = _read(path)
    found = document.get("credHelpers", {}).get(registry) or document.get("credsStore")
    return found if isinstance(found, str) else ""


def _read(path: Path) -> tuple[bytes | None, dict[str, Any]]:
    content = files.read_bytes(path)
    if content is None or not content.strip():
        return content, {}
    try:
        document = json.loads(content)
    except json.JSONDecodeError as fault:
        raise ClientConfigInvalid(place=f"{path}:{fault.lineno}", reason=f"it is not JSON: {fault.msg}") from fault
    except (UnicodeDecodeError, RecursionError) as fault:
        raise ClientConfigInvalid(place=path, reason="it is not JSON") from fault
    if not isinstance(document, dict) or not isinstance(document.get("credHelpers", {}), dict):
        raise ClientConfigInvalid(place=path, reason="it, or its credHelpers, is not a JSON object")
    return content, document


def _written(document: dict[str, Any], before: bytes | None) -> bytes:
    """With the indentation that is there; Docker's own is a tab."""
    found = re.search(rb"\n([ \t]+)\"", before or b"")
    indent = found[1].decode() if found else "\t"
    return (json.dumps(document, indent=indent, ensure_ascii=False) + "\n").encode()
