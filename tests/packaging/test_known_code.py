"""What a package brings ready: regular expressions, texts and modules."""

from __future__ import annotations

import json
import marshal
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import need
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.sealed_home import Helper

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="re is one file there")
FOLDERS = [str(REPOSITORY), sysconfig.get_path("purelib")]
SAYS_WHAT_IS_COMPILED = """
import builtins
import sys
from importlib import import_module
file, *sys.path[:0] = sys.argv[1:]
compiler = import_module("re._compiler")
compile_anew, compile_text, evaluate = compiler.compile, compile, eval
compiler.compile = lambda pattern, flags=0: print(repr(pattern)) or compile_anew(pattern, flags)
def compile(text, name, mode, *how, **options):
    if mode == "eval":
        print(repr(text))
    return compile_text(text, name, mode, *how, **options)
def eval(text, *names):
    if isinstance(text, str):
        print(repr(text))
    return evaluate(text, *names)
builtins.compile, builtins.eval = compile, eval
from docker_credential_harbor.system.known_code import use
use(file, sys.path[2])  # where its module is a package
import known_code
known_code.import_what_a_get_does()
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the build writes it, by this interpreter, of one module as it would be packaged."""
    folder = tmp_path_factory.mktemp("code")
    file = folder / "known_code.marshal"
    (folder / "requests").mkdir()
    py_compile.compile(f"{FOLDERS[1]}/requests/__init__.py", str(folder / "requests" / "__init__.pyc"), doraise=True)
    command = [sys.executable, "-S", "-OO", "packaging/known_code.py", str(file), str(folder), *FOLDERS]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return file


def test_they_are_what_python_makes_of_them(file: Path) -> None:
    content = file.read_bytes()
    version, size, patterns, texts, modules = marshal.loads(content)  # noqa: S302 - it has just been written
    engine: Any = import_module("_sre")
    assert (version, size) == (sys.version, len(content))
    assert len(patterns) > 40
    for (pattern, flags), (all_flags, code, *groups) in patterns.items():
        as_ever = re.compile(pattern, flags)
        made = engine.compile(pattern, all_flags, list(memoryview(code).cast("I")), *groups)
        assert made == as_ever
        assert made.groupindex == as_ever.groupindex
    assert len(texts) > 40
    assert all(code == compile(text, "<string>", "eval", dont_inherit=True) for text, code in texts.items())
    [(name, (place, begin, end))] = modules.items()
    assert (name, place) == ("requests", "requests/__init__.pyc")
    assert content[begin:end] == (file.parent / place).read_bytes()[16:]


def test_a_get_compiles_nothing_while_it_imports(file: Path) -> None:
    command = [sys.executable, "-S", "-c", SAYS_WHAT_IS_COMPILED, str(file), "packaging", *FOLDERS]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == []


def test_a_packaged_get_takes_its_modules_from_there(helper: Helper, tmp_path: Path) -> None:
    need("strace", "apt-get install strace", shutil.which("strace"))
    registry = "127.0.0.1:1"  # nobody listens there
    helper.configure(f'storage = "file"\n[registries."{registry}"]\nurl = "http://{registry}"\n')
    assert helper.run("store", json.dumps({"ServerURL": registry, "Username": "u", "Secret": "s"})).returncode == 0
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=openat,connect", "-o", str(trace), helper.program, "get"]
    environment = {**helper.home.environment, "DOCKER_CREDENTIAL_HARBOR_CACHE_TTL": "0"}
    subprocess.run(command, env=environment, input=registry.encode(), capture_output=True, check=True)
    done = trace.read_text()
    assert "known_code.marshal" in done
    assert "htons(1)" in done, "Harbor was asked"
    assert re.findall(r"/(?:requests|urllib3|typing|ssl)\b[^\"]*\.pyc", done) == []
