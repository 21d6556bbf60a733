"""Why there was no pair: told once on each standard error by those that asked at once, and kept."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NoReturn

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Registry
from docker_credential_harbor.storage import miss_note, registry_lock
from docker_credential_harbor.system import folders
from docker_credential_harbor.use_cases import why_no_pair

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
PAUSED = errors.SignInPaused(registry="h", seconds=58, todo="wait")
A_SECOND_LATER = errors.SignInPaused(registry="h", seconds=57, todo="wait")


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folders, "user_folder", lambda _kind: tmp_path)


def test_the_same_cause_is_told_once_by_those_that_asked_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    began_at = time.time() - 1
    why_no_pair.tell(REGISTRY, PAUSED, "docker-compose", began_at)
    why_no_pair.tell(REGISTRY, A_SECOND_LATER, "docker-compose", began_at)
    assert capfd.readouterr().err.count("[sign-in-paused]") == 1
    why_no_pair.tell(REGISTRY, errors.SignInEnded(registry="h"), "docker-compose", began_at)
    assert "[sign-in-ended]" in capfd.readouterr().err
    why_no_pair.tell(REGISTRY, errors.SignInEnded(registry="h"), "docker-compose", time.time() + 1)
    assert "[sign-in-ended]" in capfd.readouterr().err, "whoever asks afterwards is told again"


def test_on_another_standard_error_it_is_told_as_well(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    began_at = time.time() - 1
    why_no_pair.tell(REGISTRY, PAUSED, "docker", began_at)
    assert "[sign-in-paused]" in capfd.readouterr().err
    with (tmp_path / "elsewhere").open("w") as elsewhere:
        monkeypatch.setattr(sys, "stderr", elsewhere)
        why_no_pair.tell(REGISTRY, PAUSED, "docker", began_at)
    assert "[sign-in-paused]" in (tmp_path / "elsewhere").read_text()


def test_it_is_kept_with_who_asked() -> None:
    assert why_no_pair.told(REGISTRY) is None
    why_no_pair.tell(REGISTRY, PAUSED, "java", time.time())
    assert why_no_pair.told(REGISTRY) == f"the last pull had no pair, just now, by java: {PAUSED}"
    why_no_pair.tell(REGISTRY, PAUSED, "", time.time())
    assert why_no_pair.told(REGISTRY) == f"the last pull had no pair, just now: {PAUSED}"


class TestThatNoneWasNeeded:
    NEEDLESS = errors.NoSignInNeeded(registry="h", reason="podman login names a user of its own", todo="run: x")

    def test_it_is_told_once_to_a_login_that_asks_twice_and_is_no_news(self, capfd: pytest.CaptureFixture[str]) -> None:
        for _ in range(2):
            why_no_pair.tell(REGISTRY, self.NEEDLESS, "podman", time.time())
        assert capfd.readouterr().err.count("[no-sign-in-needed]") == 1
        assert why_no_pair.told(REGISTRY) is None
        why_no_pair.tell(REGISTRY, self.NEEDLESS, "podman", time.time() + 60)
        assert capfd.readouterr().err.count("[no-sign-in-needed]") == 1, "another one is told anew"

    def test_it_takes_no_others_place(self) -> None:
        why_no_pair.tell(REGISTRY, PAUSED, "java", time.time())
        why_no_pair.tell(REGISTRY, self.NEEDLESS, "podman", time.time())
        assert PAUSED.message in str(why_no_pair.told(REGISTRY))


def test_it_is_kept_while_another_process_has_the_registry(capfd: pytest.CaptureFixture[str]) -> None:
    """As in a `get` that was told of nothing but that, and whose caller shows it to nobody."""
    with registry_lock.held(REGISTRY.name, 0):
        why_no_pair.tell(REGISTRY, errors.Busy(what_runs="get", registry="h"), "java", time.time())
    assert capfd.readouterr().err.count("[busy]") == 1
    assert "another get for h is still running" in str(why_no_pair.told(REGISTRY))


@pytest.mark.parametrize("reason", ["x" * 3000, "a\nb\x1b[31m"])
def test_a_cause_of_any_length_and_characters_is_kept(reason: str) -> None:
    why_no_pair.tell(REGISTRY, errors.FoundOut("c", reason * 10), "java\x1b" * 30, time.time())
    told = str(why_no_pair.told(REGISTRY))
    assert told.startswith("the last pull had no pair, just now, by java\\x1b")
    assert told.isprintable()


def test_what_cannot_be_kept_is_told_all_the_same(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError

    monkeypatch.setattr(miss_note, "save", fail)
    why_no_pair.tell(REGISTRY, PAUSED, "java", time.time())
    assert capfd.readouterr().err.count("[sign-in-paused]") == 1
    monkeypatch.setattr(folders, "user_folder", fail)
    why_no_pair.tell(REGISTRY, PAUSED, "java", time.time())
    assert capfd.readouterr().err.count("[sign-in-paused]") == 1
