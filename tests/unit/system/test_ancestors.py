"""The processes above this one, read from real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docker_credential_harbor.system import ancestors

PROGRAM = (
    "from docker_credential_harbor.system import ancestors; print(repr([tuple(each) for each in ancestors.above()]))"
)
FOLDER = Path(__file__).parents[3]


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_the_nearest_comes_first_with_its_arguments_as_they_are() -> None:
    shell = ["sh", "-c", f'"{sys.executable}" -c "{PROGRAM}"; true', "a name", "-u robot$x", ""]
    done = subprocess.run(shell, capture_output=True, text=True, check=True, cwd=FOLDER)
    lines = [line for line, _ in eval(done.stdout)]  # noqa: S307 - our own repr
    assert lines[0] == tuple(shell[:5]), "an empty word at the end is nothing"
    assert lines[1][0] in (sys.executable, sys.argv[0], Path("/proc/self/cmdline").read_text().split("\0")[0])
    assert len(lines) <= ancestors.MOST


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_whose_standard_error_is_the_same_and_whose_is_not() -> None:
    inner = f'"{sys.executable}" -c "{PROGRAM}"; true'
    code = f"import subprocess; subprocess.run(['sh', '-c', {inner!r}], stderr=subprocess.PIPE)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=FOLDER)
    shell, python, *_ = [stderr for _, stderr in eval(done.stdout)]  # noqa: S307 - our own repr
    assert shell.startswith("pipe:[")
    assert python == str(Path("/proc/self/fd/2").readlink()) == ancestors.stderr_of()
    assert shell != python
    assert ancestors.stderr_of(2**30) == ""


def test_what_cannot_be_read_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 2**30)
    assert ancestors.above() == ()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert ancestors.above() == ()
