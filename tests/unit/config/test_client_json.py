"""JSON as clients read it, and its text changed: value by value, to the byte. Docker itself judges in tests/flows/."""

from __future__ import annotations

import base64
import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from docker_credential_harbor.config import go_json
from docker_credential_harbor.config.clients import docker_reads, json_file, json_text
from docker_credential_harbor.config.go_json import Members
from docker_credential_harbor.errors import ClientConfigInvalid, ClientConfigUnread
from docker_credential_harbor.model import Credentials

PATH = Path("/home/me/config.json")

# --- The text ---------------------------------------------------------------------------------------------------------


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


# --- Values -----------------------------------------------------------------------------------------------------------


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


def test_half_of_utf_16() -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        docker_reads.text_of("{}".encode("utf-16")[:-1], PATH)
    assert caught.value.facts == {"place": str(PATH), "reason": "it is not JSON"}


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


def test_nested_too_deeply() -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        docker_reads.value_of("[" * 100_000, PATH)
    assert caught.value.facts == {"place": str(PATH), "reason": "it is nested too deeply"}


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


# --- What docker makes of it ------------------------------------------------------------------------------------------


def read(content: str | bytes, **options: bool) -> docker_reads.Reading:
    return docker_reads.of(content if isinstance(content, bytes) else content.encode(), PATH, **options)


def test_whom_docker_asks() -> None:
    found = read('{"credHelpers": {"h": "harbor", "i": "", "j": null, "k": 5}, "credsStore": "other"}')
    asked = {server: found.helper_for(server) for server in "hijkl"}
    assert asked == {"h": "harbor", "i": "", "j": "", "k": "", "l": "other"}
    assert read("{}").helper_for("h") == ""


def in_auth(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    ("entry", "pair"),
    [
        ({"auth": in_auth("me:se:cret")}, Credentials("me", "se:cret")),
        ({"auth": in_auth("me:secret\0\0")}, Credentials("me", "secret")),
        ({"auth": in_auth("me:")}, Credentials("me", "")),
        ({"auth": "bWU6\r\nc2Vj\ncmV0"}, Credentials("me", "secret")),
        ({"auth": in_auth(b"m\xff:s")}, Credentials("m\ufffd", "s")),
        ({"AUTH": in_auth("me:s"), "username": "you", "password": "p"}, Credentials("me", "s")),
        ({"identitytoken": "t", "auth": in_auth("me:s")}, Credentials("<token>", "t")),
        ({"identitytoken": "", "auth": in_auth("me:s")}, Credentials("me", "s")),
        ({"username": "you", "password": "p"}, Credentials("you", "p")),
        ({"username": "you"}, None),
        ({"password": "p"}, None),
        ({}, None),
        (7, None),
        (None, None),
    ],
)
def test_a_pair_in_plain_text(entry: object, pair: Credentials | None) -> None:
    found = read(json.dumps({"auths": {"h": entry}}))
    assert found.pair("h") == pair
    assert found.unusable_auths() == []


@pytest.mark.parametrize(
    "auth",
    ["!", "bWU6cw", "bWU6cw=", "bWU6c===", "=bWU", "bW-_", "bWU6 cw==", in_auth("no colon"), in_auth(":no name")],
)
def test_an_auth_that_cannot_be_read(auth: str) -> None:
    found = read(json.dumps({"auths": {"g": {}, "h": {"auth": auth}, "i": {"auth": in_auth("me:s")}}}))
    assert found.unusable_auths() == ["h"]
    assert found.pair("h") is None


def test_what_no_client_reads_for_its_encoding() -> None:
    with pytest.raises(ClientConfigUnread) as caught:
        read("{}".encode("utf-16"))
    assert caught.value.facts == {"place": str(PATH), "reason": "it is UTF-16", "registry": "REGISTRY"}


