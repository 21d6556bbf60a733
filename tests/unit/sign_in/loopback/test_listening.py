"""Where the loopback server listens: at every address that a browser may come back to, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.errors import PortBusy
from docker_credential_harbor.sign_in.loopback import callback_server, listening
from tests.conftest import need
from tests.lab import network, ordinary_user
from tests.lab.keycloak import free_port
from tests.unit.browser_place import HARBOR, Place, query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.sign_in.loopback.connections import Connections

WAIT_AT = """
import socket, sys
with socket.create_server(("::1", int(sys.argv[1])), family=socket.AF_INET6):
    print("waits", flush=True)
    sys.stdin.read()
"""

COME_BACK = """
import sys
sys.path.insert(0, {repository!r})
from docker_credential_harbor.sign_in.loopback import callback_server as loopback
from tests.unit.browser_place import fetch
with loopback.CallbackServer("http://localhost/callback") as server:
    link = server.one_time_address("https://sso.example.com/auth")
    print(len(server._servers), link.startswith("http://127.0.0.1:"), fetch(link).status)
"""


@contextlib.contextmanager
def another_user_at_ipv6(port: int) -> Iterator[None]:
    command = [*ordinary_user.command(), sys.executable, "-c", WAIT_AT, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == b"waits\n"
        try:
            yield
        finally:
            waiting.communicate(timeout=30)


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_localhost_is_whatever_a_browser_takes_it_for(place: Place, address: str) -> None:
    place.registry = place.registry._replace(redirect_uri="http://localhost/callback")

    def behave(url: str) -> None:
        back = place.back(url)
        place.visit(back.replace("localhost", address), Host=urlsplit(back).netloc)

    assert place.sign_in(behave).tokens.subject == "s"
    assert place.responses[0].headers["location"] == HARBOR
    assert place.links[0].startswith("http://127.0.0.1:"), "a name may be another's at one of its addresses"


@pytest.mark.usefixtures("ipv6")
def test_a_port_where_another_user_waits_at_the_other_address_is_not_taken(place: Place) -> None:
    port = free_port()
    place.registry = place.registry._replace(redirect_uri=f"http://localhost:{port}/callback")
    with another_user_at_ipv6(port), pytest.raises(PortBusy, match=str(port)):
        place.sign_in(lambda _: None)
    place.sign_in(lambda url: place.visit(place.back(url)))


@pytest.mark.usefixtures("ipv6")
def test_nor_one_that_another_user_was_quicker_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    quicker, tried, stack = listening.Server, list[int](), contextlib.ExitStack()

    def server(address: tuple[str, int], connections: Connections) -> listening.Server:
        if address[0] == "::1":
            tried.append(address[1])
            if len(tried) == 1:
                stack.enter_context(another_user_at_ipv6(address[1]))
        return quicker(address, connections)

    monkeypatch.setattr(listening, "Server", server)
    with stack, callback_server.CallbackServer("http://localhost/callback") as waiting:
        assert len(tried) == 2
        assert urlsplit(waiting.redirect_uri).port == tried[1] != tried[0]


def test_where_there_is_no_ipv6_nobody_can_wait_there() -> None:
    need("root, for another network", "run the tests as root", os.geteuid() == 0)
    need("network namespaces", "apt-get install iproute2 util-linux", not network.missing())
    without = 'ip link set lo up; ip -6 address flush dev lo; exec "$@"'
    program = COME_BACK.format(repository=str(Path(__file__).parents[4]))
    command = ["unshare", "-n", "sh", "-c", without, "sh", sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 True 302\n"


def test_a_port_of_its_own(place: Place) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        place.registry = place.registry._replace(redirect_uri=f"http://127.0.0.1:{port}/back")
        with pytest.raises(PortBusy, match=str(port)):
            place.sign_in(lambda _: None)
    place.sign_in(lambda url: place.visit(place.back(url)))
    assert query(place.opened[0])["redirect_uri"] == f"http://127.0.0.1:{port}/back"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_alone_and_not_any_more_afterwards(place: Place) -> None:
    def listeners() -> set[str]:
        """Local addresses in hexadecimal, in state LISTEN (proc(5))."""
        with open("/proc/net/tcp") as table:  # noqa: PTH123
            rows = [line.split() for line in table.readlines()[1:]]
        return {row[1] for row in rows if row[3] == "0A"}

    during: list[set[str]] = []

    def behave(url: str) -> None:
        during.append(listeners())
        place.visit(place.back(url))

    place.sign_in(behave)
    port = f":{urlsplit(query(place.opened[0])['redirect_uri']).port:04X}"
    assert {row for row in during[0] if row.endswith(port)} == {f"0100007F{port}"}
    assert not any(row.endswith(port) for row in listeners())
