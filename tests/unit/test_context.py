"""Whose time is shared, what is left of it for whom, and what is had within it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.context import STORE_SECONDS, open_context
from docker_credential_harbor.model import Registry
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system import lock

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("timeout = 20\n")
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(file))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CREDENTIAL_HARBOR_TIMEOUT", raising=False)


def test_what_docker_asked_for_has_one_allowance() -> None:
    context = open_context(began_at=time.time())
    assert context.allowance.ends_at is not None
    assert 0 < context.allowance.left() <= 20
    assert context.lock_seconds <= 20 - STORE_SECONDS, "the store needs a moment after the lock"


def test_after_a_person_was_asked_it_begins_anew() -> None:
    context = open_context(began_at=time.time())
    before = context.allowance.ends_at
    assert before is not None
    after = context.begun_anew()
    assert after.allowance.ends_at is not None
    assert after.allowance.ends_at > before


@pytest.mark.parametrize("asked", [False, True], ids=["worker", "command"])
def test_elsewhere_each_request_has_its_own(asked: bool) -> None:
    context = open_context(asked=asked)
    assert context.allowance.ends_at is None
    assert context.allowance.left() == context.lock_seconds == 20
    assert context.begun_anew() is context


def test_the_registrys_lock_excludes_others_until_the_block_ends() -> None:
    path = registry_lock.path(REGISTRY.name)
    with open_context(began_at=time.time()).try_registry_lock(REGISTRY) as hindrance:
        assert hindrance is None
        assert lock.is_held(path)
    assert not lock.is_held(path)


def test_without_the_lock_the_block_runs_all_the_same_and_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_TIMEOUT", "0.6")
    with (
        lock.hold(registry_lock.path(REGISTRY.name), 1) as taken,
        open_context(began_at=time.time()).try_registry_lock(REGISTRY) as hindrance,
    ):
        assert taken
        assert isinstance(hindrance, errors.Busy)


def test_where_there_can_be_no_lock_the_block_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with open_context(began_at=time.time()).try_registry_lock(REGISTRY) as hindrance:
        assert isinstance(hindrance, errors.NotWritable)
