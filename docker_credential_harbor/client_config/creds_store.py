"""``credsStore``: this helper for every server in Docker's file, and the pairs that stand in plain text there.

Once there is a ``credsStore`` Docker no longer looks at those pairs (docker/cli, nativeStore), so they have to move.
All functions raise ClientConfigInvalid or NotReadable.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.client_config import json_file
from docker_credential_harbor.client_config.change import Change
from docker_credential_harbor.client_config.cred_helpers import HELPER
from docker_credential_harbor.errors import AnotherCredsStore, ClientConfigInvalid
from docker_credential_harbor.model import Credentials

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_USERNAME = "<token>"  # noqa: S105 - what Docker names the user of an identity token
DOCKER_HUB = "https://index.docker.io/v1/"  # the one server that Docker asks for by a URL
SECRETS = ("auth", "identitytoken", "username", "password")


def entered(path: Path) -> Change:
    """With this helper for every server, and no pair in plain text. Raises AnotherCredsStore."""
    before, document = json_file.read(path)
    named, plain = document.get("credsStore"), plain_pairs(path)
    if named == HELPER and not plain:
        return Change(path, before, before or b"", f"{path} names this helper for every server already")
    if named not in (None, "", HELPER):
        raise AnotherCredsStore(path=path, helper=named)
    document["credsStore"] = HELPER
    for key, entry in document.get("auths", {}).items():
        if _asked_as(key) in plain and isinstance(entry, dict):
            for member in SECRETS:
                entry.pop(member, None)
    after = json_file.written(document, before)
    return Change(path, before, after, f"this helper entered for every server into {path}")


def is_entered(path: Path) -> bool:
    """Whether Docker asks this helper for every server."""
    return bool(json_file.read(path)[1].get("credsStore") == HELPER)


def taken_out(path: Path, change: Change) -> Change:
    """What ``change`` leaves of the file, and without this helper for every server."""
    document = json_file.parsed(change.after, path)
    if document.get("credsStore") != HELPER:
        return change
    del document["credsStore"]
    after = json_file.written(document, change.before)
    return Change(path, change.before, after, f"this helper taken out for every server from {path}")


def plain_pairs(path: Path) -> dict[str, Credentials]:
    """The pairs in plain text, by server as a helper is asked for it. An identity token goes before a password, as in
    Docker, and the entry of that very name before others of the same host.
    """
    _, document = json_file.read(path)
    found: dict[str, Credentials] = {}
    for key, entry in document.get("auths", {}).items():
        server, pair = _asked_as(key), _pair(path, key, entry)
        if pair and (key == server or server not in found):
            found[server] = pair
    return found


def _asked_as(key: str) -> str:
    """Docker finds ``https://h/v1/`` when it looks for ``h`` (docker/cli, fileStore); of a helper it asks for ``h``."""
    return key if key == DOCKER_HUB else (key.partition("://")[2] or key).partition("/")[0]


def _pair(path: Path, server: str, entry: Any) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    if isinstance(entry.get("identitytoken"), str) and entry["identitytoken"]:
        return Credentials(TOKEN_USERNAME, entry["identitytoken"])
    if not entry.get("auth"):
        username, secret = entry.get("username"), entry.get("password")
        return Credentials(username, secret) if isinstance(username, str) and isinstance(secret, str) else None
    try:
        username, colon, secret = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    except (TypeError, ValueError, binascii.Error) as fault:
        raise ClientConfigInvalid(place=path, reason=f"the auth of {server} cannot be read") from fault
    if not colon or not username:
        raise ClientConfigInvalid(place=path, reason=f"the auth of {server} is not a user name and a secret")
    return Credentials(username, secret)
