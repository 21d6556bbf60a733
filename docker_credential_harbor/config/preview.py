"""What changes in a configuration file, member by member, and of all else in it nothing.

Any member may hold a secret, a comment too, and no list of their names is ever complete; so nothing that stands in the
file is shown but the names of members that change, and of values only those that `setup` itself writes.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.config import go_json
from docker_credential_harbor.outside.clean_text import in_toml, shown, shown_server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Path = tuple[str, ...]  # names of members, each within the one before

_BARE = re.compile("[A-Za-z0-9_-]+")
_NOTHING = object()


def of_json(content: bytes) -> object:
    """What a client's file says. The bytes were read without a fault before."""
    return go_json.first_value(go_json.decoded(content)[0])[0]


def of_toml(content: bytes) -> object:
    """What our own file says. The bytes were read without a fault before."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(content.decode("utf-8-sig"))


def lines(before: object, after: object, ours: Collection[str]) -> list[str]:
    """A line a member: ``+`` for a new one, ``-`` for one that goes, ``~`` for another value; with it if ``ours``."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    gone = [path for path in old if path not in new and not _has_members(path, new) and not _is_replaced(path, new)]
    changed = [path for path in new if new[path] != old.get(path, _NOTHING) and not _was_emptied(path, old, new)]
    return [
        *(f"- {_named(path)}" for path in gone),
        *(
            f"{'~' if path in old or _has_members(path, old) else '+'} {_named(path)}{_value(new[path], ours)}"
            for path in changed
        ),
    ]


def _leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All that is no object with members, by where it stands."""
    members = list(value.items()) if isinstance(value, dict) else value if isinstance(value, go_json.Members) else []
    if not members and path:
        yield path, value
    for name, member in members:
        yield from _leaves(member, (*path, name))


def _has_members(path: Path, leaves: Mapping[Path, object]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in leaves)


def _is_replaced(path: Path, new: Mapping[Path, object]) -> bool:
    """With an object around it, by something that is none."""
    return any(new.get(path[:length], {}) not in ({}, []) for length in range(1, len(path)))


def _was_emptied(path: Path, old: Mapping[Path, object], new: Mapping[Path, object]) -> bool:
    """Its members are told to go."""
    return new[path] in ({}, []) and _has_members(path, old)


def _named(path: Path) -> str:
    return ".".join(name if _BARE.fullmatch(name) else in_toml(shown_server(name)) for name in path)


def _value(value: object, ours: Collection[str]) -> str:
    return f" = {in_toml(shown(value))}" if isinstance(value, str) and value in ours else ""
