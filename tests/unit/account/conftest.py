"""A registry of which things are kept, in real notes and a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.model import Credentials, TokenSet

if TYPE_CHECKING:
    from pathlib import Path

NAME = "harbor.example.com"
ISSUER = "https://sso.example.com"
PAIR = Credentials("alice-h", "CliSecret1")
TOKENS = TokenSet(ISSUER, "s", "alice", ("docker-credential-harbor",), "a.b.c", 4e9, "r-1", 300.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    file = tmp_path / "config.toml"
    file.write_text(f'storage = "file"\ncache_ttl = 0\n[registries."{NAME}"]\n')
    monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(file))
    return tmp_path


@pytest.fixture
def context(home: Path) -> Context:  # noqa: ARG001 - where it is
    return open_context()
