"""``credHelpers``: the entry that names this helper for one registry in a client's JSON file. All else there is kept.

Docker, podman and Helm have it in the same form. Where each has its file stands in the file of that client beside this.
All functions raise ClientConfigInvalid or NotReadable for a file that could not be changed without harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import json_file, json_text
from docker_credential_harbor.config.clients.json_file import HELPER
from docker_credential_harbor.outside.clean_text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.config.change import Change

FIELD = "credHelpers"


def entered(path: Path, registry: str) -> Change:
    """With this helper for the registry, as its name stands in image names."""
    document = json_file.read(path)
    helpers = document.field(FIELD) or {}
    found = helpers.get(registry)
    text = document.named(FIELD)
    if found == HELPER and text == document.text and not document.unread:
        return document.unchanged(f"{path} names this helper for {registry} already")
    if document.field(FIELD) is None:
        text = json_text.with_member(text, [FIELD], {})
    another = isinstance(found, str) and found not in ("", HELPER)
    instead = f" instead of {shown(found)!r}, which --undo does not bring back" if another else ""
    text = json_text.with_member(text, [FIELD, registry], HELPER)
    return document.changed(text, f"this helper entered for {registry} into {path}{instead}")


def taken_out(path: Path, registry: str) -> Change:
    """Without it; what another helper serves stays with that."""
    document = json_file.read(path)
    helpers, spelt = document.field(FIELD) or {}, document.spelt(FIELD)
    if spelt is None or helpers.get(registry) != HELPER:
        return document.unchanged(f"{path} does not name this helper for {registry}")
    text = json_text.without(document.text, [spelt, registry] if len(helpers) > 1 else [spelt])
    return document.changed(text, f"this helper taken out for {registry} from {path}")
