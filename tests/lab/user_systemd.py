"""A real systemd user instance for one sealed home, beside whatever runs this machine.

systemd takes over all processes of its control group, and asks at a fixed place whether it runs the machine. So it gets
a control group, process IDs and mounts of its own: cgroup_namespaces(7), pid_namespaces(7), mount_namespaces(7),
sd_booted(3). It needs root.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests.lab.processes import PartError, tail, wait_for_start, wait_until
from tests.lab.sealed_home import Home

SYSTEMD = Path("/usr/lib/systemd/systemd")
OUTSIDE = """
set -e
echo $$ > "$CONTROL_GROUP/cgroup.procs"
exec unshare --mount --propagation private --cgroup --pid --fork --kill-child --mount-proc sh -c "$INSIDE"
"""
INSIDE = """
set -e
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
mkdir /run/systemd/system
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cd /
env -u CONTROL_GROUP -u INSIDE "$SYSTEMD" --user --unit=basic.target &
wait
"""


def missing() -> list[str]:
    """What of it is not on this machine."""
    programs = [name for name in ("systemctl", "systemd-analyze", "unshare", "nsenter") if shutil.which(name) is None]
    if os.geteuid() != 0:
        return [*programs, "root"]
    return programs + ([] if SYSTEMD.exists() else ["systemd"]) + ([] if _control_groups() else ["control groups"])


def _control_groups() -> Path | None:
    """Where control groups of version 2 are, alone or beside the older ones."""
    places = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
    return next((place for place in places if (place / "cgroup.controllers").exists()), None)


class UserSystemd:
    """`run` a command as one of its user's own sessions would."""

    def __init__(self, home: Home, folder: Path) -> None:
        groups = _control_groups()
        if groups is None:
            raise PartError("no control groups of version 2")
        self._log = folder / "user-systemd.log"
        # Sockets have short names; a test's folder may be deep.
        self._runtime = tempfile.TemporaryDirectory(prefix="user-")
        home.environment["XDG_RUNTIME_DIR"] = self._runtime.name
        self._environment = home.environment
        self._group = groups / f"harbor-lab-{os.getpid()}-{Path(self._runtime.name).name}"
        self._group.mkdir()
        variables = {"CONTROL_GROUP": str(self._group), "INSIDE": INSIDE, "SYSTEMD": str(SYSTEMD)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", OUTSIDE],
                env={**home.environment, **variables, "SYSTEMD_LOG_TARGET": "console"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for_start(self._process, self._is_running, self._log)
        except PartError:
            self.close()
            raise

    def run(self, command: Sequence[str], timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """Runs it to its end, in the sealed home's environment."""
        inside = ["nsenter", f"--target={self._first()}", "--mount", "--pid", "--cgroup", "--", *command]
        return subprocess.run(
            inside, env=self._environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def systemctl(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs `systemctl --user`."""
        return self.run(["systemctl", "--user", *arguments])

    def close(self) -> None:
        """Ends it with everything that it has started."""
        os.killpg(self._process.pid, signal.SIGKILL)  # its first process dies with it, and the kernel ends the others
        self._process.wait()
        wait_until(self._is_gone, f"the end of everything in {self._group}")
        self._runtime.cleanup()

    def __enter__(self) -> "UserSystemd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _first(self) -> int:
        """The first process of the new namespaces; 0: there is none yet."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _is_running(self) -> bool:
        if not self._first() or not (Path(self._runtime.name) / "systemd/private").exists():
            return False
        return self.systemctl("is-active", "basic.target").stdout.strip() == "active"

    def _is_gone(self) -> bool:
        for folder in sorted(self._group.rglob("*/"), key=lambda path: -len(path.parts)):
            if folder.is_dir():
                try:
                    folder.rmdir()
                except OSError:
                    return False
        try:
            self._group.rmdir()
        except OSError:
            return False
        return True

    def log(self) -> str:
        """The end of what it has said."""
        return tail(self._log)
