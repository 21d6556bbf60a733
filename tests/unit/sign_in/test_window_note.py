"""The note of the worker, read again; whatever is damaged in it, it counts as none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.sign_in import window_note

if TYPE_CHECKING:
    from pathlib import Path

LINK = window_note.Link("https://sso.example.com/device", "sign in", "ABCD", code_in_url=True, ends_at=1700000000.5)
NOTE = window_note.Note("run", "h", "SIGN_IN", 4711, links=(LINK,), lines=("a line",), trace=("asked",))


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def damaged(**changes: Any) -> None:
    path = window_note.path()
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_written_and_read() -> None:
    window_note.write(NOTE, window_note.room_for_one())
    assert window_note.read() == NOTE


def test_what_another_version_writes_beside_it_is_left_aside() -> None:
    window_note.write(NOTE, window_note.room_for_one())
    damaged(of_another_version={}, links=[{**LINK._asdict(), "of_another_version": 1}])
    assert window_note.read() == NOTE


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "READ_MINDS"},
        {"asked": "NEVER"},
        {"registry": "h\x1b[2J"},
        {"links": [{**LINK._asdict(), "url": "https://h/\u202e"}]},
        {"links": [{**LINK._asdict(), "user_code": 7}]},
        {"lines": [None]},
        {"trace": "asked"},
        {"ended": 1},
    ],
)
def test_what_can_be_neither_shown_nor_acted_upon(changes: dict[str, Any]) -> None:
    window_note.write(NOTE, window_note.room_for_one())
    damaged(**changes)
    assert window_note.read() is None


@pytest.mark.parametrize("pid", [1, 0, -1, True, 2**31, pytest.param(10**400, id="huge"), 4711.5, "4711", None])
def test_a_pid_that_is_none(pid: object) -> None:
    """It would be signalled, or looked for."""
    window_note.write(NOTE, window_note.room_for_one())
    damaged(pid=pid)
    assert window_note.read() is None


@pytest.mark.parametrize("ends_at", [float("nan"), float("inf"), -1, pytest.param(10**400, id="huge"), "soon", []])
def test_an_instant_that_is_none(ends_at: object) -> None:
    """It would be counted down to."""
    window_note.write(NOTE, window_note.room_for_one())
    damaged(links=[{**LINK._asdict(), "ends_at": ends_at}])
    assert window_note.read() is None
