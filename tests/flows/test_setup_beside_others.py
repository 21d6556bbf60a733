"""`docker login` and `docker logout` while `setup` is at work: Docker takes no lock, and nothing of theirs is lost.

`setup` is held up between reading Docker's file and writing it: it keeps a pair of the registry's own for that, under
the registry's lock, which the test has.
"""

from __future__ import annotations

import base64
import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.storage import registry_lock
from tests.flows.unconfigured import ours, unconfigured
from tests.lab.other_registry import IN_PLAIN_TEXT, SECRET, USERNAME, other_registry
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.lab.docker import DockerEngine
    from tests.lab.workplace import Workplace

HERS = base64.b64encode(b"you:another-secret").decode()


@pytest.fixture
def place(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A pair of the registry's, and one of another, lie in Docker's file."""
    monkeypatch.setenv("XDG_STATE_HOME", str(workplace.helper.home.folders["XDG_STATE_HOME"]))
    unconfigured(workplace)
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = "300"
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_TIMEOUT"] = "300"
    auths = {workplace.name: {"auth": HERS}, "quay.example.com": {"auth": HERS}}
    (workplace.helper.home.docker_config / "config.json").write_text(json.dumps({"auths": auths}))
    return workplace


@contextmanager
def held_up(place: Workplace) -> Iterator[subprocess.Popen[bytes]]:
    """`setup`, which has read Docker's file and not written it yet."""
    with registry_lock.held(place.name, 60):
        setup = place.helper.start(["setup", "--no-login", "--credentials-store", "--yes", place.harbor.url])
        wait_until(lambda: place.name in ours(place), "setup to write its own file, which it does first", 120)
        yield setup


def stored(place: Workplace, server: str) -> tuple[str, str] | None:
    answer = place.helper.get(server)
    if answer.returncode:
        return None
    pair = json.loads(answer.stdout)
    return pair["Username"], pair["Secret"]


def test_a_login_between_reading_and_writing(place: Workplace, docker_engine: DockerEngine) -> None:
    home = place.helper.home
    with other_registry() as other:
        with held_up(place) as setup:
            done = docker_engine.run("login", "-u", USERNAME, "-p", SECRET, other, env=home.environment)
            assert done.returncode == 0, done.stderr
            assert IN_PLAIN_TEXT in (home.docker_config / "config.json").read_text()
        out, errors = setup.communicate(timeout=120)
        assert setup.returncode == 0, errors
    assert other.encode() in out, "it is among those that were moved"
    document = json.loads((home.docker_config / "config.json").read_text())
    assert document["auths"] == {place.name: {}, "quay.example.com": {}, other: {}}
    assert stored(place, other) == (USERNAME, SECRET)
    assert stored(place, "quay.example.com") == ("you", "another-secret")


def test_a_logout_between_reading_and_writing(place: Workplace, docker_engine: DockerEngine) -> None:
    home = place.helper.home
    with held_up(place) as setup:
        done = docker_engine.run("logout", "quay.example.com", env=home.environment)
        assert done.returncode == 0, done.stderr
    _, errors = setup.communicate(timeout=120)
    assert setup.returncode == 0, errors
    document = json.loads((home.docker_config / "config.json").read_text())
    assert document["auths"] == {place.name: {}}
    assert stored(place, "quay.example.com") is None


def test_a_kill_between_the_files(place: Workplace) -> None:
    """What it had made by then is known to be its own."""
    with held_up(place) as setup:
        setup.kill()
        setup.communicate(timeout=120)
    assert ours(place)
    for command in (["setup", "--no-login", place.harbor.url], ["setup", "--undo", place.name]):
        answer = place.helper.run(command)
        assert answer.returncode == 0, answer.stderr
    file = place.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
    assert not file.exists()


def test_ctrl_c_between_the_files(place: Workplace) -> None:
    file = place.helper.home.docker_config / "config.json"
    before = file.read_bytes()
    with held_up(place) as setup:
        setup.send_signal(signal.SIGINT)
        setup.communicate(timeout=120)
    assert setup.returncode != 0
    assert (ours(place), file.read_bytes()) == ("", before)
    note = place.helper.home.folders["XDG_STATE_HOME"] / "docker-credential-harbor" / "setup.json"
    assert json.loads(note.read_text())["made"] == []
