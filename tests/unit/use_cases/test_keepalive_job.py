"""What a scheduler is given to run: this program as it was called, under what its configuration depends on."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.use_cases import keepalive_job

if TYPE_CHECKING:
    import pytest


class TestOwnCommand:
    def test_as_it_was_called(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = tmp_path / "docker-credential-harbor"
        program.symlink_to(sys.executable)
        monkeypatch.setattr(sys, "argv", [str(program), "keepalive"])
        assert keepalive_job.own_command() == (str(program), "keepalive")

    def test_as_a_module(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(sys, "argv", ["/site-packages/docker_credential_harbor/__main__.py", "keepalive"])
        beside = Path(sys.executable).with_name("docker-credential-harbor")
        assert keepalive_job.own_command() == (str(beside), "keepalive")
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        assert shlex.join(keepalive_job.own_command()).endswith("/python -m docker_credential_harbor keepalive")

    def test_frozen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "frozen", True, raising=False)
        monkeypatch.setattr(sys, "executable", "/opt/docker-credential-harbor/docker-credential-harbor")
        assert keepalive_job.own_command() == ("/opt/docker-credential-harbor/docker-credential-harbor", "keepalive")


class TestEnvironment:
    def test_what_counts_comes_along_and_no_password_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (*keepalive_job.NETWORK_VARIABLES, "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
        monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_TIMEOUT", "5")
        monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", "mine.toml")
        monkeypatch.setenv("https_proxy", "http://proxy:3128")
        monkeypatch.setenv("http_proxy", "http://me:secret@proxy:3128")
        monkeypatch.setenv("EDITOR", "vi")
        given, without = keepalive_job.environment_to_carry()
        assert given["XDG_CONFIG_HOME"] == "/c"
        assert given["DOCKER_CREDENTIAL_HARBOR_TIMEOUT"] == "5"
        assert given["DOCKER_CREDENTIAL_HARBOR_CONFIG"] == str(Path("mine.toml").absolute())
        assert given["https_proxy"] == "http://proxy:3128"
        assert not {"http_proxy", "EDITOR", "HOME"} & given.keys()
        assert "XDG_DATA_HOME" in without
        assert not {"HOME", "XDG_CONFIG_HOME", *keepalive_job.NETWORK_VARIABLES} & set(without)
