"""A home that nothing leaks into or out of: folders, environment and kernel keys of one test.

Source: the XDG base directory specification; keyctl(1).
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from docker_credential_harbor.warm_get import kernel_keys, memory_file
from tests.lab import kernel_keyring
from tests.lab.processes import end_pid

NAME = "docker-credential-harbor"
# Any test of a flow can be run on another executable of the same name: on the packaged one, say.
PROGRAM_VARIABLE = "HARBOR_LAB_HELPER"
FOLDERS = {
    "HOME": "home",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_STATE_HOME": "home/.local/state",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_RUNTIME_DIR": "run",
    "XDG_CONFIG_DIRS": "site",
    "DOCKER_CONFIG": "home/.docker",
    "TMPDIR": "tmp",
}


class Home:
    """The folders by the variables that name them, and the whole environment of a process in there.

    `environment` may be changed; it has no desktop, no session bus, no proxy, no CI.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "home"
        self.folders = {variable: folder / place for variable, place in FOLDERS.items()}
        for place in self.folders.values():
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        scripts = f"{installed_program().parent}:{Path(sys.executable).parent}"
        self.environment = {
            **{variable: str(place) for variable, place in self.folders.items()},
            "PATH": f"{scripts}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "LANG": "C.UTF-8",
            # An address that leads nowhere: without one a bus might be started.
            "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        }

    @property
    def docker_config(self) -> Path:
        """The folder of Docker's config.json."""
        return self.folders["DOCKER_CONFIG"]

    def end_processes(self) -> None:
        """Ends what was started in this home and still runs: workers outlive their callers on purpose."""
        mine = f"HOME={self.path}".encode()
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                found = mine in entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if found:
                end_pid(int(entry.parent.name), 5)


def installed_program() -> Path:
    """The executable that the tests call."""
    return Path(os.environ.get(PROGRAM_VARIABLE) or console_script())


def console_script() -> Path:
    """The executable that pip has installed."""
    return Path(sys.executable).parent / NAME


class Helper:
    """The installed executable, called as Docker calls it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.program = str(installed_program())

    @property
    def configuration(self) -> Path:
        """The configuration file, once there is one."""
        return self.home.path / "configuration.toml"

    def configure(self, toml: str) -> Path:
        """Writes the configuration file and names it in the environment."""
        self.configuration.write_text(toml, encoding="utf-8")
        self.home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"] = str(self.configuration)
        return self.configuration

    def run(
        self,
        arguments: str | Sequence[str],
        stdin: str | bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> "subprocess.CompletedProcess[str]":
        """Runs it to its end. `env` is laid over the home's environment."""
        process = self.start(arguments, env)
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            output, errors = process.communicate(data, timeout)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        texts = (output.decode(errors="replace"), errors.decode(errors="replace"))
        return subprocess.CompletedProcess(process.args, process.returncode, *texts)

    def start(self, arguments: str | Sequence[str], env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Starts it with pipes for all three streams, away from any terminal; for several at once, or to be killed."""
        command = [self.program, *([arguments] if isinstance(arguments, str) else arguments)]
        pipe = subprocess.PIPE
        environment = {**self.home.environment, **(env or {})}
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)

    def get(
        self, server_url: str, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> "subprocess.CompletedProcess[str]":
        """`get` for a server."""
        return self.run("get", server_url, env, timeout)


# Keyrings are the user's, so every run of this user's looks at one place, whatever its TMPDIR.
RUNS = Path("/tmp") / f"harbor-lab-runs-{getattr(os, 'geteuid', int)()}.lock"


@contextlib.contextmanager
def others_let_be() -> Iterator[TextIO | None]:
    """What is remembered here is let be by other runs of this user's, which clean up where they are alone."""
    try:
        import fcntl
    except ImportError:  # Windows, which has no such keys
        yield None
        return
    with RUNS.open("w") as under_way:
        fcntl.flock(under_way, fcntl.LOCK_SH)
        yield under_way


# The lab's registries are on loopback: what somebody keeps for a registry of their own is never touched.
KEPT = rf"{NAME}:(sign-in |stored |remembered:)"
LAB_KEYS = rf"{KEPT}((127\.0\.0\.1|localhost):\d+|harbor\.example\.com)"


def purge_memory(descriptions: str = LAB_KEYS) -> None:
    """Takes such keys out of the kernel's keyrings, and files out of memory; they outlive processes."""
    for description in {*_kernel_keys(), *_memory_files()}:
        if re.match(descriptions, description):
            for keyring in (kernel_keys.USER, kernel_keys.persistent_keyring()) if kernel_keyring.is_open() else ():
                with contextlib.suppress(OSError):
                    kernel_keys.remove(description.encode(), keyring)
            with contextlib.suppress(OSError):
                memory_file.remove(description.encode())


def purge_memory_of(registry: str) -> None:
    """What is kept of an earlier one at the same address: ports are used again, and keys outlive a test."""
    purge_memory(rf"{KEPT}{re.escape(registry)}(?!\d)")


def _kernel_keys() -> list[str]:
    try:
        listed = Path("/proc/keys").read_text(errors="replace")
    except OSError:  # no Linux, or a container without it
        return []
    return re.findall(r" user +(.+): \d+\s*$", listed, re.MULTILINE)


def _memory_files() -> list[str]:
    return [path.name for path in Path("/dev/shm").glob(f"{NAME}-*/{NAME}:*")]
