"""A rootless Docker engine: Debian's dockerd-rootless.sh as `ordinary_user`, in this machine's network.

That user's entries in the user database and the numbers for what is in images are laid over this machine's in a mount
namespace. Source: Docker's page on rootless mode, subuid(5), the script itself.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.docker import DockerEngine
from tests.lab.ordinary_user import UID, give
from tests.lab.processes import PartError, wait_for_start

if TYPE_CHECKING:
    from typing_extensions import Self

SCRIPT = Path("/usr/share/docker.io/contrib/dockerd-rootless.sh")
INSTALL = "apt-get install docker.io rootlesskit uidmap"
NUMBERS_FROM, NUMBERS = 400_000_000, 65_536
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_NETWORK = {"DOCKERD_ROOTLESS_ROOTLESSKIT_NET": "host", "DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER": "none"}


def missing() -> list[str]:
    """What is not on this machine."""
    programs = [name for name in ("dockerd", "containerd", "rootlesskit", "newuidmap") if not shutil.which(name)]
    return programs if SCRIPT.is_file() else [*programs, str(SCRIPT)]


class RootlessEngine(DockerEngine):
    """Loopback registries are plain http to it."""

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Takes some seconds. Only the log lies in `folder`."""
        home = Path(tempfile.mkdtemp(prefix="rl-"))  # sockets need shorter paths than tests have
        for name in ("home", "run"):
            (home / name).mkdir()
        give(home)
        etc = folder / "etc"
        etc.mkdir()
        numbers = f"person:{NUMBERS_FROM}:{NUMBERS}\n"
        files = {"passwd": f"person:*:{UID}:{UID}::{home}/home:/bin/sh\n", "subuid": numbers, "subgid": numbers}
        for name, text in files.items():
            (etc / name).write_text(text)
        mounts = [f"mount --bind {etc}/{name} /etc/{name}" for name in files]
        person = f"exec setpriv --reuid={UID} --regid={UID} --clear-groups sh {SCRIPT}"
        command = ["unshare", "--mount", "sh", "-ec", "\n".join([*mounts, f'{person} "$@"']), "sh"]
        switches = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root", str(home / "home" / "d")]
        environment = {"PATH": PATH, "HOME": str(home / "home"), "XDG_RUNTIME_DIR": str(home / "run"), **OWN_NETWORK}
        log = folder / "dockerd-rootless.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *switches], env=environment, cwd="/", stdout=output, stderr=output, start_new_session=True
            )
        engine = cls(process, home, f"unix://{home}/run/docker.sock")
        try:
            wait_for_start(process, lambda: engine.run("version").returncode == 0, log, 60)
        except PartError:
            engine.close()
            raise
        return engine
