"""What Docker makes of its file. Docker itself judges in tests/flows/."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from docker_credential_harbor.config.clients import docker_reads
from docker_credential_harbor.errors import ClientConfigInvalid, ClientConfigUnread
from docker_credential_harbor.model import Credentials

PATH = Path("/home/me/config.json")


def test_half_of_utf_16() -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        docker_reads.text_of("{}".encode("utf-16")[:-1], PATH)
    assert caught.value.facts == {"place": str(PATH), "reason": "it is not JSON"}


def test_nested_too_deeply() -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        docker_reads.value_of("[" * 100_000, PATH)
    assert caught.value.facts == {"place": str(PATH), "reason": "it is nested too deeply"}


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
