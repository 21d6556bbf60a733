"""`logout`: what is said, and what `--everywhere` adds; the sign-out itself is use_cases/logout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from tests.unit.machine import ROBOT

if TYPE_CHECKING:
    from tests.unit.machine import Machine


def test_somebody_was_there(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    secret = machine.sign_in().secret
    assert command_line.run(["logout", f"http://{machine.name}"]) == 0
    assert capsys.readouterr().out == f"Signed out of {machine.name}.\n"
    assert machine.kept_sign_in() is None
    assert machine.pair.secret == secret, "other machines go on with it"


def test_nobody_was(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(["logout"]) == 0
    assert capsys.readouterr().out == f"Nobody was signed in at {machine.name}.\n"


def test_everywhere(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    secret = machine.sign_in().secret
    assert command_line.run(["logout", "--everywhere"]) == 0
    replaced = f"The CLI secret at {machine.name} was replaced by one that nobody keeps."
    assert capsys.readouterr().out == f"{replaced}\nSigned out of {machine.name}.\n"
    assert machine.pair.secret != secret


def test_everywhere_where_it_cannot_be_replaced(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.keep_stored(ROBOT)
    assert command_line.run(["logout", "--everywhere"]) == 1, "that was asked for"
    output, told = capsys.readouterr()
    assert f"the CLI secret at {machine.name} was not replaced: " in told
    assert output == f"Signed out of {machine.name}.\n", "here it goes on"
    assert machine.context().store.list() == {}


def test_which_registry(machine: Machine) -> None:
    machine.configuration.write_text("")
    with pytest.raises(errors.NoRegistry):
        command_line.run(["logout"])
