"""A NamedTuple as the JSON object that it is kept as, and back, by the annotations of its fields.

Those must be types and no texts: its module puts them off by no ``from __future__``.

Other versions of this program have written other fields: what is beside those that are known is left aside, and what
is missing has the field's default. All else that does not fit raises LookupError, TypeError, ValueError or
ArithmeticError.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar, get_args

LARGEST_NUMBER = 1e13  # seconds: more than id_token lets in; some providers write the year 9999 for no end (2.5e11)

T = TypeVar("T")


def as_json(value: Any) -> Any:
    """The object, and so all in it."""
    if hasattr(value, "_fields"):
        return {name: as_json(member) for name, member in zip(value._fields, value, strict=True)}
    if isinstance(value, Enum):
        return value.value
    return [as_json(member) for member in value] if isinstance(value, tuple) else value


def of_json(kind: type[T], data: Any, least: float = -LARGEST_NUMBER) -> T:
    """The NamedTuple of that kind that ``as_json`` made the object of; ``least``: below which no number in it is."""
    fields: Any = kind
    if not isinstance(data, dict):
        raise TypeError
    given = [name for name in fields._fields if name in data or name not in fields._field_defaults]
    return kind(**{name: _value(kind.__annotations__[name], data[name], least) for name in given})


def _value(hint: Any, value: Any, least: float) -> Any:
    hint = hint.__origin__ if hasattr(hint, "__metadata__") else hint  # Annotated says more than JSON needs to know
    if hint is float:
        return _in_range(float(value), least)
    if hint in (str, bool, int):
        if type(value) is not hint:  # True is an int, too
            raise TypeError
        return _in_range(value, least) if hint is int else value
    if arguments := get_args(hint):
        if type(None) in arguments:
            return None if value is None else _value(arguments[0], value, least)
        return _tuple(arguments, value, least)
    return hint(value) if issubclass(hint, Enum) else of_json(hint, value, least)


def _tuple(hints: tuple[Any, ...], values: Any, least: float) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise TypeError
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(values)
    return tuple(_value(hint, value, least) for hint, value in zip(hints, values, strict=True))


def _in_range(number: float, least: float) -> float:
    """JSON can hold NaN and numbers without end, too."""
    if not abs(number) < LARGEST_NUMBER or number < least:
        raise ValueError("a number in it is out of range")
    return number
