"""A client's JSON file, read and written with all else in it kept.

``read`` and ``parsed`` raise ClientConfigInvalid or NotReadable for a file that could not be changed without harm.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from docker_credential_harbor import files
from docker_credential_harbor.errors import ClientConfigInvalid

if TYPE_CHECKING:
    from pathlib import Path

OBJECTS = ("credHelpers", "auths")  # members that must be objects themselves where they are there


def read(path: Path) -> tuple[bytes | None, dict[str, Any]]:
    """Its bytes (None: there is no file) and what they say."""
    content = files.read_bytes(path)
    return content, parsed(content or b"", path)


def parsed(content: bytes, path: Path) -> dict[str, Any]:
    """What such bytes say; nothing where there are none. ``path`` is for messages."""
    if not content.strip():
        return {}
    try:
        document = json.loads(content, object_pairs_hook=_object)
    except _Twice as fault:
        raise ClientConfigInvalid(place=path, reason=f"it has {fault} twice in one place") from fault
    except json.JSONDecodeError as fault:
        raise ClientConfigInvalid(place=f"{path}:{fault.lineno}", reason=f"it is not JSON: {fault.msg}") from fault
    except (UnicodeDecodeError, RecursionError) as fault:
        raise ClientConfigInvalid(place=path, reason="it is not JSON") from fault
    if not isinstance(document, dict):
        raise ClientConfigInvalid(place=path, reason="it is not a JSON object")
    for member in OBJECTS:
        if document.get(member, "") is None:  # to Docker that is none
            del document[member]
        if not isinstance(document.get(member, {}), dict):
            raise ClientConfigInvalid(place=path, reason=f"its {member} is not a JSON object")
    return document


def written(document: dict[str, Any], before: bytes | None) -> bytes:
    """With the indentation that is there; Docker's own is a tab."""
    found = re.search(rb"\n([ \t]+)\"", before or b"")
    indent = found[1].decode() if found else "\t"
    # Half a character (``\ud800``) is JSON and no UTF-8: it stays escaped.
    return (json.dumps(document, indent=indent, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


class _Twice(Exception):
    """One member twice in one object: Docker takes both together, other readers one of them."""


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found
