"""What `doctor` prints, and its exit status; the checks themselves are use_cases/doctor_checks."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from docker_credential_harbor.model import PROGRAM, Registry
from docker_credential_harbor.use_cases import why_no_pair
from tests.unit.machine import put_on_path

if TYPE_CHECKING:
    from tests.unit.machine import Machine


@pytest.fixture
def healthy(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine.sign_in()
    put_on_path(machine.home, PROGRAM)
    machine.docker_config.write_text(json.dumps({"credHelpers": {machine.name: "harbor"}}))
    monkeypatch.setenv("BROWSER", "true")
    return machine


def test_all_is_well(healthy: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(["doctor"]) == 0
    first, *checks = capsys.readouterr().out.splitlines()
    assert first == f"{healthy.name}:"
    assert all(line.startswith("  ok    ") for line in checks)
    assert checks[-1] == "  ok    session: Harbor accepts the pair now"


def test_one_check_fails(healthy: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    healthy.docker_config.unlink()
    assert command_line.run(["doctor", healthy.name]) == 1
    lines = capsys.readouterr().out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("  FAIL  docker-config: ")]
    assert lines[at + 1] == f"        fix: run: {PROGRAM} setup {healthy.name}"


def test_for_programs(healthy: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["registry"], found["ok"], found["last_pull"]) == (healthy.name, True, None)
    assert found["checks"][-1] == {"name": "session", "ok": True, "message": "Harbor accepts the pair now", "fix": ""}


def test_one_line_for_each_registry(healthy: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    other = '[registries."127.0.0.1:1"]\nurl = "http://127.0.0.1:1"\n'
    healthy.configuration.write_text(healthy.configuration.read_text() + other)
    assert command_line.run(["doctor", "--json"]) == 1, "one of them fails"
    found = {each["registry"]: each["ok"] for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found == {"127.0.0.1:1": False, healthy.name: True}
    assert command_line.run(["doctor", healthy.name]) == 0


def test_why_the_last_pull_had_no_pair(healthy: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(healthy.name, healthy.harbor.url)
    why_no_pair.tell(registry, errors.SignInEnded(registry=healthy.name), "docker", time.time())
    told = why_no_pair.told(registry)
    command_line.run(["doctor"])
    assert capsys.readouterr().out.splitlines()[1] == f"  {told}"
    why_no_pair.tell(registry, errors.SignInEnded(registry=healthy.name), "docker", time.time())
    command_line.run(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["last_pull"] == told


def test_none_is_configured(machine: Machine) -> None:
    machine.configuration.write_text("")
    with pytest.raises(errors.NoRegistry):
        command_line.run(["doctor"])
