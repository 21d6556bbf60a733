"""`rotate`: what is said once Harbor accepts the new secret; the rest is use_cases/rotate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line

if TYPE_CHECKING:
    from tests.unit.machine import Machine


@pytest.mark.parametrize("by_name", [True, False])
def test_whose_secret_is_new(machine: Machine, capsys: pytest.CaptureFixture[str], by_name: bool) -> None:
    before = machine.sign_in()
    assert command_line.run(["rotate", *([machine.name] if by_name else [])]) == 0
    output, told = capsys.readouterr()
    first, *others = output.splitlines()
    assert first == f"alice-h has a new CLI secret at {machine.name}, and Harbor accepts it."
    assert "The old one is worth nothing any more." in others[0]
    assert machine.pair != before
    assert machine.pair.secret not in output + told


def test_why_there_is_none(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.configure(client_id="")
    with pytest.raises(errors.NoSignInToRotate):
        command_line.run(["rotate"])
    assert capsys.readouterr().out == ""
    with pytest.raises(errors.UnknownRegistry):
        command_line.run(["rotate", "h.example.com"])
