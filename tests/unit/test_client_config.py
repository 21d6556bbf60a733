"""A client's credHelpers: our entry in its file, everything else as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.client_config import cred_helpers, docker, helm, podman
from docker_credential_harbor.errors import ClientConfigInvalid, NotWritable

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    path = tmp_path / ".docker" / "config.json"
    assert cred_helpers.add(path, "harbor.example.com") is True
    assert json.loads(path.read_text()) == {"credHelpers": {"harbor.example.com": "harbor"}}
    assert path.stat().st_mode & 0o777 == 0o600


def test_everything_else_is_kept_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    before = {
        "auths": {"z.example.com": {"auth": "YTpi"}, "a.example.com": {}},
        "credHelpers": {"gcr.io": "gcloud"},
        "psFormat": "Ünï\t{{.ID}}",
        "unknown": [1, 2.5, None],
    }
    path.write_text(json.dumps(before))
    path.chmod(0o640)
    assert cred_helpers.add(path, "h:8443") is True
    after = json.loads(path.read_text())
    assert after["credHelpers"] == {"gcr.io": "gcloud", "h:8443": "harbor"}
    assert {**after, "credHelpers": before["credHelpers"]} == before
    assert list(after) == list(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    cred_helpers.add(path, "h")
    written = path.stat()
    assert cred_helpers.add(path, "h") is False
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (written.st_mtime_ns, written.st_ino)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "docker.json"
    target.parent.mkdir()
    target.write_text("{}")
    path = tmp_path / "config.json"
    path.symlink_to(target)
    cred_helpers.add(path, "h")
    assert path.is_symlink()
    assert json.loads(target.read_text()) == {"credHelpers": {"h": "harbor"}}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{\n "a": 1,,\n}', ":2 cannot be used: it is not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"credHelpers": []}', "not a JSON object"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_broken_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ClientConfigInvalid, match=r"config\.json") as caught:
        cred_helpers.add(path, "h")
    assert reason in str(caught.value)
    assert path.read_bytes() == content


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("\n")
    assert cred_helpers.add(path, "h") is True


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritable):
        cred_helpers.add(tmp_path / "file" / "config.json", "h")


def test_docker_config_names_the_folder(tmp_path: Path) -> None:
    assert docker.config_file({"DOCKER_CONFIG": str(tmp_path)}) == tmp_path / "config.json"
    assert docker.config_file({}).parts[-2:] == (".docker", "config.json")


def test_where_each_client_has_its_file() -> None:
    """Their own documentation: docker's, containers-auth.json(5), `helm env` (HELM_REGISTRY_CONFIG)."""
    assert str(docker.IN_HOME) == ".docker/config.json"
    assert str(podman.IN_HOME) == ".config/containers/auth.json"
    assert str(helm.IN_HOME) == ".config/helm/registry/config.json"
