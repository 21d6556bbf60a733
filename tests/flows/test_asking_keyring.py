"""A keyring that asks for each entry: where nobody is there no dialog comes up, and what is remembered needs none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.conftest import NOT_FOUND
from tests.lab import secret_service
from tests.lab.pace import paced
from tests.lab.processes import end, wait_for_start
from tests.lab.said import failure_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.sealed_home import Helper
    from tests.lab.workplace import Workplace

SERVER = "harbor.example.com"
ROBOT = json.dumps({"ServerURL": SERVER, "Username": "robot$ci", "Secret": "Robot-Secret-1"})


class Keyring:
    def __init__(self, folder: Path, environment: dict[str, str], *answer_seconds: str) -> None:
        self._log = folder / "asking-keyring.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.lab.asking_keyring", *answer_seconds],
                env={**os.environ, **environment},
                stdout=log,
            )
        wait_for_start(self._process, lambda: b"ready" in self._log.read_bytes(), self._log)

    @property
    def dialogs(self) -> int:
        return self._log.read_text().count("a dialog")

    def close(self) -> None:
        end(self._process)


@pytest.fixture
def keyring(helper: Helper, tmp_path: Path) -> Iterator[Keyring]:
    need("a session bus", "apt-get install gnome-keyring dbus", not secret_service.missing())
    with secret_service.SecretService.start(tmp_path / "bus", unlocked=False) as bus:
        helper.home.environment.update(bus.environment)
        service = Keyring(tmp_path, bus.environment)
        yield service
        service.close()


@pytest.mark.parametrize("storage", ["auto", "keyring"])
def test_nobody_there_no_dialog(helper: Helper, keyring: Keyring, storage: str) -> None:
    helper.configure(f'storage = "{storage}"\ntimeout = 45\n[registries."{SERVER}"]\n')
    stored = helper.run("store", ROBOT)
    assert (stored.returncode, stored.stdout) == (0, ""), stored.stderr
    answer = helper.get(SERVER, {"CI": "1"})
    assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
    assert "its entry is locked until somebody allows this program to use it" in failure_in(answer.stderr)
    assert helper.run("erase", SERVER, {"CI": "1"}).returncode == 1
    helper.run(["keepalive"], env={"CI": "1"})
    assert keyring.dialogs == 0


def test_with_somebody_there_they_are_asked(helper: Helper, keyring: Keyring) -> None:
    helper.configure(f'timeout = {paced(3)}\n[registries."{SERVER}"]\n')
    assert helper.run("store", ROBOT).returncode == 0
    answer = helper.get(SERVER, {"BROWSER": "true"})
    assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
    assert "no answer within" in failure_in(answer.stderr)
    assert keyring.dialogs == 1


def test_a_slow_answer_costs_no_sign_in(workplace: Workplace, tmp_path: Path) -> None:
    """Who signed in just now is given a person's time for the dialog, and not a pull's."""
    need("a session bus", "apt-get install gnome-keyring dbus", not secret_service.missing())
    workplace.configure(top=f"timeout = {paced(4)}")
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "keyring"
    with secret_service.SecretService.start(tmp_path / "bus", unlocked=False) as bus:
        workplace.helper.home.environment.update(bus.environment)
        service = Keyring(tmp_path, bus.environment, "6")
        try:
            assert workplace.pair()[0] == "alice-h"
            assert service.dialogs > 0
        finally:
            service.close()
    assert workplace.person.windows == 1
