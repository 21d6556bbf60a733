"""The files that podman, skopeo and buildah look into before Docker's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import podman

if TYPE_CHECKING:
    import pytest


def test_podmans_files_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    found = podman.config_files({"XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c"})
    assert found == [Path("/r/containers/auth.json"), Path("/c/containers/auth.json")]
    monkeypatch.setenv("HOME", "/home/me")
    assert podman.config_files({"REGISTRY_AUTH_FILE": ""}) == [Path("/home/me/.config/containers/auth.json")]


def test_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert podman.config_files({}) == [tmp_path / podman.IN_HOME]
    in_runtime = [Path("/r/containers/auth.json"), tmp_path / podman.IN_HOME]
    assert podman.config_files({"XDG_RUNTIME_DIR": "/r"}) == in_runtime
    assert podman.config_files({"REGISTRY_AUTH_FILE": "/a.json", "XDG_RUNTIME_DIR": "/r"}) == [Path("/a.json")]


def test_where_podman_has_its_file() -> None:
    """containers-auth.json(5)."""
    assert str(podman.IN_HOME) == ".config/containers/auth.json"
