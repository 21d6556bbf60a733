"""Where this user's files lie, and what is no place for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import pytest

from docker_credential_harbor.errors import NoHome
from docker_credential_harbor.system import folders

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the XDG variables, and the user database")


@pytest.mark.parametrize("kind", ["config", "data", "state"])
def test_by_their_variables(monkeypatch: pytest.MonkeyPatch, kind: Literal["config", "data", "state"]) -> None:
    monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", "/x")
    assert folders.user_folder(kind) == Path("/x/docker-credential-harbor")


@pytest.mark.parametrize("variable", ["relative", ""])
def test_a_relative_one_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", variable)
    assert folders.user_folder("state") == Path("/home/me/.local/state/docker-credential-harbor")


def test_for_all_users_the_most_important_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_DIRS", "/a:relative:/b")
    assert folders.site_config_folders() == [Path("/a/docker-credential-harbor"), Path("/b/docker-credential-harbor")]


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setenv("HOME", "/home/me")
    assert folders.home() == Path("/home/me")
    for none in ("", "relative"):
        monkeypatch.setenv("HOME", none)
        assert folders.home() == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user is a number alone."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    with pytest.raises(NoHome, match="XDG_CONFIG_HOME"):
        folders.home()
    with pytest.raises(NoHome, match="XDG_STATE_HOME"):
        folders.user_folder("state")
