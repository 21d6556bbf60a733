"""A network of its own, with names of its own, some of whose addresses are dead: packets to them vanish.

Source: network_namespaces(7), mount_namespaces(7), gai.conf(5).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

from tests.lab.accepting import Accepting
from tests.lab.processes import PartError, end

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

LIVE, DEAD = "198.51.100.1", "198.51.100.9"
LIVE_6, DEAD_6 = "2001:db8::1", "2001:db8::9"
CLONE_NEWNET = 0x40000000  # sched.h

# One end of a cable, and a neighbour that nobody is. `cat` ends with its standard input.
SETUP = f"""
set -e
ip link set lo up
ip link add near type veth peer name far
ip address add {LIVE}/24 dev near
ip address add {LIVE_6}/64 dev near nodad
ip link set near up
ip link set far up
ip neighbour add {DEAD} lladdr 02:00:00:00:00:09 dev near
ip neighbour add {DEAD_6} lladdr 02:00:00:00:00:09 dev near
mount --bind "$1" /etc/hosts
mount --bind "$2" /etc/gai.conf
echo ready
exec cat
"""
# The dead ones go first in their family: glibc by itself would begin with those of this machine.
ORDER = f"""
precedence ::/0 40
precedence {DEAD_6}/128 50
precedence ::ffff:0:0/96 10
precedence ::ffff:{DEAD}/128 20
"""


def missing() -> list[str]:
    """The programs that are not there."""
    return [name for name in ("ip", "unshare", "nsenter") if not shutil.which(name)]


class Network:
    """From the start to the end of a `with`; its `names` have the addresses given. Needs root."""

    def __init__(self, folder: Path, names: Mapping[str, Sequence[str]]) -> None:
        hosts, order = folder / "hosts", folder / "gai.conf"
        hosts.write_text("".join(f"{address} {name}\n" for name, all_of in names.items() for address in all_of))
        order.write_text(ORDER)
        self._command = ["unshare", "-n", "-m", "sh", "-c", SETUP, "sh", str(hosts), str(order)]
        self._led: list[Accepting] = []

    def __enter__(self) -> Network:
        self._holder = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout
        if self._holder.stdout.readline() != b"ready\n":
            end(self._holder)
            raise PartError("the network was not set up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._led:
            server.close()
        end(self._holder)
        for pipe in (self._holder.stdin, self._holder.stdout):
            assert pipe
            pipe.close()

    def command(self, *words: str) -> list[str]:
        """The command, run in there."""
        return ["nsenter", "-t", str(self._holder.pid), "-n", "-m", *words]

    def lead(self, address: str, port: int, to_port: int) -> None:
        """Connections to address and port in there lead to a loopback port out here."""
        made: list[socket.socket] = []
        thread = threading.Thread(target=lambda: made.append(self._listen(address, port)))
        thread.start()
        thread.join()
        self._led += [Accepting(listener, lambda here: _pass_on(here, to_port)) for listener in made]

    def enter(self) -> None:
        """The thread that calls it stays in that network; its sockets can be used by all."""
        with open(f"/proc/{self._holder.pid}/ns/net") as network:  # noqa: PTH123 - no file of anybody's
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _listen(self, address: str, port: int) -> socket.socket:
        self.enter()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family)


def _pass_on(here: socket.socket, to_port: int) -> None:
    with socket.create_connection(("127.0.0.1", to_port)) as there:
        back = threading.Thread(target=_pump, args=(there, here), daemon=True)
        back.start()
        _pump(here, there)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
