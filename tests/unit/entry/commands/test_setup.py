"""`setup`: which options go together, what REGISTRY may be, and whom each of its ways is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.entry import command_line
from docker_credential_harbor.model import PROGRAM
from tests.lab.certificates import Authority
from tests.unit.machine import NEVER, put_on_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.machine import Machine


@pytest.fixture(autouse=True)
def _before(machine: Machine) -> None:
    """Nothing is configured, and a pull asks nobody."""
    put_on_path(machine.home, PROGRAM)
    machine.configuration.write_text(f'storage = "file"\ncache_ttl = 0\nnegotiate = "never"\n{NEVER}\n')


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert command_line.run(["setup", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (["--admin", "--undo"], "--admin and --undo do not go together"),
            (["--admin", "--no-login", "--dry-run"], "--admin and --dry-run do not go together"),
            (["--credentials-store", "--system"], "--credentials-store and --system do not go together"),
            (["--undo", "--ca-file", "x"], "--undo and --ca-file do not go together"),
            (["--json"], "--json is of use with --admin only"),
            (["--yes"], "--yes is of use with --credentials-store only"),
        ],
    )
    def test_those_that_do_not_go_together(self, machine: Machine, options: list[str], reason: str) -> None:
        with pytest.raises(errors.WrongUsage) as raised:
            command_line.run(["setup", *options, machine.harbor.url])
        assert raised.value.message == reason
        assert machine.asked() == []

    @pytest.mark.parametrize(
        ("registry", "reason"),
        [
            ("http://h.example.com", "http:// is for loopback addresses only"),
            ("ftp://h", "it must be a host, host:port, or an https:// URL"),
            ("https://me:secret@h", "not acceptable"),
        ],
    )
    def test_what_registry_may_not_be(self, registry: str, reason: str) -> None:
        with pytest.raises(errors.UnacceptableServerUrl) as raised:
            command_line.run(["setup", registry])
        assert reason in str(raised.value)


class TestForYou:
    def test_entered_by_its_url(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        lines = run(capsys, machine.harbor.url)
        assert lines[0] == f"{machine.name}: Harbor, where people sign in at {machine.realm.issuer}"
        assert lines[-1] == f"Next: {PROGRAM} login {machine.name}"
        assert machine.registry().url == machine.harbor.url

    def test_without_a_request(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        run(capsys, "--no-login", "https://h.example.com/v2/")
        assert machine.context().registry("h.example.com").url == "https://h.example.com"
        assert machine.asked() == []

    def test_only_shown(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        before = machine.configuration.read_text()
        assert any(machine.name in line for line in run(capsys, "--dry-run", machine.harbor.url))
        assert machine.configuration.read_text() == before

    def test_and_taken_out(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        run(capsys, "--no-login", machine.harbor.url)
        run(capsys, "--undo", "--dry-run", machine.harbor.url)
        assert machine.registry()
        run(capsys, "--undo", machine.harbor.url)
        assert machine.name not in machine.configuration.read_text()

    def test_for_every_server(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        plain = {"auths": {"other.example.com": {"auth": "YWxpY2U6cw=="}}}
        machine.docker_config.write_text(json.dumps(plain))
        run(capsys, "--no-login", "--credentials-store", "--yes", machine.harbor.url)
        assert json.loads(machine.docker_config.read_text())["credsStore"] == "harbor"
        assert machine.context().store.load_stored("other.example.com")


class TestCaFile:
    def test_by_its_absolute_path(
        self, machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "authority"
        folder.mkdir()
        ca_file = Authority(folder).ca_file
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        run(capsys, "--no-login", "--ca-file", f"../authority/{ca_file.name}", machine.harbor.url)
        assert str(machine.registry().ca_file) == str(ca_file)

    def test_one_that_is_not_there(self, machine: Machine, tmp_path: Path) -> None:
        before = machine.configuration.read_text()
        with pytest.raises(errors.Failure):
            command_line.run(["setup", "--no-login", "--ca-file", str(tmp_path / "none.pem"), machine.harbor.url])
        assert machine.configuration.read_text() == before

    def test_one_that_holds_no_certificate(self, machine: Machine, tmp_path: Path) -> None:
        before = machine.configuration.read_text()
        (tmp_path / "odd.pem").write_text("nothing")
        with pytest.raises(errors.Failure):
            command_line.run(["setup", "--no-login", "--ca-file", str(tmp_path / "odd.pem"), machine.harbor.url])
        assert machine.configuration.read_text() == before, "nor would it work at the next pull"


class TestForTheAdministrator:
    def test_what_to_add(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        before = machine.configuration.read_text()
        lines = run(capsys, "--admin", machine.harbor.url)
        assert any(machine.name in line for line in lines)
        assert machine.configuration.read_text() == before
        assert not machine.docker_config.exists()

    def test_the_client_alone(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        client = json.loads("\n".join(run(capsys, "--admin", "--json", machine.harbor.url)))
        assert client["clientId"] == "docker-credential-harbor"


def test_for_every_user(
    machine: Machine, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docker_credential_harbor.config.registry_files.SKELETON", tmp_path / "skel")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    before = machine.configuration.read_text()
    run(capsys, "--system", "h.example.com")
    site = machine.home.folders["XDG_CONFIG_DIRS"] / PROGRAM / "config.toml"
    assert "h.example.com" in site.read_text()
    run(capsys, "--system", "--undo", "h.example.com")
    assert not site.exists()
    assert machine.configuration.read_text() == before
