"""A real SOCKS server (microsocks) on loopback, whose names are its own.

Source: mount_namespaces(7).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

from tests.lab.keycloak import free_port
from tests.lab.processes import end, wait_for_start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def missing() -> list[str]:
    """The programs that are not there."""
    return [name for name in ("microsocks", "unshare") if not shutil.which(name)]


@contextlib.contextmanager
def socks_server(folder: Path, name: str, *options: str) -> Iterator[int]:
    """Gives its port. `name` is a name of 127.0.0.1 that nobody but this server knows; needs root."""
    hosts, port = folder / "socks-hosts", free_port()
    hosts.write_text(f"127.0.0.1 localhost {name}\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    command = ["microsocks", "-i", "127.0.0.1", "-p", str(port), *options]
    log = folder / "microsocks.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, str(hosts), *command], stdout=output, stderr=output
        )

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return True
        return False

    try:
        wait_for_start(process, answers, log)
        yield port
    finally:
        end(process)
