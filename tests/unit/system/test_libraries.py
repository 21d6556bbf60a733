"""What is said of a library that cannot be used: which, where it lies, and what brought it."""

from __future__ import annotations

import errno
import importlib
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import LibraryUnusable, NoFilesLeft
from docker_credential_harbor.system import libraries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def told(name: str) -> LibraryUnusable:
    """What is told where importing that module fails."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it raises
        importlib.import_module(name)
    failure = libraries.unusable(caught.value)
    assert isinstance(failure, LibraryUnusable)
    return failure


def test_one_that_is_missing() -> None:
    failure = told("no_such_library.part")
    assert failure.facts["library"] == "no_such_library"
    assert "install docker-credential-harbor anew" in str(failure)


@pytest.mark.parametrize("content", ["raise RuntimeError('broken')\n", "def (:\n"])
def test_one_that_fails_while_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "broken_library.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    failure = told("broken_library")
    assert failure.facts["library"] == "broken_library"
    assert failure.facts["place"] == f" at {tmp_path / 'broken_library.py'}"
    assert "PYTHONPATH" not in str(failure)
    monkeypatch.setenv("PYTHONPATH", f"/elsewhere:{tmp_path}")
    assert "found by PYTHONPATH: unset that" in str(told("broken_library"))


def test_one_that_lacks_what_is_asked_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of it, which goes before ours. Its words may be secret."""
    (tmp_path / "older_library.py").write_text("def ask(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    older = importlib.import_module("older_library")
    try:
        uses: list[Callable[[], object]] = [lambda: older.answer, lambda: older.ask(secret="SECRET")]
        for use in uses:
            with pytest.raises((AttributeError, TypeError)) as caught:
                use()
            failure = libraries.unusable(caught.value)
            assert isinstance(failure, LibraryUnusable)
            assert failure.facts["library"] == "older_library"
            assert "secret" not in str(failure).lower()
    finally:
        del sys.modules["older_library"]


def test_an_import_can_be_the_one_file_too_many() -> None:
    assert isinstance(libraries.unusable(OSError(errno.EMFILE, "Too many open files")), NoFilesLeft)


def test_a_fault_of_our_own_is_something_else() -> None:
    assert libraries.unusable(AttributeError("a slip")) is None
    assert libraries.unusable(OSError(errno.ENOENT, "No such file")) is None
