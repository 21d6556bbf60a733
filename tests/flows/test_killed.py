"""kill -9 to a whole process group, at the one moment that counts: between the provider's answer and the save.

With strict rotation the old refresh token is worth nothing by then. What saves the new one goes on by itself, keeps
none of the caller's streams open, holds the registry's lock until it is done, and no window opens for it later.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.system import lock
from tests.lab.pace import paced
from tests.lab.processes import alive, wait_until
from tests.lab.realm import HELPER_CLIENT
from tests.lab.workplace import expire_kept_id_token

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import IdentityProvider
    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy
    from tests.lab.secret_service import SecretService
    from tests.lab.web import Exchange

ANOTHER = "Another-Secret-0123456789"
STRICT = {"revoke_refresh_token": True}


class HeldAnswer:
    """The provider's true answer to the next token request, on its way until ``deliver``."""

    def __init__(self, proxy: FaultProxy, workplace: Workplace) -> None:
        self.given = threading.Event()
        self._delivered = threading.Event()
        proxy.set(urlsplit(workplace.realm.endpoint("token")).path, self._hold, times=1)

    def deliver(self) -> None:
        self._delivered.set()

    def _hold(self, exchange: Exchange, proxy: FaultProxy) -> None:
        code, headers, body = proxy.true_answer(exchange)
        self.given.set()
        self._delivered.wait(60)
        exchange.answer(code, body, headers)


@pytest.fixture
def refreshing(
    make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy], identity_provider: IdentityProvider
) -> Callable[..., tuple[Workplace, HeldAnswer]]:
    """A workplace whose next `get` must refresh our tokens, and the answer to that."""

    def make(storage: str = "file", **environment: str) -> tuple[Workplace, HeldAnswer]:
        proxy = make_proxy(identity_provider.url)
        workplace = make_workplace(STRICT, through=proxy)
        workplace.helper.home.environment |= {"DOCKER_CREDENTIAL_HARBOR_STORAGE": storage, **environment}
        workplace.pair()
        wait_until(lambda: not processes_of(workplace), "the worker of the sign-in to end")
        expire_kept_id_token(workplace)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        workplace.end_trust_window()
        return workplace, HeldAnswer(proxy, workplace)

    return make


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)  # the lab starts each in a session of its own
    process.communicate(timeout=30)  # the caller reads until the streams are closed
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("storage", ["file", "kernel", "keyring"])
def test_a_get(
    refreshing: Callable[..., tuple[Workplace, HeldAnswer]], request: pytest.FixtureRequest, storage: str
) -> None:
    environment = {}
    if storage == "keyring":
        bus: SecretService = request.getfixturevalue("secret_bus")
        environment = bus.environment
    workplace, answer = refreshing(storage, **environment)
    killed = workplace.start_get()
    assert answer.given.wait(60)
    kill_group(killed)
    assert registry_is_locked(workplace), "until the new token is saved nobody else may use the old one"
    after = workplace.start_get()
    answer.deliver()
    output, errors = after.communicate(timeout=60)
    assert (after.returncode, ANOTHER in output.decode(), errors) == (0, True, b"")
    assert (workplace.person.windows, workplace.person.forms) == (1, 1)
    assert workplace.realm.token_requests(HELPER_CLIENT) == 1
    assert not registry_is_locked(workplace)


@pytest.mark.heart
@pytest.mark.parametrize("command", [["status"], ["keepalive"]])
def test_a_command(refreshing: Callable[..., tuple[Workplace, HeldAnswer]], command: list[str]) -> None:
    workplace, answer = refreshing()
    killed = workplace.helper.start(command)
    assert answer.given.wait(60)
    kill_group(killed)
    answer.deliver()
    assert workplace.pair() == ("alice-h", ANOTHER)
    assert workplace.person.windows == 1
    assert workplace.realm.token_requests(HELPER_CLIENT) == 1


def test_what_goes_on_ends_by_itself(refreshing: Callable[..., tuple[Workplace, HeldAnswer]]) -> None:
    """Where the answer never comes, when the time of the request is over."""
    workplace, answer = refreshing()
    killed = workplace.start_get(DOCKER_CREDENTIAL_HARBOR_TIMEOUT=str(paced(6)))
    assert answer.given.wait(60)
    kill_group(killed)
    [other] = processes_of(workplace)
    wait_until(lambda: not alive(other) and not registry_is_locked(workplace), "it to end", 90)


@pytest.mark.heart
def test_it_is_not_ended_with_the_others_of_a_terminal(
    refreshing: Callable[..., tuple[Workplace, HeldAnswer]],
) -> None:
    """Ctrl-C reaches the `get` alone, which waits for what is on its way, as ever."""
    workplace, answer = refreshing()
    process = workplace.start_get()
    assert answer.given.wait(60)
    os.killpg(process.pid, signal.SIGINT)
    answer.deliver()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"")
    assert workplace.pair() == ("alice-h", ANOTHER)
    assert workplace.person.windows == 1


def test_what_it_has_to_say_is_said(refreshing: Callable[..., tuple[Workplace, HeldAnswer]]) -> None:
    """The trace of its request comes at its place, without the secrets."""
    workplace, answer = refreshing()
    answer.deliver()
    done = workplace.get(DOCKER_CREDENTIAL_HARBOR_TRACE="1")
    lines = done.stderr.splitlines()
    asked = [line.partition(" -> ")[0].rpartition("/")[2] for line in lines if " -> " in line]
    assert asked == ["token", "token", "current", "token"], done.stderr  # the probe, the refresh, who, the probe
    assert done.returncode == 0
    assert workplace.kept_tokens()["refresh_token"] not in done.stderr


def registry_is_locked(workplace: Workplace) -> bool:
    [path] = workplace.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.lock")
    return lock.is_held(path)


def processes_of(workplace: Workplace) -> list[int]:
    """Those that run in the workplace's home now."""
    mine = f"HOME={workplace.helper.home.path}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mine in environment.read_bytes().split(b"\0") and alive(int(environment.parent.name)):
                found.append(int(environment.parent.name))
    return found
