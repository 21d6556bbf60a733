"""JSON's text changed, to the byte. Docker itself judges in tests/flows/."""

from __future__ import annotations

import json

import pytest

from docker_credential_harbor.config.clients import json_text


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        # the first member
        ("{}", ["a"], "x", '{\n\t"a": "x"\n}'),
        ("{ }\n", ["a"], "x", '{\n\t"a": "x"\n}\n'),
        (" {} more", ["a"], {}, ' {\n\t"a": {}\n} more'),
        ('{"a": {}}', ["a", "b"], "x", '{"a": {\n\t\t"b": "x"\n\t}}'),
        ('{\n  "a": {}\n}', ["a", "b"], "x", '{\n  "a": {\n    "b": "x"\n  }\n}'),
        # behind others: on a line of its own, as the last one is
        ('{"a": 1}', ["b"], "x", '{"a": 1,\n\t"b": "x"}'),
        ('{"a": 1 }', ["b"], "x", '{"a": 1,\n\t"b": "x" }'),
        ('{\n    "a": 1\n}\n', ["b"], "x", '{\n    "a": 1,\n    "b": "x"\n}\n'),
        ('{\n\n \t"a": 1\n}', ["b"], "x", '{\n\n \t"a": 1,\n\n \t"b": "x"\n}'),
        ('{\r\n  "a": 1\r\n}', ["b"], "x", '{\r\n  "a": 1,\r\n  "b": "x"\r\n}'),
        ('{\n  "a": 1, "b": 2\n}', ["c"], "x", '{\n  "a": 1, "b": 2,\n  "c": "x"\n}'),
        ('{"o": {"a": 1}}', ["o", "b"], "x", '{"o": {"a": 1,\n\t\t"b": "x"}}'),
        # in the place of what it has, whatever that is
        ('{"a" :  [1, {"b": 2}], "b": 3}', ["a"], "x", '{"a" :  "x", "b": 3}'),
        ('{"a": {"a": 1}, "b": {"a": 2}}', ["b", "a"], "x", '{"a": {"a": 1}, "b": {"a": "x"}}'),
        ('{"a": null\n}', ["a"], {"b": "x"}, '{"a": {\n\t\t"b": "x"\n\t}\n}'),
        # what it has in it
        ('{"x": 1e999, "n": 1' + "0" * 5000 + "}", ["n"], "x", '{"x": 1e999, "n": "x"}'),
        ('{"\\u0061": 1}', ["a"], "x", '{"\\u0061": "x"}'),
        ("{}", ["ü"], "ключ", '{\n\t"ü": "ключ"\n}'),
    ],
)
def test_a_member_put_in(before: str, path: list[str], value: object, after: str) -> None:
    assert json_text.with_member(before, path, value) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ('{"a": 1}', ["a"], "{}"),
        ('{\n\t"a": 1\n}\n', ["a"], "{}\n"),
        (' { "a": 1 } more', ["a"], " {} more"),
        ('{"a": 1, "b": 2, "c": 3}', ["a"], '{"b": 2, "c": 3}'),
        ('{"a": 1, "b": 2, "c": 3}', ["b"], '{"a": 1, "c": 3}'),
        ('{"a": 1, "b": 2 , "c": 3 }', ["c"], '{"a": 1, "b": 2 }'),
        ('{\n\t"a": 1,\n\t"b": 2\n}', ["b"], '{\n\t"a": 1\n}'),
        ('{\n\t"a": 1,\n\t"b": 2\n}', ["a"], '{\n\t"b": 2\n}'),
        ('{"a": {"b": 1, "c": 2}}', ["a", "b"], '{"a": {"c": 2}}'),
        ('{"o": {"a": {"b": 1}}, "a": 5}', ["o", "a", "b"], '{"o": {"a": {}}, "a": 5}'),
    ],
)
def test_a_member_taken_out(before: str, path: list[str], after: str) -> None:
    assert json_text.without(before, path) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ('{"A" : ":", "b": {"A": 1}}', ["A"], '{"new" : ":", "b": {"A": 1}}'),
        ('{"A": 1, "b": {"A:" : 1}}', ["b", "A:"], '{"A": 1, "b": {"new": 1}}'),
    ],
)
def test_a_member_renamed(before: str, path: list[str], after: str) -> None:
    renamed = json_text.renamed(before, path, "new")
    assert json.loads(renamed) == json.loads(after)
    assert renamed.replace(" :", ":") == after.replace(" :", ":")
