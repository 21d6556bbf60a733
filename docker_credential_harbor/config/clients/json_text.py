"""Changes to the text of a JSON object that leave everything else in it as it stands, to the byte.

The text has been read without a fault before, and names no member twice in one place. ``path``: the names of members,
each within the one before.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.config.go_json import WHITE_SPACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    Path = Sequence[str]

_DECODER = json.JSONDecoder(parse_int=float)  # only to find where a value ends


class _Member(NamedTuple):
    """``begin``: of its name; ``value`` and ``end``: of its value."""

    name: str
    begin: int
    value: int
    end: int


class _Object(NamedTuple):
    """``begin`` and ``end``: of the text between its braces."""

    begin: int
    end: int
    members: list[_Member]


def with_member(text: str, path: Path, value: object) -> str:
    """With that value for the member: in the place of what it has, or behind the last. All objects above it are there.

    A member behind others begins as the last of them does, on a line of its own.
    """
    around = _object(text, path[:-1])
    member = _member(around, path[-1])
    unit = _indent(text)
    written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", "\n" + unit * len(path))
    if member:
        return text[: member.value] + written + text[member.end :]
    entry = f"{json.dumps(path[-1], ensure_ascii=False)}: {written}"
    line = "\n" + unit * len(path)
    if not around.members:
        return text[: around.begin] + line + entry + line.removesuffix(unit) + text[around.end :]
    last = around.members[-1]
    before = text[: last.begin]
    gap = before[len(before.rstrip(WHITE_SPACE)) :]
    return text[: last.end] + "," + (gap if "\n" in gap else line) + entry + text[last.end :]


def without(text: str, path: Path) -> str:
    """Without the member, which is there, and without the comma and the white space that came with it."""
    around = _object(text, path[:-1])
    place = [member.name for member in around.members].index(path[-1])
    member = around.members[place]
    if place > 0:
        return text[: around.members[place - 1].end] + text[member.end :]
    if len(around.members) > 1:
        return text[: member.begin] + text[around.members[1].begin :]
    return text[: around.begin] + text[around.end :]


def renamed(text: str, path: Path, name: str) -> str:
    """With another name for the member, which is there."""
    member = _member(_object(text, path[:-1]), path[-1])
    assert member
    colon = text.rindex(":", member.begin, member.value)
    return text[: member.begin] + json.dumps(name) + text[colon:]


def _member(around: _Object, name: str) -> _Member | None:
    return next((member for member in around.members if member.name == name), None)


def _object(text: str, path: Path) -> _Object:
    found = _object_at(text, _skip(text, 0))
    for name in path:
        member = _member(found, name)
        assert member
        found = _object_at(text, member.value)
    return found


def _object_at(text: str, brace: int) -> _Object:
    members: list[_Member] = []
    at = _skip(text, brace + 1)
    while text[at] != "}":
        name, after = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, after) + 1)
        end = _DECODER.raw_decode(text, value)[1]
        members.append(_Member(name, at, value, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return _Object(brace + 1, at, members)


def _skip(text: str, at: int) -> int:
    while text[at] in WHITE_SPACE:
        at += 1
    return at


def _indent(text: str) -> str:
    """The one that is there; Docker's own is a tab."""
    found = re.search(r'\n([ \t]+)"', text)
    return found[1] if found else "\t"
