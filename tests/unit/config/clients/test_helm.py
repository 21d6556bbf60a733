"""The file that Helm looks into before Docker's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from docker_credential_harbor.config.clients import helm


def test_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert helm.config_file({}) == tmp_path / helm.IN_HOME
    assert helm.config_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/helm/registry/config.json")
    assert helm.config_file({"HELM_CONFIG_HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == Path("/h/registry/config.json")
    assert helm.config_file({"HELM_REGISTRY_CONFIG": "/f.json", "HELM_CONFIG_HOME": "/h"}) == Path("/f.json")


@pytest.mark.parametrize(("system", "folder"), [("darwin", "Library/Preferences"), ("win32", "AppData/Roaming")])
def test_helms_folder_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, folder: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    assert helm.config_file({}) == tmp_path / folder / "helm" / "registry" / "config.json"


def test_where_helm_has_its_file() -> None:
    """`helm env` (HELM_REGISTRY_CONFIG)."""
    assert str(helm.IN_HOME) == ".config/helm/registry/config.json"
