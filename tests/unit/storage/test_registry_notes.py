"""Notes that can always be found out anew."""

from __future__ import annotations

import json
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.model import LoginRedirect, Pin, Provider, StoredToken, Word
from docker_credential_harbor.outside.json_record import as_json
from docker_credential_harbor.storage import registry_lock, registry_notes
from docker_credential_harbor.storage.registry_notes import Notes
from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.25
NOTES = Notes(
    stored_token=StoredToken(NOW - 100, NOW - 90, "2026-11-21T20:01:05.971Z", 290, 300),
    unread_at=NOW - 60,
    verified_at=NOW - 5,
    trusted_until=NOW + 200,
    config_stamp="abc",
    outcome_began_at=NOW - 7,
    outcome_code="unreachable",
    outcome_message="sso cannot be reached",
    declines=2,
    declined_at=NOW - 50,
    generation=3,
    provider=Provider("https://sso", "https://sso/a", "https://sso/t", "https://sso/j", "https://sso/r", None, True),
    provider_found_at=NOW - 1000,
    redirect=LoginRedirect(
        "https://sso/a",
        "harbor",
        ("openid", "offline_access"),
        (("access_type", "offline"),),
        "https://h/c/oidc/callback",
    ),
    pin=Pin("https://sso", "harbor", "https://h/c/oidc/callback"),
    word=Word(Pin("https://sso", "harbor-2", "https://h/c/oidc/callback"), takes_own=True, refuses_made_up=False),
)
NAME = "harbor.example.com:8443"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(folders, "user_folder", lambda kind: tmp_path / kind)
    monkeypatch.setattr(time, "time", lambda: NOW)
    return tmp_path / "state"


@pytest.mark.parametrize("notes", [NOTES, Notes()], ids=["all", "none"])
def test_what_was_saved_is_loaded(notes: Notes) -> None:
    assert registry_notes.load(NAME) == Notes()
    assert registry_notes.save(NAME, notes) is True
    assert registry_notes.load(NAME) == notes
    assert registry_notes.load("other") == Notes()


def test_unchanged_is_not_written() -> None:
    registry_notes.save(NAME, NOTES)
    assert registry_notes.save(NAME, NOTES) is False
    assert registry_notes.save(NAME, NOTES._replace(generation=4)) is True


def test_the_file_is_the_owners_alone(folder: Path) -> None:
    registry_notes.save(NAME, NOTES)
    file = folder / "registries" / "harbor.example.com%3A8443.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"{}", b'{"version": 1}', b'{"version": 1, "fresh', b"\xff", b'{"version": 9}']
)
def test_damaged_counts_as_empty_and_can_be_overwritten(folder: Path, content: bytes) -> None:
    (folder / "registries").mkdir(parents=True)
    (folder / "registries" / "h.json").write_bytes(content)
    assert registry_notes.load("h") == Notes()
    registry_notes.save("h", NOTES)
    assert registry_notes.load("h") == NOTES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provider", {"issuer": 1}),
        ("provider", {"issuer": 1, "authorization_endpoint": "", "token_endpoint": "", "jwks_uri": ""}),
        ("provider", {"issuer": None, "authorization_endpoint": "", "token_endpoint": "", "jwks_uri": ""}),
        ("provider", {"issuer": "", "authorization_endpoint": "", "token_endpoint": None, "jwks_uri": ""}),
        ("redirect", {"authorization_endpoint": "", "client_id": "", "scopes": [1]}),
        ("stored_token", {"earliest_at": "x"}),
        ("verified_at", []),
        ("declines", None),
        ("word", {"of": None, "takes_own": False, "refuses_made_up": None}),
        ("word", {"of": as_json(NOTES.pin), "takes_own": 1, "refuses_made_up": None}),
        ("word", {"of": as_json(NOTES.pin), "takes_own": False, "refuses_made_up": "no"}),
        ("config_stamp", 1),
        ("verified_at", -1),
        ("declines", -1),
        ("stored_token", None),
    ],
)
def test_of_another_shape_counts_as_empty(folder: Path, field: str, value: Any) -> None:
    registry_notes.save("h", NOTES)
    path = folder / "registries" / "h.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    assert registry_notes.load("h") == Notes()


def test_what_an_older_version_kept(folder: Path) -> None:
    registry_notes.save("h", NOTES)
    path = folder / "registries" / "h.json"
    kept = json.loads(path.read_text())
    del kept["pin"], kept["word"], kept["redirect"]["redirect_uri"]
    path.write_text(json.dumps(kept))
    assert NOTES.redirect
    assert registry_notes.load("h") == NOTES._replace(
        pin=None, word=None, redirect=NOTES.redirect._replace(redirect_uri="")
    )


def test_what_another_version_keeps_beside_it_is_left_aside(folder: Path) -> None:
    registry_notes.save("h", NOTES)
    path = folder / "registries" / "h.json"
    kept = json.loads(path.read_text())
    for place in (kept, kept["provider"], kept["redirect"], kept["pin"], kept["stored_token"]):
        place["of_another_version"] = [{}]
    path.write_text(json.dumps(kept))
    assert registry_notes.load("h") == NOTES


def test_only_the_pin_and_the_word_are_forgotten(folder: Path) -> None:
    registry_notes.forget_pin("h")
    assert not (folder / "registries").exists(), "nothing is made for nothing"
    registry_notes.save("h", NOTES)
    registry_notes.forget_pin("h")
    assert registry_notes.load("h") == NOTES._replace(pin=None, word=None)
    registry_notes.save("h", Notes(word=NOTES.word))
    registry_notes.forget_pin("h")
    assert registry_notes.load("h") == Notes()


def test_a_folder_in_its_place_counts_as_empty(folder: Path) -> None:
    (folder / "registries" / "h.json").mkdir(parents=True)
    assert registry_notes.load("h") == Notes()


def test_instants_in_the_future_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    registry_notes.save(NAME, NOTES)
    monkeypatch.setattr(time, "time", lambda: NOW - 10_000)
    token = NOTES.stored_token._replace(earliest_at=None, latest_at=None)
    assert registry_notes.load(NAME) == Notes(
        config_stamp="abc", generation=3, redirect=NOTES.redirect, stored_token=token, pin=NOTES.pin, word=NOTES.word
    )


def test_only_what_was_noted_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    registry_notes.save(NAME, NOTES)
    monkeypatch.setattr(time, "time", lambda: NOW - 8)
    token = NOTES.stored_token._replace(earliest_at=None, latest_at=None)
    assert registry_notes.load(NAME) == NOTES._replace(verified_at=None, trusted_until=None, stored_token=token)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "[::1]:443", "h" * 5000, "ключ.рф", "a b", "C:\\x"])
def test_odd_names_stay_in_the_folder(folder: Path, name: str) -> None:
    registry_notes.save(name, NOTES)
    assert registry_notes.load(name) == NOTES
    assert len(list((folder / "registries").iterdir())) == 1
    assert registry_lock.path(name).parent == folder / "registries"
    assert registry_lock.path(name).suffix == ".lock"
