"""Why the last `get` had no pair: kept by registry, and nothing where the file is damaged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.storage import miss_note
from docker_credential_harbor.storage.miss_note import Missed
from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from pathlib import Path

MISSED = Missed(1e9, "java", "nobody-to-ask", "nobody can be asked " * 20, "8-1")


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folders, "user_folder", lambda _kind: tmp_path)


def test_it_is_kept_until_a_pair_was_given() -> None:
    assert miss_note.load("h") is None
    miss_note.save("h", MISSED)
    assert miss_note.load("h") == MISSED
    assert miss_note.load("other") is None
    miss_note.forget("h")
    assert miss_note.load("h") is None
    miss_note.forget("h")


def test_fields_of_another_version_are_left_aside(tmp_path: Path) -> None:
    miss_note.save("h", MISSED)
    [path] = tmp_path.rglob("*.missed")
    path.write_text(json.dumps({"at": 1e9, "program": "java", "code": "c", "message": "m", "later": [1]}))
    assert miss_note.load("h") == Missed(1e9, "java", "c", "m")


MEMBERS = {**MISSED._asdict()}


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", "[1]", "x", '{"at": "x"}'),
        json.dumps({**MEMBERS, "program": 2}),
        json.dumps({**MEMBERS, "program": "a\x1b[31m"}),
        json.dumps({**MEMBERS, "at": -1}),
        json.dumps({**MEMBERS, "at": 1e300}),
        json.dumps({name: value for name, value in MEMBERS.items() if name != "message"}),
    ],
)
def test_what_is_damaged_counts_as_none(tmp_path: Path, content: str) -> None:
    miss_note.save("h", MISSED)
    [path] = tmp_path.rglob("*.missed")
    path.write_text(content)
    assert miss_note.load("h") is None


def test_what_one_process_had_no_pair_for() -> None:
    mine, anothers = MISSED._replace(process="boot 1 7"), MISSED._replace(process="boot 1 8")
    for name, missed in {"a": mine, "b": anothers, "c": MISSED, "d": mine}.items():
        miss_note.save(name, missed)
    assert list(miss_note.of_process("boot 1 7", ["a", "b", "c", "none"])) == [mine]
    assert list(miss_note.of_process("", ["a", "b", "c"])) == [], "nobody knows which one it is"
