"""What docker makes of its file: which helper it asks, and which pairs it takes from the file itself.

It warns of a file that it cannot read ("Error parsing config file") and goes on without it. Where only the type of a
value is wrong, or an ``auth``, it warns too and goes on with the rest. Source: docker/cli, config and configfile.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from docker_credential_harbor.config import go_json
from docker_credential_harbor.errors import ClientConfigInvalid, ClientConfigUnread
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_USERNAME = "<token>"  # noqa: S105 - what Docker names the user of an identity token
_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")
FIELDS = ("credHelpers", "credsStore", "auths")


class Reading(NamedTuple):
    """``helpers`` by server, "": none is asked for it; ``store``: the helper for all others; ``auths`` by its key."""

    helpers: dict[str, Any]
    store: str
    auths: dict[str, Any]

    def helper_for(self, server: str) -> str:
        """Which helper is asked for the server; "": none. ``credHelpers`` goes before ``credsStore``."""
        if server not in self.helpers:
            return self.store
        return go_json.text_in([self.helpers[server]])

    def unusable_auths(self) -> list[str]:
        """The keys whose ``auth`` cannot be read, of which docker warns at every command."""
        return [key for key, entry in self.auths.items() if _auth(entry) and _decoded(_auth(entry)) is None]

    def pair(self, key: str) -> Credentials | None:
        """What stands there in plain text; an identity token goes before a password, as in Docker."""
        entry = self.auths[key]
        token = go_json.text_in(go_json.field(entry, "identitytoken"))
        if token:
            return Credentials(TOKEN_USERNAME, token)
        if _auth(entry):
            return _decoded(_auth(entry))
        username, secret = (go_json.text_in(go_json.field(entry, name)) for name in ("username", "password"))
        return Credentials(username, secret) if username and secret else None


def read(path: Path, *, whole: bool = False) -> Reading:
    """An empty one where there is no file. ``whole``: for podman, which takes no text behind the object.

    Raises ClientConfigUnread, ClientConfigInvalid, NotReadable."""
    return of(files.read_bytes(path) or b"", path, whole=whole)


def of(content: bytes, path: Path, *, whole: bool = False) -> Reading:
    """``path`` is for messages. Raises ClientConfigUnread, ClientConfigInvalid."""
    text, hindrance = text_of(content, path)
    if hindrance:
        raise ClientConfigUnread(place=path, reason=hindrance, registry="REGISTRY")
    value, rest = value_of(text, path)
    if whole and rest:
        raise ClientConfigInvalid(place=path, reason="there is text after its end")
    helpers, store, auths = (go_json.field(value, name) for name in FIELDS)
    return Reading(go_json.map_in(helpers), go_json.text_in(store), go_json.map_in(auths))


def text_of(content: bytes, path: Path) -> tuple[str, str]:
    """The text, and why no client reads it in that encoding ("": they do). Raises ClientConfigInvalid."""
    try:
        return go_json.decoded(content)
    except ValueError as fault:
        raise ClientConfigInvalid(place=path, reason="it is not JSON") from fault


def value_of(text: str, path: Path) -> tuple[go_json.Members, str]:
    """The object in the text, an empty one where there is nothing; and what follows it.

    Raises ClientConfigInvalid for anything else."""
    try:
        value, rest = go_json.first_value(text)
    except json.JSONDecodeError as fault:
        raise ClientConfigInvalid(place=f"{path}:{fault.lineno}", reason=f"it is not JSON: {fault.msg}") from fault
    except ValueError as fault:
        raise ClientConfigInvalid(place=path, reason=fault) from fault
    if value is None:
        return go_json.Members(), rest
    if not isinstance(value, go_json.Members):
        raise ClientConfigInvalid(place=path, reason="it is not a JSON object")
    return value, rest


def _auth(entry: object) -> str:
    return go_json.text_in(go_json.field(entry, "auth"))


def _decoded(auth: str) -> Credentials | None:
    """Base64 (RFC 4648) of ``NAME:SECRET``; line breaks in it are let be, as by Go."""
    letters = auth.replace("\r", "").replace("\n", "")
    if len(letters) % 4 or not _BASE64.fullmatch(letters):
        return None
    username, colon, secret = base64.b64decode(letters).decode(errors="replace").partition(":")
    return Credentials(username, secret.strip("\0")) if colon and username else None
