"""A sign-in or a stored pair as the text that backends keep, and back.

A text that this program does not write raises ValueError, whose words hold no secret of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from docker_credential_harbor.model import Credentials, PairKind, SignIn, StoredPair, TokenSet, as_json
from docker_credential_harbor.outside import json_value

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = 1
LARGEST_NUMBER = 1e11  # seconds: an instant beyond the year 5000

T = TypeVar("T")


def text_of(value: SignIn | StoredPair) -> str:
    """The same value has the same text."""
    data = as_json(value)
    if isinstance(value, StoredPair):
        data["kind"] = value.kind.value
    return json.dumps({"version": VERSION, **data}, separators=(",", ":"), sort_keys=True)


def read_sign_in(text: str) -> SignIn:
    """Raises ValueError."""
    return _read(text, sign_in_of)


def read_stored_pair(text: str) -> StoredPair:
    """Raises ValueError."""
    return _read(text, lambda data: StoredPair(pair=_pair(data["pair"]), kind=PairKind(data["kind"])))


def sign_in_of(data: dict[str, Any]) -> SignIn:
    """From what ``as_json`` made of it. Raises LookupError, TypeError, ValueError or ArithmeticError for all else."""
    kept = data["tokens"]
    tokens = TokenSet(
        issuer=_text(kept["issuer"]),
        subject=_text(kept["subject"]),
        person=_text(kept["person"]),
        audience=tuple(_text(value) for value in kept["audience"]),
        id_token=_text(kept["id_token"]),
        id_token_expires_at=_number(kept["id_token_expires_at"]),
        refresh_token=None if kept["refresh_token"] is None else _text(kept["refresh_token"]),
        access_token_life_seconds=_number_or_none(kept["access_token_life_seconds"]),
        # Older versions of this program did not keep these.
        refresh_token_life_seconds=_number_or_none(kept.get("refresh_token_life_seconds")),
        refreshed_at=_number_or_none(kept.get("refreshed_at")),
    )
    return SignIn(tokens=tokens, pair=_pair(data["pair"]) if data["pair"] else None)


def _read(text: str, build: Callable[[dict[str, Any]], T]) -> T:
    try:
        data = json_value.decoded(text)
        if data["version"] != VERSION:
            raise ValueError("another version of this program wrote it")
        return build(data)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        # Not every error's own words: some hold a piece of the value.
        raise ValueError(str(error) if type(error) is ValueError else "it is not what this program writes") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # JSON can hold half a character, which no request can
    return value


def _number(value: Any) -> float:
    """An instant or a duration; JSON can hold NaN and numbers without end, too."""
    number = float(value)
    if not abs(number) < LARGEST_NUMBER:
        raise ValueError("a number in it is out of range")
    return number


def _number_or_none(value: Any) -> float | None:
    return None if value is None else _number(value)


def _pair(data: dict[str, Any]) -> Credentials:
    return Credentials(username=_text(data["username"]), secret=_text(data["secret"]))
