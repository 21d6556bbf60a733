"""`login`: which way the person asked for, and the lines that come of it; the sign-in itself is use_cases/login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from docker_credential_harbor.sign_in import window

if TYPE_CHECKING:
    from tests.unit.machine import Machine


def test_the_lines_are_printed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.configure(client_id="")
    machine.walk()
    machine.typed = [*machine.pair]
    assert command_line.run(["login"]) == 0
    expected = f"Signed in at {machine.name} as alice-h: Harbor accepts the CLI secret.\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("option", "told"), [("--browser", "opening Harbor's page"), ("--device", "in a browser on any device: ")]
)
def test_what_is_asked_for_goes_before_what_is_configured(
    machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str, told: str
) -> None:
    machine.configure('login = "never"', client_id="")
    monkeypatch.setenv("BROWSER", machine.person.browser_command)
    machine.walk()
    machine.typed = [*machine.pair]
    assert command_line.run(["login", option]) == 0
    assert told in capsys.readouterr().err


def test_not_both(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.run(["login", "--browser", "--device", machine.name])
    assert ended.value.code == errors.EXIT_USAGE
    assert "[wrong-usage]" in capsys.readouterr().err


def test_which_registry(machine: Machine) -> None:
    with pytest.raises(errors.UnknownRegistry):
        command_line.run(["login", "h.example.com"])
    machine.configuration.write_text(machine.configuration.read_text() + '[registries."h.example.com"]\n')
    with pytest.raises(errors.SeveralRegistries):
        command_line.run(["login"])


@pytest.mark.parametrize(("arguments", "choice"), [([], None), (["--browser"], "browser"), (["--device"], "device")])
def test_the_worker_is_told_the_same(arguments: list[str], choice: str | None) -> None:
    asked_by = " ".join(["login", *arguments])
    assert window.login_choice(asked_by) == choice
