"""Callers that need no sign-in, or may not: what they ask for is told by their command line."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients import docker_py, podman, podman_remote, python_environment
from tests.clients.client import Seat
from tests.conftest import need
from tests.lab import docker_plugins
from tests.lab.processes import wait_until
from tests.lab.terminal import Terminal
from tests.lab.workplace import NOT_FOUND, WITHOUT_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.conftest import MakeHarbor, MakeRealm
    from tests.lab.desk import Desk
    from tests.lab.harbor import StandInHarbor
    from tests.lab.workplace import Workplace

    Calling = Callable[[Desk, Path], AbstractContextManager[list[str]]]

SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "TERM": "xterm"}
QUICK = {"attributes": {"oauth2DevicePollingInterval": "1"}}
ROBOT = ("robot$ci", "Robot-Secret-1")
ASK = "import subprocess, sys; sys.exit(subprocess.run([{!r}, 'get'], input={!r}, text=True).returncode)"


def called_by(workplace: Workplace, *words: str) -> subprocess.CompletedProcess[str]:
    """A `get` by a process whose command line begins and ends with these words."""
    code = ASK.format(workplace.helper.program, workplace.name)
    return subprocess.run(
        [words[0], "-c", code, *words[1:]],
        executable=sys.executable,
        env=workplace.helper.home.environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("client", ["podman", "skopeo"])
def test_a_login_with_a_user_of_its_own_opens_nothing(make_desk: Callable[..., Desk], client: str) -> None:
    need(client, f"apt-get install {client}", shutil.which(client))
    desk = make_desk()
    desk.set_up()
    desk.workplace.harbor.add_robot(*ROBOT)
    home = desk.workplace.helper.home
    pair = ["-u", ROBOT[0], "-p", ROBOT[1]]
    done = subprocess.run(
        [client, "login", "--tls-verify=false", *pair, desk.workplace.name],
        env={**home.environment, "REGISTRY_AUTH_FILE": str(home.docker_config / "config.json")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Login Succeeded!" in done.stdout
    assert f"no sign-in is asked for ({client} login names a user of its own)" in done.stderr
    assert done.stderr.count("[no-sign-in-needed]") == 1, "it asks twice"
    assert "needs a sign-in" not in done.stderr
    assert desk.workplace.person.windows == 0
    assert desk.workplace.pair() == ROBOT


class TestAnothersImage:
    def test_nothing_opens_and_a_line_says_why(self, workplace: Workplace) -> None:
        answer = called_by(workplace, "podman-remote", "pull", "quay.io/a/b")
        assert (answer.returncode, answer.stdout) == (1, NOT_FOUND)
        [line] = answer.stderr.splitlines()
        assert "[no-sign-in-needed]" in line
        assert "(podman-remote pull is for another registry)" in line
        assert line.endswith(f"to sign in all the same, run: docker-credential-harbor login {workplace.name}")
        assert "the last pull" not in workplace.helper.run("status").stdout
        assert workplace.person.windows == 0

    def test_a_pair_that_is_known_goes_out_as_ever(self, workplace: Workplace) -> None:
        pair = workplace.pair()
        workplace.end_trust_window()
        answer = called_by(workplace, "podman-remote", "pull", "quay.io/a/b")
        assert (answer.returncode, answer.stderr) == (0, "")
        assert pair[1] in answer.stdout

    def test_its_own_image_is_signed_in_for(self, workplace: Workplace) -> None:
        assert called_by(workplace, "podman-remote", "pull", f"{workplace.name}/a/b").returncode == 0
        assert workplace.person.windows == 1

    def test_an_unknown_caller_is_signed_in_for(self, workplace: Workplace) -> None:
        assert called_by(workplace, "somebody", "pull", "quay.io/a/b").returncode == 0
        assert workplace.person.windows == 1


@contextmanager
def classic_build(desk: Desk, folder: Path) -> Iterator[list[str]]:
    """Its image is nobody's."""
    need("Docker 20.10", "apt-get install docker.io", docker_plugins.DEBIANS_DOCKER.exists())
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    environment = ["env", "DOCKER_BUILDKIT=0", f"DOCKER_HOST={desk.engine.host}"]
    yield [*environment, str(docker_plugins.DEBIANS_DOCKER), "build", str(folder)]


@contextmanager
def remote_pull(desk: Desk, _: Path) -> Iterator[list[str]]:
    """Of the registry's own image."""
    need("podman", "apt-get install podman", shutil.which("podman"))
    desk.publish()
    with (
        tempfile.TemporaryDirectory(prefix="pod-") as short,  # as a socket's path has to be
        podman_remote.service(Seat(desk.workplace.helper.home.environment, desk.engine, Path(short))) as url,
    ):
        yield ["podman", "--remote", "--url", url, "pull", podman.PLAIN_HTTP, desk.image]


