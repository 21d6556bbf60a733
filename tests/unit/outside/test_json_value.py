"""JSON from outside: what is let in, what is refused and in which words."""

from __future__ import annotations

import contextlib
import json

import pytest

from docker_credential_harbor.outside import json_value

DEEPEST = b"[" * (json_value.DEEPEST + 1) + b"]" * (json_value.DEEPEST + 1)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": [1, -2.5, true, null, "\xc3\xbc"]}',
        b'{"a": "\\ud83d\\ude00"}',
        b"9" * 64,
        b"1e308",
        DEEPEST,
        b'"\\u0000"',
    ],
)
def test_taken(text: bytes) -> None:
    assert json_value.decoded(text) == json.loads(text)
    assert json_value.decoded(text.decode()) == json.loads(text)


def test_the_last_of_two() -> None:
    assert json_value.decoded('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"\x00", "it is not JSON"),
        (b"{}{}", "it is not JSON"),
        (b"NaN", "it is not JSON"),
        (b"[-Infinity]", "it is not JSON"),
        (b"[" + DEEPEST + b"]", "it is nested too deeply"),
        (b'{"a":' * 66 + b"1" + b"}" * 66, "it is nested too deeply"),
        (b"[" * 60_000, "it is nested too deeply"),
        (b"[" * 60_000 + b"]" * 60_000, "it is nested too deeply"),
        (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, "it is nested too deeply"),
        (b"9" * 65, "it has a number that is too long"),
        (b"[-" + b"9" * 500_000 + b"]", "it has a number that is too long"),
        (b"1e999", "it has a number that is too large"),
        (b"-1e999", "it has a number that is too large"),
        (b'{"a": ["\\ud800"]}', "it has text that is not Unicode"),
        (b'{"\\udfff": 1}', "it has text that is not Unicode"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_refused(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$") as refused:
        json_value.decoded(text)
    assert type(refused.value) is ValueError  # the store tells no other error's own words


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"[]," * 300_000 + b"[]]",
        b'"' + "ü".encode() * 500_000 + b'"',
        b"1" * 1_000_000,
        b"[" * 1_000_000,
        b'{"":' * 250_000,
    ],
    ids=["wide", "text", "number", "deep", "deep-objects"],
)
def test_a_mebibyte_of_anything_comes_to_an_end(text: bytes) -> None:
    """What took the square of it would run into the time limit of a test."""
    with contextlib.suppress(ValueError):
        json_value.decoded(text)
