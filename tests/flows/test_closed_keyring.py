"""A warm `get` where the kernel's keyring is closed: the pair is remembered in a file in memory."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab.terminal import Terminal
from tests.packaging.built import REPOSITORY

if TYPE_CHECKING:
    from tests.lab.workplace import Workplace

LAUNCHER = f"""#!/bin/sh
cd '{REPOSITORY}' && exec '{sys.executable}' -m tests.lab.closed_keyring '%s' "$@"
"""


@pytest.fixture
def closed(workplace: Workplace, tmp_path: Path) -> Workplace:
    launcher = tmp_path / "launcher"
    launcher.write_text(LAUNCHER % workplace.helper.program)
    launcher.chmod(0o755)
    workplace.helper.program = str(launcher)
    return workplace


def remembered(workplace: Workplace) -> list[Path]:
    folder = Path(f"/dev/shm/docker-credential-harbor-{os.geteuid()}")
    return [path for path in folder.glob("*:remembered:*") if path.name.endswith(workplace.name)]


def test_remembered_in_memory_and_forgotten(closed: Workplace) -> None:
    pair = closed.pair()
    [file] = remembered(closed)
    assert pair[1].encode() in file.read_bytes()
    closed.asked()
    # Nothing but what a warm get reads is left: the long way would have to look into the store.
    data = Path(closed.helper.home.environment["XDG_DATA_HOME"])
    data.rename(data.with_name("aside"))
    assert closed.pair() == pair
    assert closed.asked() == []
    data.with_name("aside").rename(data)
    assert closed.helper.run("erase", closed.name).returncode == 0
    assert remembered(closed) == []


@pytest.mark.parametrize("storage", ["auto", "kernel"])
def test_a_secret_that_is_pasted_goes_into_a_file_and_the_person_is_told(closed: Workplace, storage: str) -> None:
    """A stored pair is not what `kernel` is for: a reboot would take it away for good."""
    closed.configure(client_id="")
    closed.person.open(f"{closed.harbor.url}/c/oidc/login")
    environment = {**closed.helper.home.environment, "DOCKER_CREDENTIAL_HARBOR_STORAGE": storage}
    with Terminal([closed.helper.program, "login"], environment) as terminal:
        terminal.wait_for("Harbor user name: ")
        terminal.enter("alice-h\n")
        terminal.wait_for("does not show): ")
        terminal.enter(closed.harbor.users["alice-h"].secret + "\n")
        assert terminal.wait() == 0, terminal.text
    assert ("the sign-in is kept in a file that only this user can read" in terminal.text) is (storage == "auto")
    assert closed.files_with(closed.harbor.users["alice-h"].secret) == ["secrets.json"]


def test_a_changed_configuration_is_not_overlooked(closed: Workplace) -> None:
    pair = closed.pair()
    closed.learn_life()
    closed.asked()
    closed.configure(top="timeout = 9")
    assert closed.pair() == pair
    assert closed.asked() == ["/service/token"]
