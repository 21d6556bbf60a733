"""A client's file that is to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from docker_credential_harbor.config.clients import json_file
from docker_credential_harbor.config.go_json import Members
from docker_credential_harbor.errors import ClientConfigInvalid

PATH = Path("/home/me/config.json")


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
