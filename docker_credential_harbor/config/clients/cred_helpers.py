"""``credHelpers``: the entry that names this helper for one registry in a client's JSON file. All else there is kept.

Docker, podman and Helm have it in the same form. Where each has its file stands in the file of that client beside this.
All functions raise ClientConfigInvalid or NotReadable for a file that could not be changed without harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import json_file, json_text
from docker_credential_harbor.config.clients.json_file import HELPER

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.config.clients.json_file import Document
    from docker_credential_harbor.config.file_change import Change

FIELD = "credHelpers"


def entered(path: Path, registry: str) -> Change:
    """With this helper for the registry, as its name stands in image names."""
    return entered_in(json_file.read(path), registry)


def entered_in(document: Document, registry: str) -> Change:
    """The same in a file that has been read."""
    path = document.path
    helpers = document.field(FIELD) or {}
    found = helpers.get(registry)
    text = document.named(FIELD)
    if found == HELPER and text == document.text and not document.unread:
        return document.unchanged(f"{path} names this helper for {registry} already")
    if document.field(FIELD) is None:
        text = json_text.with_member(text, [FIELD], {})
    instead = json_file.instead_of(found) if registry in helpers else ""
    text = json_text.with_member(text, [FIELD, registry], HELPER)
    return document.changed(text, f"this helper entered for {registry} into {path}{instead}")


def served_after(change: Change) -> list[str]:
    """For whom the file names this helper after the change."""
    helpers = json_file.parsed(change.after, change.path).field(FIELD) or {}
    return [server for server, helper in helpers.items() if helper == HELPER]


def taken_out(path: Path, registry: str) -> Change:
    """Without it; what another helper serves stays with that."""
    return taken_out_of(json_file.read(path), registry)


def taken_out_of(document: Document, registry: str) -> Change:
    """The same in a file that has been read."""
    path = document.path
    helpers, spelt = document.field(FIELD) or {}, document.spelt(FIELD)
    if spelt is None or helpers.get(registry) != HELPER:
        return document.unchanged(f"{path} does not name this helper for {registry}")
    text = json_text.without(document.text, [spelt, registry] if len(helpers) > 1 else [spelt])
    return document.changed(text, f"this helper taken out for {registry} from {path}")
