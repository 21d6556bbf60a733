"""What `setup` has made and entered is noted, until it is gone."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import made_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_which_files_setup_made_is_noted_until_they_are_gone(state: Path) -> None:
    assert made_files.noted().files == set()
    made_files.forget_those_gone()
    assert list(state.iterdir()) == [], "nothing is noted for nothing"
    one, two = state / "one", state / "two"
    one.write_bytes(b"")
    made_files.note([one])
    made_files.note([two])
    assert made_files.noted().files == {one, two}
    [note] = state.rglob("setup.json")
    assert json.loads(note.read_text()) == {"version": 1, "made": [str(one), str(two)]}
    assert note.stat().st_mode & 0o777 == 0o600
    made_files.forget_those_gone()
    assert made_files.noted().files == {one}
    one.unlink()
    made_files.forget_those_gone()
    assert json.loads(note.read_text()) == {"version": 1, "made": []}


def test_which_stores_setup_entered_is_noted_until_the_file_goes_or_is_settled(state: Path) -> None:
    one, two, three = state / "one", state / "two", state / "three"
    one.write_bytes(b"")
    made_files.note([], {one: "pass", two: "x"})
    made_files.note([one], {two: "secretservice"})
    made_files.note([one])
    assert made_files.noted() == made_files.Made({one}, {one: "pass", two: "secretservice"})
    [note] = state.rglob("setup.json")
    assert json.loads(note.read_text())["stores"] == {str(one): "pass", str(two): "secretservice"}
    made_files.forget_those_gone()
    assert made_files.noted() == made_files.Made({one}, {one: "pass"})
    three.write_bytes(b"")
    made_files.note([], {three: "x"})
    made_files.forget_those_gone(path for path in (one, two))
    assert made_files.noted() == made_files.Made({one}, {three: "x"})


def test_what_is_made_is_noted_before_and_forgotten_where_it_fails(state: Path) -> None:
    one, two = state / "one", state / "two"
    with made_files.noting([one], {one: "x"}):
        assert made_files.noted() == made_files.Made({one}, {one: "x"})
    with suppress(KeyboardInterrupt), made_files.noting([two], {two: "x"}):
        assert made_files.noted() == made_files.Made({one, two}, {one: "x", two: "x"})
        raise KeyboardInterrupt
    assert made_files.noted() == made_files.Made({one}, {one: "x"})


@pytest.mark.parametrize("stores", ["[]", "5", "null"])
def test_a_note_of_stores_that_cannot_be_used(state: Path, stores: str) -> None:
    made_files.note([state / "x"], {state / "x": "pass"})
    [note] = state.rglob("setup.json")
    note.write_text(f'{{"version": 1, "made": [], "stores": {stores}}}')
    assert made_files.noted() == made_files.Made(set(), {})


@pytest.mark.parametrize("content", ["", "[]", "{", '{"version": 2, "made": ["/x"]}', '{"version": 1, "made": [5]}'])
def test_a_note_that_cannot_be_used_is_as_good_as_none(state: Path, content: str) -> None:
    made_files.note([state / "x"])
    [note] = state.rglob("setup.json")
    note.write_text(content)
    assert made_files.noted().files == set()
    made_files.note([state / "y"])
    assert made_files.noted().files == {state / "y"}
