"""Regular expressions in a package."""

from __future__ import annotations

import marshal
import re
import subprocess
import sys
import sysconfig
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="re is one file there")
FOLDERS = [str(REPOSITORY), sysconfig.get_path("purelib")]
SAYS_WHAT_IS_COMPILED = """
import sys
from importlib import import_module
file, *sys.path[:0] = sys.argv[1:]
compiler = import_module("re._compiler")
compile_anew = compiler.compile
compiler.compile = lambda pattern, flags=0: print(repr(pattern)) or compile_anew(pattern, flags)
from docker_credential_harbor.system import known_patterns
known_patterns.use(file)
import patterns
patterns.import_what_a_get_does()
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the build writes it, by this interpreter."""
    file = tmp_path_factory.mktemp("patterns") / "known_patterns.marshal"
    command = [sys.executable, "-S", "-OO", "packaging/patterns.py", str(file), *FOLDERS]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return file


def test_they_are_what_re_makes_of_them(file: Path) -> None:
    version, known = marshal.loads(file.read_bytes())  # noqa: S302 - it has just been written
    engine: Any = import_module("_sre")
    assert version == sys.version
    assert len(known) > 40
    for (pattern, flags), (all_flags, code, *groups) in known.items():
        as_ever = re.compile(pattern, flags)
        made = engine.compile(pattern, all_flags, list(memoryview(code).cast("I")), *groups)
        assert made == as_ever
        assert made.groupindex == as_ever.groupindex


def test_a_get_compiles_none_while_it_imports(file: Path) -> None:
    command = [sys.executable, "-S", "-c", SAYS_WHAT_IS_COMPILED, str(file), "packaging", *FOLDERS]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == []
