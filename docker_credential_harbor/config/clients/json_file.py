"""A client's JSON file, to be changed with all else in it kept, to the byte.

What the client reads without a fault can be changed, and so can what it does not read for its encoding: that is
written anew. ``read`` and ``parsed`` raise ClientConfigInvalid or NotReadable for a file that could not be changed
without harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from docker_credential_harbor.config import go_json
from docker_credential_harbor.config.clients import docker_reads, json_text
from docker_credential_harbor.config.file_change import Change
from docker_credential_harbor.errors import ClientConfigInvalid
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from pathlib import Path

HELPER = "harbor"  # clients run docker-credential-harbor for it
EMPTY = "{}\n"
OBJECTS = ("credHelpers", "auths")  # members that must be objects themselves where they are there


class Document(NamedTuple):
    """``before`` None: there is no file. ``unread``: why no client reads it as it stands; "": they do."""

    path: Path
    before: bytes | None
    text: str
    members: dict[str, Any]
    unread: str = ""
    rest: str = ""  # text after the object: docker and Helm do not look at it

    def spelt(self, field: str) -> str | None:
        """The member's name as it stands there: to clients it is the same in any case. None: it is not there."""
        return next((name for name in self.members if go_json.is_named(name, field)), None)

    def field(self, name: str) -> Any:
        """Its value, an object as a dictionary; None where there is none."""
        value = self.members.get(self.spelt(name) or name)
        return dict(value) if isinstance(value, go_json.Members) else value

    def named(self, field: str) -> str:
        """Its text, with that member under the name that every client takes (Helm takes no other)."""
        spelt = self.spelt(field)
        return self.text if spelt in (None, field) else json_text.renamed(self.text, [str(spelt)], field)

    def changed(self, text: str, what: str) -> Change:
        """To that text."""
        if self.unread:
            what += f" (written anew as UTF-8 without a mark: no client could read it, since {self.unread})"
        if self.rest:
            what += " (there is text after its end, and podman does not read such a file)"
        return Change(self.path, self.before, go_json.encoded(text), what, ours=(HELPER,))

    def unchanged(self, what: str) -> Change:
        """All is as it should be."""
        return Change(self.path, self.before, self.before or b"", what)


def read(path: Path, change: Change | None = None) -> Document:
    """The file as it is, or what ``change`` leaves of it."""
    if change:
        return parsed(change.after, path)
    before = files.read_bytes(path)
    return parsed(before or b"", path)._replace(before=before)


def parsed(content: bytes, path: Path) -> Document:
    """What such bytes say. ``path`` is for messages."""
    text, unread = docker_reads.text_of(content, path)
    members, rest = docker_reads.value_of(text, path)
    if not text.lstrip(go_json.WHITE_SPACE).startswith("{"):
        text = EMPTY  # it is blank, or null
    several = (name for name in docker_reads.FIELDS if len(go_json.field(members, name)) > 1)
    if twice := _named_twice(members) or next(several, None):
        raise ClientConfigInvalid(place=path, reason=f"it has {twice} twice in one place")
    for name in OBJECTS:
        if any(not isinstance(value, (go_json.Members, type(None))) for value in go_json.field(members, name)):
            raise ClientConfigInvalid(place=path, reason=f"its {name} is not a JSON object")
    return Document(path, content, text, dict(members), unread, rest)


def instead_of(found: object) -> str:
    """To be told where another helper's name is written over, an empty one too: that has clients ask nobody."""
    if found == HELPER:
        return ""
    name = repr(shown(found)) if isinstance(found, str) and found else "no helper"
    return f" instead of {name}, which --undo does not bring back"


def _named_twice(value: object) -> str | None:
    """A name that one object has twice: docker takes both together, other clients one of them."""
    if isinstance(value, list) and not isinstance(value, go_json.Members):
        return next(filter(None, map(_named_twice, value)), None)
    if not isinstance(value, go_json.Members):
        return None
    names = [name for name, _ in value]
    twice = next((name for name in names if names.count(name) > 1), None)
    return twice or next(filter(None, (_named_twice(each) for _, each in value)), None)