ASKED, NOT_WAITED_FOR = "confirm it there within", "[sign-in-goes-on]"


def shown_at(terminal: Terminal, text: str) -> float:
    """The instant at which it stood there (time.monotonic): what the client itself takes is no part of the wait."""
    so_far = itertools.accumulate(data for _, data in terminal.chunks)
    instants = (at for at, _ in terminal.chunks)
    return next(at for at, shown in zip(instants, so_far, strict=True) if text.encode() in shown)


@pytest.mark.parametrize(("calling", "status"), [(classic_build, 0), (remote_pull, 125)])
def test_who_asks_for_every_registry_waits_half_a_minute_and_the_next_call_has_the_pair(
    make_desk: Callable[..., Desk], tmp_path: Path, calling: Calling, status: int
) -> None:
    """The sign-in goes on without it, and whoever asks again meanwhile does not wait anew."""
    desk = make_desk(realm=QUICK)
    desk.set_up()
    workplace = desk.workplace
    workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")  # Harbor's side lives
    workplace.person.reset()
    environment = {**workplace.helper.home.environment, **SSH}
    environment.pop("BROWSER")
    (tmp_path / "x").mkdir()
    with calling(desk, tmp_path / "x") as call:
        began_at = time.monotonic()
        with Terminal(call, environment) as terminal:
            terminal.wait_for(ASKED)
            assert terminal.wait() == status, terminal.text
        assert began_at + 25 < shown_at(terminal, NOT_WAITED_FOR) < shown_at(terminal, ASKED) + 75
        assert "asks for every registry), and goes on" in " ".join(terminal.text.split())
        link = terminal.text.partition("on any device: ")[2].split()[0]
        with Terminal(call, environment) as terminal:
            assert terminal.wait() == status, terminal.text
        assert shown_at(terminal, NOT_WAITED_FOR) < shown_at(terminal, ASKED) + 25, "it has waited once"
        workplace.person.open(link)
        assert workplace.pair()[0] == "alice-h"
        with Terminal(call, environment) as terminal:
            assert terminal.wait() == 0, terminal.text


LOGIN_SECONDS = 60


def another_harbor(desk: Desk, make_realm: MakeRealm, make_harbor: MakeHarbor) -> StandInHarbor:
    """Of a realm of its own; alice is known to it as alice-b. It is set up as well."""
    realm = make_realm(**QUICK)
    harbor = make_harbor(realm, scopes=WITHOUT_OFFLINE)
    realm.set_harbor_redirect(harbor.url)
    harbor.onboard("alice-b", "alice@example.com", realm.subject("alice"))
    done = desk.workplace.helper.run(["setup", "--no-login", harbor.url])
    assert (done.returncode, done.stderr) == (0, "")
    return harbor


def test_docker_pys_build_waits_for_a_person_once_and_half_a_minute_more_however_many_registries(
    make_desk: Callable[..., Desk], make_realm: MakeRealm, make_harbor: MakeHarbor, tmp_path: Path
) -> None:
    """Its first request is like a pull's. By the next one, of the same process, it is seen; that sign-in goes on."""
    python = python_environment.python()
    need("docker-py", python_environment.INSTALL, python)
    desk = make_desk(realm=QUICK)
    desk.set_up()
    workplace = desk.workplace
    harbors = [workplace.harbor, *(another_harbor(desk, make_realm, make_harbor) for _ in range(2))]
    for harbor in harbors:
        workplace.person.open(f"{harbor.url}/c/oidc/login")  # Harbor's side lives
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    build = [str(python), "-c", docker_py.BUILD.replace(", pull=True", ""), str(tmp_path)]
    environment = {**workplace.helper.home.environment, **SSH, "DOCKER_HOST": desk.engine.host}
    environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = str(LOGIN_SECONDS)
    environment.pop("BROWSER")
    with Terminal(build, environment) as terminal:
        wait_until(lambda: terminal.process.poll() is not None, "the end of the build", 4 * LOGIN_SECONDS)
        assert terminal.wait() == 0, terminal.text
    assert " ".join(terminal.text.split()).count("asks for one registry after another), and goes on") == 1
    _, _, second = terminal.text.split("on any device: ")
    later = next(harbor.name for harbor in harbors if harbor.name in second.partition("goes on")[0])
    workplace.person.open(second.split()[0])
    assert workplace.pair(later)[0] in ("alice-h", "alice-b")
