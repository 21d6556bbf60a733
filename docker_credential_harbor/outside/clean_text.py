"""What comes from outside (servers, other programs, files of others): cleaned where it comes in, quoted in commands.

Terminals obey control characters, show right-to-left marks by turning the line around, and do not show other characters
at all. A person is to see what is there, and no line that a server has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 200  # characters of a value that is only shown
LONGEST_USED = 2048  # of one that is used as it stands: addresses
LONGEST_NAME = 255  # of a client ID, a realm, a user name

# Not seen, and printable to Python: Unicode's Default_Ignorable_Code_Point beyond category Cf, and the braille blank.
_UNSEEN = frozenset(
    map(
        chr,
        (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0),
    )
)


def shown(value: object, limit: int = LONGEST) -> str:
    """The value as text in one line, fit for terminals and pages, cut to ``limit`` characters.

    White space becomes a blank; control characters, direction marks, what is not seen, halves of characters and what
    Unicode does not know stand there by their number (``\\x1b``, ``\\u202e``).
    """
    text = str(value)
    cleaned = "".join(_clean(character) for character in text[: limit + 1])
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def shown_server(name: str) -> str:
    """The name of a server in a client's file, without what stands before its host: that may be a password."""
    user, at, host = name.rpartition("@")
    return shown(f"{'…' if user else ''}{at}{host}")


def is_plain(text: str, longest: int = LONGEST_USED) -> bool:
    """Whether it can be used and shown as it stands."""
    return bool(text) and text == text.strip() and shown(text, longest) == text


def in_shell(value: object) -> str:
    """As one word of a command for a POSIX shell, to be copied."""
    import shlex

    return shlex.quote(str(value))


def in_toml(text: str) -> str:
    """As a basic string of TOML, and a quoted one of YAML, which both take what JSON has."""
    import json

    return json.dumps(text, ensure_ascii=False)


class Said:
    """A JSON object that somebody else wrote. Its texts come out by what they are for, so that none is shown uncleaned.

    It is no mapping: the type checker finds whoever takes a member as it is.
    """

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    def shown(self, name: str) -> str:
        """To be told to a person; "" where it is no text."""
        value = self._members.get(name)
        return shown(value) if isinstance(value, str) else ""

    def plain(self, name: str, longest: int = LONGEST_USED) -> str | None:
        """To be used and shown as it stands; None where it is no text, or none that can be shown so."""
        value = self._members.get(name)
        return value if isinstance(value, str) and is_plain(value, longest) else None

    def unseen(self, name: str) -> str | None:
        """To be used as it stands and never shown, as a token; None where it is no text, or empty."""
        value = self._members.get(name)
        return value if isinstance(value, str) and value else None

    def value(self, name: str) -> object:
        """To be compared, or read as something else than text; None where it is not there."""
        return self._members.get(name)

    def object(self, name: str) -> Said | None:
        """An object in it; None where it is none."""
        value = self._members.get(name)
        return Said(value) if isinstance(value, dict) else None


def _clean(character: str) -> str:
    if character.isspace():
        return " "
    if character.isprintable() and character not in _UNSEEN and not 0xE0000 <= ord(character) < 0xE1000:
        return character
    return character.encode("unicode_escape").decode()
