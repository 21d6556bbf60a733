"""``credsStore``: this helper for every server in Docker's file, and the pairs that stand in plain text there.

Once there is a ``credsStore`` Docker no longer looks at those pairs (docker/cli, nativeStore), so they have to move.
All functions raise ClientConfigInvalid or NotReadable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.config import go_json
from docker_credential_harbor.config.clients import cred_helpers, docker_reads, json_file, json_text
from docker_credential_harbor.config.clients.json_file import HELPER
from docker_credential_harbor.errors import AnotherCredsStore, ClientConfigInvalid
from docker_credential_harbor.outside.clean_text import shown_server
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from docker_credential_harbor.config.file_change import Change
    from docker_credential_harbor.model import Credentials

FIELD = "credsStore"
DOCKER_HUB = "https://index.docker.io/v1/"  # the one server that Docker asks for by a URL
SECRETS = ("auth", "identitytoken", "username", "password")


def entered(path: Path, change: Change | None = None, own: str | None = None) -> Change:
    """What ``change`` leaves of the file, with this helper for every server, and no pair in plain text.

    ``own``: the helper that `setup` itself has entered there, which gives way as long as nobody has logged in by it.
    podman, skopeo and buildah take those pairs from this file, but know no ``credsStore``: so each server whose pair
    moves is entered by itself, too. Raises AnotherCredsStore.
    """
    document = json_file.read(path, change)
    named, plain = document.field(FIELD), _movable(document)
    text = document.named(FIELD)
    if named not in (None, "", HELPER) and (named != own or document.field("auths")):
        raise AnotherCredsStore(path=path, helper=named)
    if named == HELPER and not plain and text == document.text and not document.unread:
        second = document.unchanged(f"{path} names this helper for every server already")
    else:
        text = _without_secrets(document, json_text.with_member(text, [FIELD], HELPER), plain)
        instead = "" if named is None else json_file.instead_of(named)
        second = document.changed(text, f"this helper entered for every server into {path}{instead}")
    for server in plain:
        second = _entered_for(server, second)
    return change.and_then(second) if change else second


def _entered_for(server: str, change: Change) -> Change:
    """Docker's own registry has another name with podman, and what another helper serves stays with that."""
    document = json_file.parsed(change.after, change.path)
    if server == DOCKER_HUB or not _is_server(server) or server in (document.field(cred_helpers.FIELD) or {}):
        return change
    return change._replace(after=cred_helpers.entered_in(document, server).after)


def _without_secrets(document: json_file.Document, text: str, plain: Container[str]) -> str:
    auths = document.spelt("auths")
    for key, entry in (document.field("auths") or {}).items():
        if auths and _asked_as(key) in plain and isinstance(entry, go_json.Members):
            for member in _secrets(entry):
                text = json_text.without(text, [auths, key, member])
    return text


def is_entered(path: Path) -> bool:
    """Whether this helper is named for every server."""
    return bool(json_file.read(path).field(FIELD) == HELPER)


def taken_out(path: Path, change: Change) -> Change:
    """What ``change`` leaves of the file, and without this helper for every server, and for each by itself."""
    document = json_file.parsed(change.after, path)
    spelt = document.spelt(FIELD)
    if spelt is None or document.field(FIELD) != HELPER:
        return change
    after = go_json.encoded(json_text.without(document.text, [spelt]))
    for server in document.field(cred_helpers.FIELD) or {}:
        after = cred_helpers.taken_out_of(json_file.parsed(after, path), server).after
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
    return _movable(json_file.read(path))


def moved_by(change: Change) -> dict[str, Credentials]:
    """Those that are in the file before it, and in plain text no more after it."""
    return _movable(json_file.parsed(change.before or b"", change.path))


def _movable(document: json_file.Document) -> dict[str, Credentials]:
    found = docker_reads.of(go_json.encoded(document.text), document.path)
    for key in found.unusable_auths():
        raise ClientConfigInvalid(place=document.path, reason=f"the auth of {shown_server(key)} cannot be read")
    return plain_pairs(found)


def _secrets(entry: go_json.Members) -> list[str]:
    return [name for name, _ in entry if any(go_json.is_named(name, secret) for secret in SECRETS)]


def _is_server(name: str) -> bool:
    """Whether it is one that this helper would be asked for."""
    try:
        return bool(server_url.parse(name)[0])
    except ValueError:
        return False


def _asked_as(key: str) -> str:
    """Docker finds ``https://h/v1/`` when it looks for ``h`` (docker/cli, fileStore); of a helper it asks for ``h``."""
    return key if key == DOCKER_HUB else (key.partition("://")[2] or key).partition("/")[0]
