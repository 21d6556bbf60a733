"""Modules that are imported once something of them is called."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system.put_off import functions, put_off

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a module, neither of them imported yet."""
    (tmp_path / "a_library").mkdir()
    (tmp_path / "a_library" / "__init__.py").write_text("")
    (tmp_path / "a_library" / "part.py").write_text(
        "SIZE = 3\ndef double(number, *, plus=0):\n    return number * 2 + plus\n"
    )
    (tmp_path / "user_of_it.py").write_text("import a_library.part\nfrom a_library.part import double\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("a_library", "a_library.part", "user_of_it"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "a_library.part"


def test_imported_by_the_call_of_a_function(library: str) -> None:
    with put_off({library: functions(library, "double")}):
        import user_of_it  # type: ignore[import-not-found]
    assert library not in sys.modules
    assert user_of_it.double(4, plus=1) == 9
    assert library in sys.modules


def test_imported_for_whatever_else_is_wanted_of_it(library: str) -> None:
    with put_off({library: {}}):
        import user_of_it

        assert library in sys.modules
    assert user_of_it.double(4) == 8
    assert user_of_it.a_library.part.SIZE == 3


def test_a_member_that_is_given_counts(library: str) -> None:
    with put_off({library: {"double": str}}):
        import user_of_it
    assert user_of_it.double(4) == "4"
    assert library not in sys.modules


def test_what_it_has_not_it_has_not(library: str) -> None:
    with put_off({library: {}}):
        import a_library.part as part  # type: ignore[import-not-found]
    with pytest.raises(AttributeError):
        _ = part.nothing


def test_the_module_itself_after_the_block_and_after_a_fault(library: str) -> None:
    with pytest.raises(ZeroDivisionError), put_off({library: {"SIZE": 4}}):
        raise ZeroDivisionError
    assert __import__(library, fromlist=["SIZE"]).SIZE == 3
    assert sys.modules["a_library"].part.SIZE == 3


def test_one_that_has_been_imported_stays(library: str) -> None:
    known = __import__(library, fromlist=["SIZE"])
    with put_off({library: {"SIZE": 4}}):
        assert sys.modules[library] is known
    assert sys.modules["a_library"].part is known


USES_THE_STANDARD_LIBRARY = """
import sys
from docker_credential_harbor.system import put_off
put_off.import_standard_library()
print(sorted({"bz2", "ipaddress", "lzma", "ntpath"} & set(sys.modules)))
import pathlib, shutil, urllib.parse
print(urllib.parse.urlsplit("https://[::1]:5000/v2/").hostname)
print(pathlib.PureWindowsPath("C:/Users") / "alice")
archive = shutil.make_archive("archive", "xztar", base_dir=".")
shutil.unpack_archive(archive, "unpacked")
print(pathlib.Path("unpacked").is_dir())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its paths are needed there")
def test_what_the_standard_library_puts_off_is_there_when_it_is_asked_for(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USES_THE_STANDARD_LIBRARY], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "::1", r"C:\Users\alice", "True"]
