"""Whether the clients on this machine ask this helper: real files, and programs on PATH that are the test's own."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.config.clients import native_store
from docker_credential_harbor.errors import ClientConfigInvalid, ClientConfigUnread
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.use_cases import client_checks
from tests.unit.machine import put_on_path, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docker_credential_harbor.use_cases.client_checks import Check
    from tests.lab.sealed_home import Home

NAME = "h.example.com"
FIX = f"run: docker-credential-harbor setup {NAME}"
OURS = {"credHelpers": {NAME: "harbor"}}
FOR_ALL = {"credsStore": "harbor"}
PLAIN = {"auths": {NAME: {"auth": base64.b64encode(b"alice:s").decode()}}}
OTHERS_PLAIN = {"auths": {"other.example.com": {"auth": base64.b64encode(b"alice:s").decode()}}}


@pytest.fixture(autouse=True)
def _sealed(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    seal(home, monkeypatch)
    native_store.hindrance_to_reading.cache_clear()
    yield
    native_store.hindrance_to_reading.cache_clear()


def docker_file(home: Home) -> Path:
    return home.docker_config / "config.json"


def podman_file(home: Home) -> Path:
    return home.folders["XDG_RUNTIME_DIR"] / "containers" / "auth.json"


def helm_file(home: Home) -> Path:
    return home.folders["XDG_CONFIG_HOME"] / "helm" / "registry" / "config.json"


def written(path: Path, *parts: Mapping[str, object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({name: value for part in parts for name, value in part.items()}))
    return path


class TestHelperOnPath:
    def test_it_is(self, home: Home) -> None:
        path = put_on_path(home, PROGRAM)
        put_on_path(home, "docker")
        assert client_checks.helper_on_path() == ("helper", True, f"on PATH as {path}", "")

    def test_it_is_not(self) -> None:
        found = client_checks.helper_on_path()
        assert (found.ok, found.fix) == (False, f"put {PROGRAM} into a folder on PATH, under that name")

    def test_a_docker_that_can_run_no_program_from_outside(self, home: Home, tmp_path: Path) -> None:
        put_on_path(home, PROGRAM)
        snap = tmp_path / "snap" / "bin" / "docker"
        snap.parent.mkdir(parents=True)
        put_on_path(home, "docker").rename(snap)
        (home.path / "bin" / "docker").symlink_to(snap)
        found = client_checks.helper_on_path()
        assert not found.ok
        assert "is a snap" in found.message


class TestDockersFile:
    @pytest.mark.parametrize("content", [OURS, FOR_ALL], ids=["for this one", "for all"])
    def test_it_names_this_helper(self, home: Home, content: Mapping[str, object]) -> None:
        path = written(docker_file(home), content)
        found = client_checks.docker_config(NAME)
        assert found == ("docker-config", True, f"{path} names this helper for {NAME}", "")

    @pytest.mark.parametrize(
        ("parts", "named"),
        [
            ([], "no helper"),
            ([{"credsStore": "pass"}], "'pass', not this helper,"),
            ([FOR_ALL, {"credHelpers": {NAME: "pass"}}], "'pass', not this helper,"),
            ([FOR_ALL, {"credHelpers": {NAME: ""}}], "no helper"),
        ],
    )
    def test_it_names_another_or_none(self, home: Home, parts: list[Mapping[str, object]], named: str) -> None:
        path = written(docker_file(home), *parts)
        found = client_checks.docker_config(NAME)
        assert found == ("docker-config", False, f"{path} names {named} for {NAME}", FIX)

    def test_there_is_none(self) -> None:
        assert not client_checks.docker_config(NAME).ok

    def test_a_pair_in_plain_text_that_docker_takes(self, home: Home) -> None:
        written(docker_file(home), PLAIN)
        found = client_checks.docker_config(NAME)
        assert not found.ok
        assert found.message.endswith("and holds a pair in plain text, which Docker takes")

    def test_one_that_it_does_not_take_any_more(self, home: Home) -> None:
        written(docker_file(home), OURS, PLAIN)
        found = client_checks.docker_config(NAME)
        assert (found.ok, found.fix) == (True, "")
        assert f"a pair in plain text still lies there (docker logout {NAME} takes it out" in found.message

    def test_an_auth_that_cannot_be_read(self, home: Home) -> None:
        written(docker_file(home), OURS, {"auths": {"other.example.com": {"auth": "!"}}})
        found = client_checks.docker_config(NAME)
        assert found.ok
        assert "docker warns at every command that the auth of other.example.com there" in found.message

    def test_what_goes_before_any_helper(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        written(docker_file(home), OURS)
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(OTHERS_PLAIN))
        assert client_checks.docker_config(NAME).ok
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(PLAIN))
        found = client_checks.docker_config(NAME)
        assert (found.ok, found.fix) == (False, "run: unset DOCKER_AUTH_CONFIG")

    def test_one_that_is_broken(self, home: Home) -> None:
        docker_file(home).write_text("{")
        with pytest.raises(ClientConfigInvalid):
            client_checks.docker_config(NAME)

    def test_one_that_setup_would_refuse(self, home: Home) -> None:
        written(docker_file(home), {"credHelpers": ["pass"]})
        with pytest.raises(ClientConfigInvalid):
            client_checks.docker_config(NAME)

    def test_one_of_an_encoding_that_setup_can_mend(self, home: Home) -> None:
        docker_file(home).write_bytes(json.dumps(OURS).encode("utf-16"))
        with pytest.raises(ClientConfigUnread) as raised:
            client_checks.docker_config(NAME)
        assert raised.value.remedy == f"{FIX}, which writes it anew"


class TestOtherClients:
    def test_nothing_is_there(self) -> None:
        assert client_checks.other_clients(NAME) is None

    @pytest.mark.parametrize("file", [podman_file, helm_file])
    def test_a_file_of_theirs(self, home: Home, file: Callable[[Home], Path]) -> None:
        path = written(file(home), OTHERS_PLAIN)
        assert client_checks.other_clients(NAME) == (
            "other-clients",
            True,
            "podman and Helm find nothing that goes before this helper",
            "",
        )
        written(path, PLAIN)
        found = client_checks.other_clients(NAME)
        message = f"{path} holds a pair for {NAME} in plain text, which goes before this helper"
        assert found == ("other-clients", False, message, FIX)
        written(path, PLAIN, OURS)
        assert is_ok(client_checks.other_clients(NAME)), "a helper goes before a pair"

    def test_text_behind_the_end_is_no_matter_but_to_podman(self, home: Home) -> None:
        helm_file(home).parent.mkdir(parents=True)
        helm_file(home).write_text("{} x")
        assert is_ok(client_checks.other_clients(NAME))
        podman_file(home).parent.mkdir(parents=True)
        podman_file(home).write_text("{} x")
        with pytest.raises(ClientConfigInvalid):
            client_checks.other_clients(NAME)

    def test_podman_knows_nothing_of_a_helper_for_every_server(self, home: Home) -> None:
        written(docker_file(home), FOR_ALL)
        assert client_checks.other_clients(NAME) is None, "there is none"
        put_on_path(home, "skopeo")
        found = client_checks.other_clients(NAME)
        assert is_ok(found), "no reason why Docker's pulls fail"
        assert found
        assert f"do not ask this helper for {NAME}" in found.message
        written(docker_file(home), FOR_ALL, OURS)
        assert client_checks.other_clients(NAME) is None

    def test_one_that_is_named_in_podmans_own_file(self, home: Home) -> None:
        put_on_path(home, "podman")
        written(docker_file(home), FOR_ALL)
        written(podman_file(home), OURS)
        found = client_checks.other_clients(NAME)
        assert found
        assert "do not ask" not in found.message

    def test_a_broken_file_of_dockers_is_told_of_elsewhere(self, home: Home) -> None:
        put_on_path(home, "podman")
        docker_file(home).write_text("{")
        assert client_checks.other_clients(NAME) is None

    def test_helm_fails_at_the_systems_own_store(self, home: Home) -> None:
        put_on_path(home, "helm")
        put_on_path(home, "docker-credential-secretservice", "echo it is locked; exit 1")
        found = client_checks.other_clients(NAME)
        message = "Helm asks docker-credential-secretservice before this helper, and fails: it is locked"
        assert found == ("other-clients", False, message, FIX)
        for said in (OTHERS_PLAIN, OURS):
            written(helm_file(home), said)
            assert is_ok(client_checks.other_clients(NAME)), "then it does not look for the store"

    def test_helm_and_one_that_works(self, home: Home) -> None:
        put_on_path(home, "helm")
        put_on_path(home, "docker-credential-secretservice", "echo credentials not found in native keychain; exit 1")
        assert client_checks.other_clients(NAME) is None


def is_ok(found: Check | None) -> bool:
    return found is not None and found.ok
