"""Which files `setup` changes, and how a registry comes into them and out; docker and helm themselves are in flows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config import file_change, registry_files
from docker_credential_harbor.errors import Busy, SystemSetupElsewhere, SystemSetupNeedsRoot
from docker_credential_harbor.model import Registry
from docker_credential_harbor.system import folders, lock

if TYPE_CHECKING:
    from pathlib import Path

NAME = "h.example.com"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With no client's program on PATH."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for variable in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", raising=False)
    return tmp_path


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    return path


def found(*, undo: bool = False) -> registry_files.Files:
    return registry_files.of_this_user(undo=undo)


def test_dockers_file_is_made_and_others_are_changed_where_they_are(home: Path) -> None:
    docker = home / ".docker" / "config.json"
    assert found().clients == [docker]
    podman = made(home / ".config" / "containers" / "auth.json")
    helm = made(home / ".config" / "helm" / "registry" / "config.json")
    assert found().clients == [docker, podman, helm]
    assert found(undo=True).clients == [podman, helm], "nothing is to be taken out of a file that is not there"


def test_a_file_of_two_names_is_changed_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = made(home / ".docker" / "config.json")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(docker))
    link = home / ".config" / "helm" / "registry" / "config.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(docker)
    assert found().clients == [docker]


def test_in_ours_first_and_out_ours_last(home: Path) -> None:
    ours, docker = found().ours, home / ".docker" / "config.json"
    changes = registry_files.entered(found(), NAME, {})
    assert [each.path for each in changes] == [ours, docker]
    file_change.carry_out(changes)
    assert found().settings.registries == {NAME: Registry(NAME, f"https://{NAME}")}
    assert all(each.is_none for each in registry_files.entered(found(), NAME, {}))
    out = registry_files.taken_out(found(undo=True), NAME)
    assert [each.path for each in out] == [docker, ours]
    file_change.carry_out(out, may_go=[docker, ours])
    assert found().settings.registries == {}
    assert not docker.exists()


def test_it_is_entered_where_it_is_as_it_is_to_be() -> None:
    given = {"url": "https://h.example.com/harbor"}
    assert not registry_files.is_entered(found(), NAME, {})
    file_change.carry_out(registry_files.entered(found(), NAME, given))
    assert registry_files.is_entered(found(), NAME, given)
    assert registry_files.is_entered(found(), NAME, {}), "what is not given stays as it is"
    assert not registry_files.is_entered(found(), NAME, {"url": "https://h.example.com"})


def test_with_the_last_registry_docker_asks_this_helper_for_no_server_any_more() -> None:
    for name in (NAME, "other.example.com"):
        file_change.carry_out(registry_files.entered(found(), name, {}, for_every_server=True))
    for name, is_left in (("other.example.com", True), (NAME, False)):
        assert registry_files.is_for_every_server(found())
        file_change.carry_out(registry_files.taken_out(found(undo=True), name))
        assert registry_files.is_for_every_server(found()) is is_left


def test_one_setup_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_files, "LOCK_SECONDS", 0)
    with lock.hold(folders.user_folder("state") / "setup.lock", 0) as held:
        assert held
        with pytest.raises(Busy), registry_files.setup_lock(NAME):
            pytest.fail("another one has it")
    with registry_files.setup_lock(NAME):
        pass


def test_what_a_killed_setup_left_goes(home: Path) -> None:
    docker = made(home / ".docker" / "config.json")
    left = docker.with_name(".config.json.1-abc.tmp")
    left.write_text("SECRET")
    with registry_files.setup_lock(NAME):
        assert not left.exists()


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_for_all_users_elsewhere(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(SystemSetupElsewhere):
        registry_files.of_the_system()


def test_for_all_users_by_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SystemSetupNeedsRoot):
        registry_files.of_the_system()
