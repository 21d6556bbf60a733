"""A sign-in or a stored pair as the text that backends keep, and back.

A text that this program does not write raises ValueError, whose words hold no secret of it.
"""

from __future__ import annotations

import json
from typing import TypeVar

from docker_credential_harbor.model import SignIn, StoredPair
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.json_record import as_json, of_json

VERSION = 1

T = TypeVar("T", SignIn, StoredPair)


def text_of(value: SignIn | StoredPair) -> str:
    """The same value has the same text."""
    return json.dumps({"version": VERSION, **as_json(value)}, separators=(",", ":"), sort_keys=True)


def read_sign_in(text: str) -> SignIn:
    """Raises ValueError."""
    return _read(SignIn, text)


def read_stored_pair(text: str) -> StoredPair:
    """Raises ValueError."""
    return _read(StoredPair, text)


def _read(kind: type[T], text: str) -> T:
    try:
        data = json_value.decoded(text)
        if data["version"] != VERSION:
            raise ValueError("another version of this program wrote it")
        return of_json(kind, data)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        # Not every error's own words: some hold a piece of the value.
        raise ValueError(str(error) if type(error) is ValueError else "it is not what this program writes") from None
