"""``credsStore``: this helper for every server in Docker's file, and the pairs that stand in plain text there.

Once there is a ``credsStore`` Docker no longer looks at those pairs (docker/cli, nativeStore), so they have to move.
All functions raise ClientConfigInvalid or NotReadable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.config import go_json
from docker_credential_harbor.config.clients import docker_reads, json_file, json_text
from docker_credential_harbor.config.clients.json_file import HELPER
from docker_credential_harbor.errors import AnotherCredsStore, ClientConfigInvalid
from docker_credential_harbor.outside.clean_text import shown_server

if TYPE_CHECKING:
    from pathlib import Path

    from docker_credential_harbor.config.change import Change
    from docker_credential_harbor.model import Credentials

FIELD = "credsStore"
DOCKER_HUB = "https://index.docker.io/v1/"  # the one server that Docker asks for by a URL
SECRETS = ("auth", "identitytoken", "username", "password")


def entered(path: Path) -> Change:
    """With this helper for every server, and no pair in plain text. Raises AnotherCredsStore."""
    document = json_file.read(path)
    named, plain = document.field(FIELD), movable_pairs(path)
    text = document.named(FIELD)
    if named == HELPER and not plain and text == document.text and not document.unread:
        return document.unchanged(f"{path} names this helper for every server already")
    if named not in (None, "", HELPER):
        raise AnotherCredsStore(path=path, helper=named)
    text = json_text.with_member(text, [FIELD], HELPER)
    auths = document.spelt("auths")
    for key, entry in (document.field("auths") or {}).items():
        if auths and _asked_as(key) in plain and isinstance(entry, go_json.Members):
            for member in _secrets(entry):
                text = json_text.without(text, [auths, key, member])
    return document.changed(text, f"this helper entered for every server into {path}")


def is_entered(path: Path) -> bool:
    """Whether this helper is named for every server."""
    return bool(json_file.read(path).field(FIELD) == HELPER)


def taken_out(path: Path, change: Change) -> Change:
    """What ``change`` leaves of the file, and without this helper for every server."""
    document = json_file.parsed(change.after, path)
    spelt = document.spelt(FIELD)
    if spelt is None or document.field(FIELD) != HELPER:
        return change
    after = go_json.encoded(json_text.without(document.text, [spelt]))
    return change._replace(after=after, what=f"this helper taken out for every server from {path}")


def plain_pairs(found: docker_reads.Reading) -> dict[str, Credentials]:
    """The pairs in plain text, by server as a helper is asked for it, the entry of that very name before others of the
    same host.
    """
    pairs: dict[str, Credentials] = {}
    for key in found.auths:
        server, pair = _asked_as(key), found.pair(key)
        if pair and (key == server or server not in pairs):
            pairs[server] = pair
    return pairs


def movable_pairs(path: Path) -> dict[str, Credentials]:
    """All of them, also of a file that Docker does not read for its encoding alone."""
    found = docker_reads.of(go_json.encoded(json_file.read(path).text), path)
    for key in found.unusable_auths():
        raise ClientConfigInvalid(place=path, reason=f"the auth of {shown_server(key)} cannot be read")
    return plain_pairs(found)


def _secrets(entry: go_json.Members) -> list[str]:
    return [name for name, _ in entry if any(go_json.is_named(name, secret) for secret in SECRETS)]


def _asked_as(key: str) -> str:
    """Docker finds ``https://h/v1/`` when it looks for ``h`` (docker/cli, fileStore); of a helper it asks for ``h``."""
    return key if key == DOCKER_HUB else (key.partition("://")[2] or key).partition("/")[0]
