"""A few mutants of each part, the same each time: a test notices them, or docs/mutants.md says why none does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import need
from tests.mutants.parts import ROOT, TOOL

OF_EACH = 3


@pytest.mark.timeout(300)
def test_some_mutants_of_each_part() -> None:
    need("mutmut", f"make {TOOL.parents[1].relative_to(ROOT)}/.installed", TOOL.exists())
    command = [sys.executable, "-m", "tests.mutants", f"--some={OF_EACH}", "--seed=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