def test_podman_takes_no_text_behind_the_object(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text("{} more")
    assert docker_reads.read(path) == docker_reads.Reading({}, "", {})
    with pytest.raises(ClientConfigInvalid) as caught:
        docker_reads.read(path, whole=True)
    assert caught.value.facts == {"place": str(path), "reason": "there is text after its end"}
    assert read("{} more") == docker_reads.Reading({}, "", {})
    assert read("{} \n", whole=True) == docker_reads.Reading({}, "", {})
    assert docker_reads.read(tmp_path / "none", whole=True) == docker_reads.Reading({}, "", {})


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ("{\n\n,}", f"{PATH}:3", "it is not JSON: Expecting property name enclosed in double quotes"),
        ("[]", str(PATH), "it is not a JSON object"),
        ("NaN", str(PATH), "it is not JSON: NaN is no value there"),
    ],
)
def test_what_is_wrong_and_where(content: str, place: str, reason: str) -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        read(content)
    assert caught.value.facts == {"place": place, "reason": reason}


# --- A file that is to be changed -------------------------------------------------------------------------------------


def parsed(content: str | bytes) -> json_file.Document:
    return json_file.parsed(content if isinstance(content, bytes) else content.encode(), PATH)


@pytest.mark.parametrize("content", ["", " \n", "null", " null "])
def test_what_is_as_good_as_empty(content: str) -> None:
    document = parsed(content)
    assert document.text == "{}\n"
    assert document.members == {}


def test_a_document() -> None:
    document = parsed('\n{"AUTHS": {"h": {}}, "x": 1, "auth": 2} more')
    assert document.path == PATH
    assert document.before == b'\n{"AUTHS": {"h": {}}, "x": 1, "auth": 2} more'
    assert document.text == document.before.decode()
    assert document.unread == ""
    assert document.rest == "more"
    assert (document.spelt("auths"), document.spelt("x"), document.spelt("credHelpers")) == ("AUTHS", "x", None)
    assert document.field("auths") == {"h": Members()}
    assert type(document.field("auths")) is dict
    assert (document.field("x"), document.field("credHelpers")) == (1.0, None)
    assert document.named("auths") == document.text.replace("AUTHS", "auths")
    assert document.named("x") == document.named("credHelpers") == document.text


def test_a_missing_file_has_nothing_before(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert json_file.read(path) == json_file.Document(path, None, "{}\n", {})
    path.write_bytes(b"")
    assert json_file.read(path).before == b""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "it has a twice in one place"),
        ('{"o": {"x": 1}, "p": {"b": 1, "b": 2}}', "it has b twice in one place"),
        ('{"o": [1, {"x": 1}, [{"c": 1, "c": 2}]]}', "it has c twice in one place"),
        ('{"credsStore": "a", "CredsStore": "b"}', "it has credsStore twice in one place"),
        ('{"AUTHS": {}, "auths": {}}', "it has auths twice in one place"),
        ('{"credHelpers": []}', "its credHelpers is not a JSON object"),
        ('{"Auths": "x"}', "its auths is not a JSON object"),
    ],
)
def test_what_could_not_be_changed_without_harm(content: str, reason: str) -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        parsed(content)
    assert caught.value.facts == {"place": str(PATH), "reason": reason}


@pytest.mark.parametrize(
    "content", ['{"a": {"x": 1}, "b": {"x": 2}}', '{"a": [{"x": 1}, {"x": 2}]}', '{"Other": 1, "other": 2}']
)
def test_the_same_name_in_two_places_is_no_fault(content: str) -> None:
    assert parsed(content).text == content


def test_how_a_change_is_told() -> None:
    plain = parsed("{}").changed('{"ü": "\udce9"}', "entered")
    assert (plain.path, plain.before, plain.after, plain.what) == (PATH, b"{}", b'{"\xc3\xbc": "\xe9"}', "entered")
    assert plain.ours == ("harbor",)
    anew = parsed("{}".encode("utf-16")).changed("{}", "entered")
    reason = "no client could read it, since it is UTF-16"
    assert anew.what == f"entered (written anew as UTF-8 without a mark: {reason})"
    behind = parsed("{} more").changed("{}", "entered")
    assert behind.what == "entered (there is text after its end, and podman does not read such a file)"
    same = parsed("{} more").unchanged("already")
    assert (same.path, same.before, same.after, same.what) == (PATH, b"{} more", b"{} more", "already")
    assert same.is_none
