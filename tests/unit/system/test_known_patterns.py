"""Regular expressions that were compiled by the build."""

from __future__ import annotations

import marshal
import re
import sys
from array import array
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.system import known_patterns

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="re is one file there")
KNOWN, OTHER = r"(?P<kind>known)-(\d+)", r"other-(\d+)"


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The part of re that compiles, as it is; what it compiles anew is in its `asked`."""
    compiler = import_module("re._compiler")
    compile_anew = compiler.compile
    asked: list[Any] = []

    def compile_and_note(pattern: Any, flags: int = 0) -> Any:
        asked.append(pattern)
        return compile_anew(pattern, flags)

    monkeypatch.setattr(compiler, "compile", compile_and_note)
    monkeypatch.setattr(compiler, "asked", asked, raising=False)
    re.purge()
    return compiler


def written(place: Path, version: str) -> str:
    """A file in which one pattern is known."""
    compiler: Any = import_module("re._compiler")
    parsed = compiler._parser.parse(KNOWN, 0)  # noqa: SLF001 - the steps of re's own compile
    code = array("I", compiler._code(parsed, 0)).tobytes()  # noqa: SLF001
    handed = (parsed.state.flags, code, 2, parsed.state.groupdict, (None, "kind", None))
    file = place / "known.marshal"
    file.write_bytes(marshal.dumps((version, {(KNOWN, 0): handed})))
    return str(file)


def test_a_known_one_is_not_compiled_and_is_the_same(compiler: Any, tmp_path: Path) -> None:
    as_ever = re.compile(KNOWN)
    re.purge()
    compiler.asked.clear()
    known_patterns.use(written(tmp_path, sys.version))
    taken = re.compile(KNOWN)
    assert compiler.asked == []
    assert taken == as_ever
    assert (taken.groups, taken.groupindex) == (2, {"kind": 1})
    found = taken.fullmatch("known-12")
    assert found
    assert (found["kind"], found.lastgroup, found[2]) == ("known", None, "12")


def test_another_is_compiled_as_ever(compiler: Any, tmp_path: Path) -> None:
    known_patterns.use(written(tmp_path, sys.version))
    assert re.fullmatch(OTHER, "other-3")
    assert re.fullmatch(KNOWN, "KNOWN-3", re.IGNORECASE)
    assert compiler.asked[-2:] == [OTHER, KNOWN]


def test_a_file_of_another_interpreter_is_not_taken(compiler: Any, tmp_path: Path) -> None:
    known_patterns.use(written(tmp_path, "3.99"))
    assert re.fullmatch(KNOWN, "known-3")
    assert compiler.asked[-1:] == [KNOWN]


def test_where_there_is_no_file_all_is_as_ever(compiler: Any, tmp_path: Path) -> None:
    as_ever = compiler.compile
    known_patterns.use(str(tmp_path / "none"))
    assert compiler.compile is as_ever


@pytest.mark.parametrize(
    "content",
    [b"", b"{", marshal.dumps(None), marshal.dumps((sys.version,)), marshal.dumps((sys.version, {}))[:-1]],
    ids=["empty", "no marshal", "nothing", "half of it", "cut short"],
)
def test_a_damaged_file_is_as_none(compiler: Any, tmp_path: Path, content: bytes) -> None:
    as_ever, file = compiler.compile, tmp_path / "damaged"
    file.write_bytes(content)
    known_patterns.use(str(file))
    assert compiler.compile is as_ever
