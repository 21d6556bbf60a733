"""Modules that cannot be imported for a while."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system.left_out import left_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_library.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "a_library", raising=False)
    return "a_library"


def test_absent_within_the_block_alone(library: str) -> None:
    with left_out(library), pytest.raises(ImportError):
        __import__(library)
    assert __import__(library)


def test_there_again_after_a_fault(library: str) -> None:
    with pytest.raises(ZeroDivisionError), left_out(library):
        raise ZeroDivisionError
    assert __import__(library)


def test_one_that_has_been_imported_stays(library: str) -> None:
    known = __import__(library)
    with left_out(library):
        assert __import__(library) is known
    assert sys.modules[library] is known
