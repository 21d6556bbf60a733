"""Docker's own file, and DOCKER_AUTH_CONFIG, which goes before any helper."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.config.clients import docker
from tests.unit.config.clients.test_docker_reads import in_auth

if TYPE_CHECKING:
    from pathlib import Path

ME = in_auth("me:s1")


@pytest.mark.parametrize(
    ("content", "served"),
    [
        ({"h": {"auth": ME}}, True),
        ({"i": {"auth": ME}}, False),
        ({"h": {}}, False),
        ({"h": {"auth": "!"}}, False),
        ({"h": {"auth": ME}, "i": {"auth": "!"}}, False),
    ],
)
def test_docker_auth_config(content: dict[str, Any], served: bool) -> None:
    environment = {"DOCKER_AUTH_CONFIG": json.dumps({"auths": content})}
    assert docker.is_served_by_environment("h", environment) is served


@pytest.mark.parametrize("environment", [{}, {"DOCKER_AUTH_CONFIG": ""}, {"DOCKER_AUTH_CONFIG": "{"}])
def test_no_docker_auth_config(environment: dict[str, str]) -> None:
    assert docker.is_served_by_environment("h", environment) is False


def test_docker_config_names_the_folder(tmp_path: Path) -> None:
    assert docker.config_file({"DOCKER_CONFIG": str(tmp_path)}) == tmp_path / "config.json"
    assert docker.config_file({}).parts[-2:] == (".docker", "config.json")


def test_where_docker_has_its_file() -> None:
    """Its own documentation."""
    assert str(docker.IN_HOME) == ".docker/config.json"
