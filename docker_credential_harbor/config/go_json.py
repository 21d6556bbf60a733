"""JSON as Go's encoding/json reads it into a struct, which is how docker and podman read their files.

Sources: the documentation of encoding/json (Unmarshal, Decoder), and its source for the case of names. Where Python's
json differs: NaN and byte-order marks are errors there, what follows the first value is not looked at, a name counts in
any case, and of several the last, or of objects all of them together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable

WHITE_SPACE = " \t\r\n"


class Members(list[tuple[str, Any]]):
    """An object: its members in their order, those named twice too."""


def decoded(content: bytes) -> tuple[str, str]:
    """The content as text, and why Go takes nothing of it for JSON; "": it does, as far as the encoding goes.

    Bytes that are no UTF-8 are kept as half characters: Go reads them, as U+FFFD. Raises ValueError.
    """
    encoding = json.detect_encoding(content)
    if encoding == "utf-8":
        return content.decode(errors="surrogateescape"), ""
    name = encoding[:6].upper()
    return content.decode(encoding), "a byte-order mark is before it" if name == "UTF-8-" else f"it is {name}"


def encoded(text: str) -> bytes:
    """The reverse of ``decoded``, as UTF-8."""
    return text.encode(errors="surrogateescape")


def first_value(text: str) -> tuple[Any, str]:
    """The first value in the text (Decoder.Decode), with objects as Members, None where there is none; and the rest.

    Raises ValueError whose words go behind "it": json.JSONDecodeError where the line is known.
    """
    beginning = text.lstrip(WHITE_SPACE)
    try:
        value, end = _DECODER.raw_decode(text, len(text) - len(beginning)) if beginning else (None, len(text))
        return value, text[end:].strip(WHITE_SPACE)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_named(found: str, name: str) -> bool:
    """Whether a member of that name is the struct's: in any case, by Unicode's simple folding."""
    return found.replace("\u017f", "s").lower() == name.lower()  # long s; lower() has the only other, U+212A for k


def field(members: object, name: str) -> list[Any]:
    """The values of one of the struct's fields, in their order."""
    return [value for key, value in members if is_named(key, name)] if isinstance(members, Members) else []


def text_in(values: Iterable[Any]) -> str:
    """What a field of type string is in the end: null and other types change nothing."""
    return next((value for value in reversed(list(values)) if isinstance(value, str)), "")


def map_in(values: Iterable[Any]) -> dict[str, Any]:
    """What a field of type map is in the end: null empties it, other types change nothing."""
    found: dict[str, Any] = {}
    for value in values:
        if value is None:
            found = {}
        elif isinstance(value, Members):
            found.update(value)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"it is not JSON: {name} is no value there")


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_constant=_no_constant, parse_int=float)
