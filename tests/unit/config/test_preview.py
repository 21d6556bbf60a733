"""What of a change is shown: names of members, and no value but ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import preview
from docker_credential_harbor.config.file_change import Change

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, ["- b"]),
        ({}, {"a": {"b": "secret", "c": "ours"}}, ["+ a.b", '+ a.c = "ours"']),
        ({"a": "secret"}, {"a": "other"}, ["~ a"]),
        ({"a": "secret"}, {"a": "ours"}, ['~ a = "ours"']),
        ({"a": "ours"}, {}, ["- a"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1}}, {"a": {}}, ["- a.b"]),
        ({"a": {"b": 1}}, {"a": []}, ["- a.b"]),
        ({"a": {"b": 1}}, {}, ["- a.b"]),
        ({"a": {"b": {"c": 1}}}, {"a": "x"}, ["~ a"]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": 2}}, ["~ a.b"]),
        ({"a": 1}, {"a": {"b": "ours"}}, ['+ a.b = "ours"']),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "d": 3}, "c": 4}, ["+ a.d", "~ c"]),
        ({"a b.c": {"ü": 1}}, {}, ['- "a b.c"."ü"']),
        ({}, {"a\x1b": 1}, ['+ "a\\\\x1b"']),
        ({}, {"a": ["ours"]}, ["+ a"]),
        ({}, {"a": None}, ["+ a"]),
        ({"aa": {"b": 1}}, {"aa": {"b": 1}, "a": {}}, ["+ a"]),
    ],
)
def test_a_line_a_member_and_no_value_but_ours(before: object, after: object, expected: list[str]) -> None:
    assert preview.lines(before, after, ("ours",)) == expected


def test_of_a_change_that_names_none_no_value_is_ours(path: Path) -> None:
    assert Change(path, None, b'{"a": "secret"}', "").preview() == [f"{path} (new)", "  + a"]
