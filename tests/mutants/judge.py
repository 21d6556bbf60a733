"""Whether tests notice a mutant: they run on a copy of the package with it, in a process forked for that.

The one that is forked from has imported pytest and the libraries, which take longer than most tests, and nothing of the
product.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.mutants.parts import PACKAGE, ROOT, TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.mutants.parts import Part

LIBRARIES = (
    *("pytest", "hypothesis", "playwright.sync_api", "requests", "authlib.oidc.core.claims"),
    *("joserfc.jwt", "joserfc.jwk", "keyring", "tomlkit"),
)
LEAST_SECONDS = 30  # until a mutant that does not end counts as noticed


class Mutant(NamedTuple):
    """One change of one file: ``before`` and ``after`` are the lines."""

    path: str
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """As the page has it."""
        return f"{Path(self.path).relative_to(ROOT / PACKAGE)}: `{self.before}` → `{self.after}`".replace("|", "¦")


def mutants(part: Part, some: int = 0, seed: str = "") -> list[Mutant]:
    """All of a part as the tool makes them, or so many by a seed."""
    command = [str(TOOL), str(Path(__file__).parent / "generate.py"), str(some), seed, *map(str, part.sources())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Mutant(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


class Judge:
    """Runs a part's tests, on one mutant after the other."""

    def __init__(self, part: Part, folder: Path) -> None:
        left_out = " and ".join(f"not {word}" for word in part.but_for)
        self.tests = [*(str(ROOT / "tests" / name) for name in part.tests), *(["-k", left_out] if left_out else [])]
        self.folder = folder
        shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(folder, quiet=2)
        self.limit_seconds: float = LEAST_SECONDS

    def check(self) -> None:
        """Raises RuntimeError where the tests fail without a mutant: each would count as noticed."""
        began = time.monotonic()
        if self._noticed(LEAST_SECONDS * 10):
            raise RuntimeError(f"{self.tests} fail without a mutant")
        self.limit_seconds = LEAST_SECONDS + 3 * (time.monotonic() - began)

    def check_imports(self, part: Part) -> None:
        """Raises RuntimeError where a file is not read by the tests at all."""
        for path in part.sources():
            if path.read_text(encoding="utf-8").count("\n") > 1 and not self.notices(
                Mutant(str(path), "", "", "1 / 0")
            ):
                raise RuntimeError(f"{part.tests} do not import {path}")

    def notices(self, mutant: Mutant) -> bool:
        """Whether a test fails, or they do not end."""
        with self._in_place(mutant):
            return self._noticed(self.limit_seconds)

    @contextmanager
    def _in_place(self, mutant: Mutant) -> Iterator[None]:
        place = self.folder / Path(mutant.path).relative_to(ROOT)
        whole = place.read_text(encoding="utf-8")
        Path(cache_from_source(place)).unlink(missing_ok=True)  # Python would take one of the same second for its own
        place.write_text(mutant.source, encoding="utf-8")
        try:
            yield
        finally:
            place.write_text(whole, encoding="utf-8")

    def _noticed(self, seconds: float) -> bool:
        child = os.fork()
        if child == 0:
            run(self.tests, self.folder)
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status) != 0
            time.sleep(0.01)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return True


def run(tests: Sequence[str], folder: Path) -> None:
    """In the forked process; does not come back."""
    status = 3
    try:
        os.setsid()
        devnull = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(devnull, number)
        sys.dont_write_bytecode = True  # of a mutant
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = str(folder)
        __import__(PACKAGE)  # now, from there: tests/conftest.py puts this repository first
        import pytest

        options = ("-x", "-q", "--tb=no", "--assert=plain", "-pno:cacheprovider", "-pno:xdist")
        status = int(pytest.main([*options, f"--basetemp={folder / 'tmp'}", *tests]))
    finally:
        os._exit(status)


def prepare() -> None:
    """What all runs need, before the first is forked. Raises RuntimeError where the product is imported already."""
    for name in LIBRARIES:
        __import__(name)
    compileall.compile_dir(ROOT / "tests", quiet=2)
    if PACKAGE in sys.modules:
        raise RuntimeError("the product itself must not be imported here")
