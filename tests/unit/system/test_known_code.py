"""What the build has made: regular expressions, texts and modules."""

from __future__ import annotations

import marshal
import re
import sys
from array import array
from collections import namedtuple
from importlib import import_module
from typing import TYPE_CHECKING, Any, ForwardRef

import pytest

from docker_credential_harbor.system import known_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="re is one file there")
KNOWN, OTHER = r"(?P<kind>known)-(\d+)", r"other-(\d+)"


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `use` changes is put back."""
    names, finders = set(sys.modules), list(sys.meta_path)
    for module, name in (("collections", "eval"), ("typing", "compile")):
        monkeypatch.setattr(import_module(module), name, getattr(import_module("builtins"), name), raising=False)
    yield
    sys.meta_path[:] = finders
    for name in set(sys.modules) - names:
        del sys.modules[name]


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


def patterns() -> dict[Any, Any]:
    """One is known."""
    compiler: Any = import_module("re._compiler")
    parsed = compiler._parser.parse(KNOWN, 0)  # noqa: SLF001 - the steps of re's own compile
    code = array("I", compiler._code(parsed, 0)).tobytes()  # noqa: SLF001
    return {(KNOWN, 0): (parsed.state.flags, code, 2, parsed.state.groupdict, (None, "kind", None))}


def written(
    folder: Path,
    version: str = sys.version,
    *,
    texts: dict[str, CodeType] | None = None,
    modules: dict[str, tuple[str, bytes]] | None = None,
) -> str:
    """A file of that interpreter, in which one pattern is known, and those."""
    codes, places = b"", {}
    for name, (place, code) in reversed((modules or {}).items()):
        places[name] = place, -len(code + codes), -len(codes) or None
        codes = code + codes

    def head(size: int) -> bytes:
        return marshal.dumps((version, size, patterns(), texts or {}, places))

    file = folder / "known.marshal"
    file.write_bytes(head(len(head(0)) + len(codes)) + codes)
    return str(file)


def test_a_known_one_is_not_compiled_and_is_the_same(compiler: Any, tmp_path: Path) -> None:
    as_ever = re.compile(KNOWN)
    re.purge()
    compiler.asked.clear()
    known_code.use(written(tmp_path))
    taken = re.compile(KNOWN)
    assert compiler.asked == []
    assert taken == as_ever
    assert (taken.groups, taken.groupindex) == (2, {"kind": 1})
    found = taken.fullmatch("known-12")
    assert found
    assert (found["kind"], found.lastgroup, found[2]) == ("known", None, "12")


def test_another_is_compiled_as_ever(compiler: Any, tmp_path: Path) -> None:
    known_code.use(written(tmp_path))
    assert re.fullmatch(OTHER, "other-3")
    assert re.fullmatch(KNOWN, "KNOWN-3", re.IGNORECASE)
    assert compiler.asked[-2:] == [OTHER, KNOWN]


def test_a_file_of_another_interpreter_is_not_taken(compiler: Any, tmp_path: Path) -> None:
    known_code.use(written(tmp_path, "3.99"))
    assert re.fullmatch(KNOWN, "known-3")
    assert compiler.asked[-1:] == [KNOWN]


def test_where_there_is_no_file_all_is_as_ever(compiler: Any, tmp_path: Path) -> None:
    as_ever = compiler.compile
    known_code.use(str(tmp_path / "none"))
    assert compiler.compile is as_ever


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        marshal.dumps(None),
        marshal.dumps((sys.version,)),
        marshal.dumps((sys.version, 0, {}, {}, {}))[:-1],
        marshal.dumps((sys.version, 0, {}, {}, {})),
    ],
    ids=["empty", "no marshal", "nothing", "half of it", "cut short", "of another size"],
)
def test_a_damaged_file_is_as_none(compiler: Any, tmp_path: Path, content: bytes) -> None:
    as_ever, file = compiler.compile, tmp_path / "damaged"
    file.write_bytes(content)
    known_code.use(str(file))
    assert compiler.compile is as_ever


def test_a_known_text_is_not_compiled(tmp_path: Path) -> None:
    """Of a named tuple, told from the one that would be compiled by what it does; and of an annotation."""
    maker = "lambda _cls, one, two: _tuple_new(_cls, (one, two))"
    swapped = compile(maker.replace("(one, two))", "(two, one))"), "<string>", "eval")
    texts = {maker: swapped, "int | None": compile("str", "<string>", "eval")}
    known_code.use(written(tmp_path, texts=texts))
    known: Any = namedtuple("known", "one two")
    other: Any = namedtuple("other", "three four")
    assert (tuple(known(1, 2)), tuple(other(3, 4))) == ((2, 1), (3, 4))
    if sys.version_info < (3, 14):  # from there on typing compiles none
        assert eval(ForwardRef("int | None").__forward_code__) is str  # noqa: S307
        assert eval(ForwardRef("int | str").__forward_code__) == int | str  # noqa: S307


def test_a_known_module_is_taken_from_the_file(tmp_path: Path) -> None:
    """A package and a module in it, one like a file that is not there; beside them another one as ever."""
    whole = compile("from known_to_the_build.part import said", "known_to_the_build/__init__.py", "exec")
    part = compile("said = __name__, __file__", "known_to_the_build/part.py", "exec")
    modules = {
        "known_to_the_build": ("known_to_the_build/__init__.pyc", marshal.dumps(whole)),
        "known_to_the_build.part": ("known_to_the_build/part.pyc", marshal.dumps(part)),
    }
    known_code.use(written(tmp_path, modules=modules), str(tmp_path))
    package: Any = import_module("known_to_the_build")
    assert package.said == ("known_to_the_build.part", f"{tmp_path}/known_to_the_build/part.pyc")
    assert (package.__file__, package.__path__) == (
        f"{tmp_path}/known_to_the_build/__init__.pyc",
        [f"{tmp_path}/known_to_the_build"],
    )
    (tmp_path / "known_to_the_build").mkdir()
    (tmp_path / "known_to_the_build" / "other.py").write_text("said = 'other'\n")
    assert import_module("known_to_the_build.other").said == "other"
    with pytest.raises(ModuleNotFoundError):
        import_module("known_to_the_build.none")
