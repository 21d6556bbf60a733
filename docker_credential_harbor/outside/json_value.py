"""JSON that comes from outside (servers, tokens, callers, files), read within bounds. No I/O.

Python's own reader takes more than RFC 8259 does, and nests until its stack is at its end. What is let in here can be
walked, compared, written again and sent without a further look.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

DEEPEST = 64  # arrays and objects in one another; what is read here has four
LONGEST_NUMBER = 64  # digits of a whole one: enough for anything that counts or is an instant


def decoded(text: str | bytes) -> Any:
    """The value; of a name that an object has twice, the last one's (RFC 7519 4). Raises ValueError.

    Its words hold nothing of the text.
    """
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeError):
        raise ValueError("it is not JSON") from None
    _check(value)
    return value


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("it has a number that is too long")
    return int(digits)


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError("it has a number that is too large")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    """NaN and Infinity are Python's own."""
    raise ValueError("it is not JSON")


def _check(value: Any) -> None:
    """Level by level, so that the depth costs no stack."""
    level = [value]
    for _ in range(DEEPEST + 1):
        for each in level:
            if isinstance(each, str) and not each.isascii():
                _check_text(each)
        level = [inner for each in level if isinstance(each, (dict, list)) for inner in _inside(each)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return [*value, *value.values()] if isinstance(value, dict) else value


def _check_text(text: str) -> None:
    """Half a character (``\\ud800`` alone) can be written nowhere (RFC 7493 2.1)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it has text that is not Unicode") from None
