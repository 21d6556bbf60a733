"""A client's credsStore: this helper for every server, and the pairs that were in plain text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docker_credential_harbor.config.clients import cred_helpers, creds_store, docker_reads
from docker_credential_harbor.config.file_change import Change
from docker_credential_harbor.errors import AnotherCredsStore, ClientConfigInvalid
from docker_credential_harbor.model import Credentials
from tests.unit.config.clients.test_docker_reads import in_auth

ME, YOU = in_auth("me:s1"), in_auth("you:s2")


def test_our_helper_for_every_server(path: Path) -> None:
    path.write_text('{"credsstore": "", "x": 1}')
    assert not creds_store.is_entered(path)
    entered = creds_store.entered(path)
    assert entered.after == b'{"credsStore": "harbor", "x": 1}'
    instead = "instead of no helper, which --undo does not bring back"
    assert entered.what == f"this helper entered for every server into {path} {instead}"
    entered.carry_out()
    assert creds_store.is_entered(path)
    again = creds_store.entered(path)
    assert again.is_none
    assert again.what == f"{path} names this helper for every server already"


def test_no_other_helper_for_every_server_is_replaced(path: Path) -> None:
    path.write_text('{"credsStore": "pass"}')
    with pytest.raises(AnotherCredsStore) as caught:
        creds_store.entered(path)
    assert caught.value.facts == {"path": str(path), "helper": "pass"}


def test_one_that_setup_entered_itself_gives_way_until_somebody_has_logged_in_by_it(path: Path) -> None:
    path.write_text('{"credsStore": "pass", "auths": {}}')
    assert creds_store.entered(path, own="pass").after == b'{"credsStore": "harbor", "auths": {}}'
    for own, content in (("x", '{"credsStore": "pass"}'), ("pass", '{"credsStore": "pass", "auths": {"i": {}}}')):
        path.write_text(content)
        with pytest.raises(AnotherCredsStore):
            creds_store.entered(path, own=own)


@pytest.mark.parametrize("unread", [False, True])
def test_a_file_that_names_our_helper_is_changed_all_the_same_where_something_is_to_be_mended(
    path: Path, unread: bool
) -> None:
    path.write_bytes('{"credsStore": "harbor"}'.encode("utf-16" if unread else "utf-8"))
    assert creds_store.entered(path).is_none is not unread
    path.write_text('{"CredsStore": "harbor"}')
    assert creds_store.entered(path).after == b'{"credsStore": "harbor"}'


def test_no_pair_is_left_in_plain_text(path: Path) -> None:
    pairs: dict[str, Any] = {
        "https://index.docker.io/v1/": {"auth": ME},
        "https://h/v1/": {"auth": YOU, "email": "me@h"},
        "i": {"Username": "you", "password": "s2"},
        "j": {"identitytoken": "t", "auth": ME},
        "k": {"email": "k"},
        "l": {"username": "no secret"},
        "m": 7,
    }
    path.write_text(json.dumps({"credsStore": "harbor", "AUTHS": pairs}))
    left = json.loads(creds_store.entered(path).after)
    assert left == {
        "credsStore": "harbor",
        "AUTHS": {
            "https://index.docker.io/v1/": {},
            "https://h/v1/": {"email": "me@h"},
            "i": {},
            "j": {},
            "k": {"email": "k"},
            "l": {"username": "no secret"},
            "m": 7,
        },
        "credHelpers": {"h": "harbor", "i": "harbor", "j": "harbor"},
    }
    assert creds_store.movable_pairs(path) == {
        "https://index.docker.io/v1/": Credentials("me", "s1"),
        "h": Credentials("you", "s2"),
        "i": Credentials("you", "s2"),
        "j": Credentials("<token>", "t"),
    }


@pytest.mark.parametrize(
    "auths", [{"h": {"auth": ME}, "https://h": {"auth": YOU}}, {"h/v2": {"auth": YOU}, "h": {"auth": ME}}]
)
def test_the_entry_of_the_very_name_goes_before_others_of_that_host(auths: dict[str, Any]) -> None:
    found = docker_reads.of(json.dumps({"auths": auths}).encode(), Path("config.json"))
    assert creds_store.plain_pairs(found) == {"h": Credentials("me", "s1")}


def test_of_others_of_a_host_the_first_counts() -> None:
    auths = {"https://h": {"auth": ME}, "h/v2": {"auth": YOU}}
    found = docker_reads.of(json.dumps({"auths": auths}).encode(), Path("config.json"))
    assert creds_store.plain_pairs(found) == {"h": Credentials("me", "s1")}


def test_a_pair_that_cannot_be_moved_is_named(path: Path) -> None:
    path.write_text('{"auths": {"g": {}, "h": {"auth": "!"}}}')
    with pytest.raises(ClientConfigInvalid) as caught:
        creds_store.entered(path)
    assert caught.value.facts == {"place": str(path), "reason": "the auth of h cannot be read"}


def test_pairs_of_a_file_that_docker_does_not_read(path: Path) -> None:
    path.write_bytes(json.dumps({"auths": {"h": {"auth": ME}}}).encode("utf-16"))
    assert creds_store.movable_pairs(path) == {"h": Credentials("me", "s1")}


def test_for_every_server_taken_out_of_what_another_change_leaves(path: Path) -> None:
    path.write_text('{"CredsStore": "harbor", "credHelpers": {"h": "harbor"}}')
    first = cred_helpers.taken_out(path, "h")
    both = creds_store.taken_out(path, first)
    assert both.after == b"{}"
    assert both.what == f"this helper taken out for every server from {path}"
    assert (both.path, both.before) == (first.path, first.before)
    for content in ('{"credsStore": "pass"}', "{}"):
        path.write_text(content)
        first = cred_helpers.taken_out(path, "h")
        assert creds_store.taken_out(path, first) is first


def test_a_fault_in_what_another_change_leaves_is_told_of_that_file(path: Path) -> None:
    with pytest.raises(ClientConfigInvalid) as caught:
        creds_store.taken_out(path, Change(path, None, b"[]", ""))
    assert caught.value.facts["place"] == str(path)
