"""A machine that is reached over SSH, with a port of its own forwarded: Debian's server and client, keys of their own.

The person sits in another network, where 127.0.0.1 is another machine's. Source: ssh(1) -L, sshd_config(5).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.keycloak import free_port
from tests.lab.processes import end, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.network import Network

SSHD = "/usr/sbin/sshd"  # it wants to be called by its whole path
CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/person.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
"""


def missing() -> list[str]:
    """The programs that are not there."""
    return [name for name in (SSHD, "ssh", "ssh-keygen") if not shutil.which(name)]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[int]:
    """An SSH server on a loopback port, for whoever has the key `person` in that folder. Gives the port."""
    for name in ("host", "person"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)  # its privilege separation wants it
    port = free_port()
    (folder / "sshd_config").write_text(CONFIGURATION.format(folder=folder, port=port))
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        wait_until(lambda: _answers(port), "sshd")
        yield port
    finally:
        end(process)


@contextlib.contextmanager
def forward(folder: Path, network: Network, address: str, ssh_port: int, port: int) -> Iterator[None]:
    """In that network 127.0.0.1:port leads to the same here, by ssh -L to the server at ``address``."""
    leads = f"127.0.0.1:{port}:127.0.0.1:{port}"
    options = ["-N", "-F", "none", "-i", str(folder / "person"), "-p", str(ssh_port), "-L", leads]
    unknown = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={folder}/known", "ExitOnForwardFailure=yes"]
    options += [word for option in unknown for word in ("-o", option)]
    with (folder / "ssh.log").open("wb") as log:
        process = subprocess.Popen(network.command("ssh", *options, f"root@{address}"), stderr=log)
    try:
        listening = network.command("ss", "-Hltn", f"sport = :{port}")
        wait_until(lambda: subprocess.run(listening, capture_output=True, check=True).stdout != b"", "ssh -L")
        yield
    finally:
        end(process)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
