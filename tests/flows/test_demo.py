"""`make demo`'s entry point as it runs in this environment; `test_demo_parts.py` has its parts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.demo_lab import HARBOR_NAME, DemoLab, live_kernel_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.person import Person

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.lab.demo"]
TITLES = [
    "setup writes two files",
    "the first get signs in",
    "a warm get asks nobody",
    "after the trust window: one probe",
    "Harbor's stored token is dead: one walk, no form",
    "the secret was replaced in Harbor: get finds the new one",
    "the provider is away: the last known pair, with a warning",
    "Harbor is away: the last known pair, with a warning",
    "an image pull with that pair",
    "docker push and docker pull through credHelpers",
    "status",
    "logout",
    "nothing is left behind",
]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo puts its files; short, because an engine's sockets are in there."""
    folder = Path(tempfile.mkdtemp(prefix="d-"))
    yield folder
    shutil.rmtree(folder)


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "PYTHONUTF8": "1", "DEMO_BROWSER": "0"}


def test_the_demo_shows_all_it_should(temporary: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(temporary), stdin=subprocess.DEVNULL, capture_output=True, timeout=110
    )
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert done.stderr == b""
    summary = output.partition("\nSummary\n")[2]
    rows = re.findall(r"^  (\S) +(\d+) ms +(\d+)\. (.+?)(?: \(.+\))?$", summary, re.M)
    assert [title for _, _, _, title in rows] == TITLES
    assert {mark for mark, _, _, _ in rows} <= {"\u2713", "-"}
    assert [title for mark, _, _, title in rows if mark == "-"] in (
        [],
        ["docker push and docker pull through credHelpers"],
    )
    shown = sum(mark != "-" for mark, _, _, _ in rows)
    assert f"{shown} of 13 steps did what they should" in summary
    assert "played by the built-in walk" in output
    assert output.count('"Secret":"********"') >= 8
    assert list(temporary.iterdir()) == []


def test_a_demo_that_is_broken_off_leaves_nothing(temporary: Path) -> None:
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(temporary), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        output = ""
        while "after the trust window" not in output:
            line = process.stdout.readline()
            assert line, output
            output += line
        process.send_signal(signal.SIGINT)
        output += process.stdout.read()
    assert process.returncode == 130
    assert output.endswith("Broken off; nothing is left.\n")
    assert list(temporary.iterdir()) == []
    name = re.search(r"Harbor +http://(\S+)", output)
    assert name
    assert live_kernel_keys(name[1]) == []


@pytest.mark.parametrize("kind", ["person", "chromium_person"])
def test_in_the_persons_own_browser(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, kind: str) -> None:
    person: Person = request.getfixturevalue(kind)
    monkeypatch.setenv("BROWSER", person.browser_command)
    with DemoLab(own_browser=True) as lab:
        lab.home.environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = "40"  # ends before the test's own limit
        assert lab.call(["setup", "--no-login", lab.harbor.url]).status == 0
        call = lab.call("get", lab.name)
        assert call.status == 0, (call.errors, lab.person.pages, person.pages, lab.provider.requests)
        assert json.loads(call.output)["Username"] == HARBOR_NAME
        assert (person.windows, person.forms, lab.person.windows) == (1, 1, 1)
    assert lab.leftovers() == []
