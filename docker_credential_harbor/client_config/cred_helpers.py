"""``credHelpers``: the entry that names this helper for one registry in a client's JSON file. All else there is kept.

Docker, podman and Helm have it in the same form. Where each has its file stands in the file of that client beside this.
All functions raise ClientConfigInvalid or NotReadable for a file that could not be changed without harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.client_config import json_file
from docker_credential_harbor.client_config.change import Change

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "harbor"  # clients run docker-credential-harbor for it


def entered(path: Path, registry: str) -> Change:
    """With this helper for the registry, as its name stands in image names."""
    before, document = json_file.read(path)
    helpers = document.setdefault("credHelpers", {})
    if helpers.get(registry) == HELPER:
        return Change(path, before, before or b"", f"{path} names this helper for {registry} already")
    instead = f" instead of {helpers[registry]!r}, which --undo does not bring back" if helpers.get(registry) else ""
    helpers[registry] = HELPER
    after = json_file.written(document, before)
    return Change(path, before, after, f"this helper entered for {registry} into {path}{instead}")


def taken_out(path: Path, registry: str) -> Change:
    """Without it; what another helper serves stays with that."""
    before, document = json_file.read(path)
    helpers = document.get("credHelpers", {})
    if helpers.get(registry) != HELPER:
        return Change(path, before, before or b"", f"{path} does not name this helper for {registry}")
    del helpers[registry]
    if not helpers:
        del document["credHelpers"]
    after = json_file.written(document, before)
    return Change(path, before, after, f"this helper taken out for {registry} from {path}")


def helper_for(path: Path, registry: str) -> str:
    """Which helper is asked for the registry; "": none. ``credHelpers`` goes before ``credsStore`` (docker/cli)."""
    _, document = json_file.read(path)
    found = document.get("credHelpers", {}).get(registry) or document.get("credsStore")
    return found if isinstance(found, str) else ""
