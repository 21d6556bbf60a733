"""Whose time is shared, and what is left of it for whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.context import STORE_SECONDS, open_context

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("timeout = 20\n")
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(file))
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
