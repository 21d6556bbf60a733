"""`setup --undo`: signed out, out of all files, and what is left said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.config import registry_files
from docker_credential_harbor.model import PROGRAM, Pin, StoredPair
from docker_credential_harbor.system.scheduler import NAME, systemd
from docker_credential_harbor.use_cases import enter_registry, take_out_registry
from docker_credential_harbor.use_cases.enter_registry import Wish
from tests.unit.machine import NEVER, ROBOT, put_on_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.machine import Machine

OTHER = "other.example.com"


def enter(machine: Machine, name: str | None = None, **wish: Any) -> None:
    given = {} if name else {"url": machine.harbor.url}
    list(enter_registry.for_this_user(Wish(name or machine.name, given, signs_in=False, **wish)))


def take_out(machine: Machine, *, only_shown: bool = False) -> list[str]:
    return list(take_out_registry.for_this_user(machine.name, only_shown=only_shown))


@pytest.fixture(autouse=True)
def _entered(machine: Machine) -> None:
    put_on_path(machine.home, PROGRAM)
    machine.configuration.write_text(f'storage = "file"\ncache_ttl = 0\nnegotiate = "never"\n{NEVER}\n')
    enter(machine)


class TestForThisUser:
    def test_nothing_happens_where_it_is_only_shown(self, machine: Machine) -> None:
        machine.sign_in()
        before = machine.configuration.read_text(), machine.docker_config.read_text()
        lines = take_out(machine, only_shown=True)
        assert any(machine.name in line for line in lines)
        assert (machine.configuration.read_text(), machine.docker_config.read_text()) == before
        assert machine.kept_sign_in()

    def test_signed_out_and_out_of_all_files(self, machine: Machine) -> None:
        machine.sign_in()
        machine.note(pin=Pin(machine.realm.issuer, "harbor", ""))
        first, *_ = take_out(machine)
        assert first == f"signed out of {machine.name}"
        assert machine.kept_sign_in() is None
        assert machine.name not in machine.configuration.read_text()
        assert NEVER in machine.configuration.read_text(), "what else stands there stays"
        assert not machine.docker_config.exists(), "setup has made it"
        assert machine.notes().pin is None, "the next sign-in is as the first one was"

    def test_nobody_was_signed_in(self, machine: Machine) -> None:
        assert not any("signed out" in line for line in take_out(machine))

    def test_a_file_that_was_there_stays(self, machine: Machine) -> None:
        take_out(machine)
        machine.docker_config.write_text("{}")
        enter(machine)
        take_out(machine)
        assert json.loads(machine.docker_config.read_text()) == {}

    def test_one_that_was_never_entered(self, machine: Machine) -> None:
        take_out(machine)
        machine.harbor.clear_requests()
        take_out(machine)
        assert machine.asked() == []

    def test_keepalive_ends_with_the_last_registry(self, machine: Machine) -> None:
        timer = machine.home.folders["XDG_CONFIG_HOME"] / "systemd" / "user" / f"{NAME}.timer"
        timer.parent.mkdir(parents=True)
        timer.write_text(systemd.timer_text(600))
        enter(machine, OTHER)
        assert "keepalive runs by itself no more" not in take_out(machine)
        assert timer.exists()
        assert "keepalive runs by itself no more" in list(take_out_registry.for_this_user(OTHER, only_shown=False))
        assert not timer.exists()

    def test_what_docker_does_not_find_any_more(self, machine: Machine) -> None:
        enter(machine, every_server=True)
        machine.context().store.save_stored(OTHER, StoredPair(ROBOT))
        left = f"kept in the credential store, but docker does not look there any more: {OTHER}"
        enter(machine, "second.example.com")
        assert left not in take_out(machine), "it looks there as long as a registry is left"
        assert left in list(take_out_registry.for_this_user("second.example.com", only_shown=False))
        assert machine.context().store.load_stored(OTHER)

    def test_another_setup_is_at_it(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_files, "LOCK_SECONDS", 0)
        before = machine.configuration.read_text()
        with registry_files.setup_lock(machine.name), pytest.raises(errors.Busy):
            take_out(machine)
        assert machine.configuration.read_text() == before

    def test_nothing_where_a_clients_file_is_broken(self, machine: Machine) -> None:
        machine.sign_in()
        machine.docker_config.write_text("{")
        with pytest.raises(errors.ClientConfigInvalid):
            take_out(machine)
        assert machine.kept_sign_in(), "not even a sign-out"


class TestForEverybody:
    def test_out_again(self, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_files, "SKELETON", tmp_path / "skel")
        monkeypatch.setattr("os.geteuid", lambda: 0)
        list(enter_registry.for_everybody(Wish(OTHER, {})))
        site = machine.home.folders["XDG_CONFIG_DIRS"] / PROGRAM / "config.toml"
        shown = list(take_out_registry.for_everybody(OTHER, only_shown=True))
        assert any(OTHER in line for line in shown)
        assert OTHER in site.read_text()
        list(take_out_registry.for_everybody(OTHER, only_shown=False))
        assert [path for path in (site, *(tmp_path / "skel").rglob("*")) if path.is_file()] == []
        assert machine.name in machine.configuration.read_text(), "root's own is let be"
