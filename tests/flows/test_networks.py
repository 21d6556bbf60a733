"""The helper on networks where a host's first address is dead, directly and through proxies."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import network, socks
from tests.lab.certificates import Authority, context_of
from tests.lab.network import DEAD, DEAD_6, LIVE, LIVE_6, Network
from tests.lab.socks import socks_server
from tests.unit.loopback import connect_proxy, raw_server

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.lab.sealed_home import Helper

HARBOR, PROXY = "harbor.example.com", "proxy.example.com"
PROXY_PORT = 3128


@pytest.fixture(autouse=True)
def networks() -> None:
    need("network namespaces", "apt-get install iproute2 util-linux", not network.missing())
    need("root, for namespaces", "run the tests as root", os.geteuid() == 0)


class FrontOfHarbor:
    """Harbor as far as the stored pair of a person is concerned."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        path = head.split()[1].decode().partition("?")[0]
        self.asked.append(path)
        status, body = {
            "/service/token": ("200 OK", b'{"token": "t"}'),
            "/api/v2.0/users/current": ("401 Unauthorized", b"{}"),
        }.get(path, ("404 Not Found", b"{}"))
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def get_in(place: Network, helper: Helper, folder: Path, registry: str, env: dict[str, str]) -> tuple[str, str]:
    wrapped = folder / "helper-in-network"
    wrapped.write_text("#!/bin/sh\nexec " + " ".join(place.command(helper.program)) + ' "$@"\n')
    wrapped.chmod(0o755)
    helper.program = str(wrapped)
    pair = {"ServerURL": registry, "Username": "alice-h", "Secret": "Secret123"}
    assert helper.run("store", json.dumps(pair)).returncode == 0
    answer = helper.run("get", registry, env)
    assert json.loads(answer.stdout) == pair
    return answer.stdout, answer.stderr


@pytest.mark.parametrize("addresses", [(DEAD_6, LIVE), (DEAD, LIVE), (DEAD_6, DEAD, LIVE_6)], ids=["6", "4", "both"])
@pytest.mark.parametrize("through", ["nothing", "http", "socks5"])
def test_a_dead_first_address(helper: Helper, tmp_path: Path, addresses: tuple[str, ...], through: str) -> None:
    """Harbor's, or the proxy's. The pair is verified, within a `timeout` that the dead address alone would use up."""
    authority, harbor = Authority(tmp_path), FrontOfHarbor()
    target: list[int] = []
    with contextlib.ExitStack() as servers:
        port = servers.enter_context(raw_server(harbor, context_of(authority.server(hosts=[HARBOR]))))
        place = servers.enter_context(Network(tmp_path, {HARBOR if through == "nothing" else PROXY: addresses}))
        env = {}
        if through == "nothing":
            place.lead(addresses[-1], port, port)
        else:
            env["HTTPS_PROXY"] = f"{through}://{PROXY}:{PROXY_PORT}"
            target.append(port)
            if through == "socks5":
                need("SOCKS server", "apt-get install microsocks", not socks.missing())
                proxy = servers.enter_context(socks_server(tmp_path, HARBOR))
            else:
                proxy = servers.enter_context(raw_server(connect_proxy(target, [])))
            place.lead(addresses[-1], PROXY_PORT, proxy)
        registry = f"{HARBOR}:{port}"
        helper.configure(
            f'storage = "file"\ntimeout = 30\n[registries."{registry}"]\nca_file = "{authority.ca_file}"\n'
        )
        _, said = get_in(place, helper, tmp_path, registry, env)
    assert said == ""
    assert "/service/token" in harbor.asked
