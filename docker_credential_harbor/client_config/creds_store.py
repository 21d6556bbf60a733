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
    for server in plain:
        for member in SECRETS:
            document["auths"][server].pop(member, None)
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
    """The pairs in plain text, by server as Docker names it. An identity token goes before a password, as there."""
    _, document = json_file.read(path)
    found = {server: _pair(path, server, entry) for server, entry in document.get("auths", {}).items()}
    return {server: pair for server, pair in found.items() if pair}


def _pair(path: Path, server: str, entry: Any) -> Credentials | None:
    if not isinstance(entry, dict) or not (entry.get("auth") or entry.get("identitytoken")):
        return None
    if isinstance(entry.get("identitytoken"), str) and entry["identitytoken"]:
        return Credentials(TOKEN_USERNAME, entry["identitytoken"])
    try:
        username, colon, secret = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    except (TypeError, ValueError, binascii.Error) as fault:
        raise ClientConfigInvalid(place=path, reason=f"the auth of {server} cannot be read") from fault
    if not colon or not username:
        raise ClientConfigInvalid(place=path, reason=f"the auth of {server} is not a user name and a secret")
    return Credentials(username, secret)
