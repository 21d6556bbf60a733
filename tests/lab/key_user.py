"""An ordinary user with a quota of keys (keyrings(7)): root, who runs the tests, has a million.

It keeps root's way through folders (capabilities(7)), so that it reaches the test's home and Python.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab import other_user
from tests.lab.processes import wait_until

CAPABILITIES = "+dac_override,+dac_read_search,+fowner"
REPOSITORY = Path(__file__).parents[2]
_numbers = itertools.count(1)

FILL = """
import sys
from docker_credential_harbor.warm_get import kernel_keys
for size in (int(sys.argv[1]), 1):
    try:
        for number in range(300):
            kernel_keys.add(b"filler %d %d" % (size, number), b"x" * size, kernel_keys.PROCESS)
    except OSError:
        pass
print("full", flush=True)
sys.stdin.read()
"""


class KeyUser:
    """`command(…)` is a program run as that user; `fill` uses the quota up until `free`; `close` leaves nothing."""

    def __init__(self) -> None:
        self.uid = 100_000 + os.getpid() * 10 + next(_numbers)
        self._filler: subprocess.Popen[str] | None = None

    @staticmethod
    def possible() -> bool:
        return os.geteuid() == 0 and shutil.which("setpriv") is not None

    def command(self, *program: str) -> list[str]:
        user = [f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
        return ["setpriv", *user, f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}", *program]

    def launcher(self, folder: Path, program: str) -> str:
        """A program of one name that does it."""
        path = folder / "as-key-user"
        path.write_text(f'#!/bin/sh\nexec {" ".join(self.command(program))} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def python(self, code: str, *arguments: str) -> list[str]:
        return self.command(
            sys.executable, "-c", f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{code}", *arguments
        )

    def fill(self, size: int = 4000) -> None:
        """With keys of that size, then with small ones; they are a process's own and go with it."""
        self._filler = subprocess.Popen(
            self.python(FILL, str(size)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._filler.stdout
        assert self._filler.stdout.readline() == "full\n"

    def free(self) -> None:
        if self._filler:
            self._filler.communicate()
            self._filler = None
            wait_until(self._has_room, "the kernel to collect the keys")

    def close(self) -> None:
        self.free()
        other_user.leave_nothing(self.uid)

    def _has_room(self) -> bool:
        """proc(5): UID: usage, keys, and of the quota keys/most, bytes/most."""
        found = re.search(
            rf"^ *{self.uid}: .* (\d+)/\d+ +\d+/\d+ *$", Path("/proc/key-users").read_text(), re.MULTILINE
        )
        return found is None or int(found[1]) < 5
