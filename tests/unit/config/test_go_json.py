"""JSON as Go reads it: value by value. Docker itself judges in tests/flows/."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from docker_credential_harbor.config import go_json
from docker_credential_harbor.config.go_json import Members


@pytest.mark.parametrize(
    ("content", "text", "hindrance"),
    [
        (b'{"a": 1}', '{"a": 1}', ""),
        (b"", "", ""),
        (b'{"\xe9": 1}', '{"\udce9": 1}', ""),
        (codecs.BOM_UTF8 + b"{}", "{}", "a byte-order mark is before it"),
        ("{}".encode("utf-16"), "{}", "it is UTF-16"),
        ("{}".encode("utf-16-be"), "{}", "it is UTF-16"),
        ("{}".encode("utf-32"), "{}", "it is UTF-32"),
    ],
)
def test_encodings(content: bytes, text: str, hindrance: str) -> None:
    assert go_json.decoded(content) == (text, hindrance)
    assert hindrance or go_json.encoded(text) == content


@pytest.mark.parametrize(
    ("text", "value", "rest"),
    [
        ("", None, ""),
        (" \t\r\n", None, ""),
        ("null", None, ""),
        ("  7 8 ", 7.0, "8"),
        ("7 X", 7.0, "X"),
        ('{"a": 1, "a": {"b": [null]}} \n', Members([("a", 1.0), ("a", Members([("b", [None])]))]), ""),
        ("\n{} // mine\r\n", Members(), "// mine"),
        ("1" + "0" * 400, float("inf"), ""),
    ],
)
def test_the_first_value(text: str, value: object, rest: str) -> None:
    found = go_json.first_value(text)
    assert found == (value, rest)
    assert type(found[0]) is type(value)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_no_value_of_gos(name: str) -> None:
    with pytest.raises(ValueError, match=f"^it is not JSON: {name} is no value there$"):
        go_json.first_value(f"[{name}]")


@pytest.mark.parametrize(
    ("found", "is_it"),
    [
        *(("credsStore", True), ("CREDSSTORE", True), ("cred\u017fStore", True), ("creds\u017ftore", True)),
        *(("credsStor", False), ("creds-store", False), ("cred\xdftore", False), ("", False)),
    ],
)
def test_a_name_in_any_case(found: str, is_it: bool) -> None:
    assert go_json.is_named(found, "credsStore") is is_it


def test_a_kelvin_sign_is_a_k() -> None:
    assert go_json.is_named("\u212aey", "key")


def test_fields() -> None:
    members = Members([("A", 1), ("b", 2), ("a", "x"), ("a", None)])
    assert go_json.field(members, "a") == [1, "x", None]
    assert go_json.field({"a": 1}, "a") == []
    assert go_json.field(None, "a") == []


@pytest.mark.parametrize(
    ("values", "text"), [([], ""), (["a", "b"], "b"), (["a", None, 5], "a"), ([None], ""), (["a", ""], "")]
)
def test_a_field_of_type_string(values: list[Any], text: str) -> None:
    assert go_json.text_in(values) == text


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], {}),
        ([Members([("a", 1)]), Members([("a", 2), ("b", 3)])], {"a": 2, "b": 3}),
        ([Members([("a", 1)]), [], 7], {"a": 1}),
        ([Members([("a", 1)]), None], {}),
        ([Members([("a", 1)]), None, Members([("b", 2)])], {"b": 2}),
    ],
)
def test_a_field_of_type_map(values: list[Any], found: dict[str, Any]) -> None:
    assert go_json.map_in(values) == found
