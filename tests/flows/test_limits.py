"""The limits and variables of the caller's environment: few open files, core dumps, what Python itself obeys."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, ClassVar

import pytest

from tests.conftest import need
from tests.flows.conftest import NOT_FOUND
from tests.lab import ordinary_user

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.lab.sealed_home import Helper

SERVER = "127.0.0.1:1"  # nobody listens
PAIR = {"Username": "alice", "Secret": "Kept-Secret-1"}


@pytest.fixture
def known(helper: Helper) -> Helper:
    """A pair that is to be verified at a registry that is not there."""
    helper.configure(f'storage = "file"\ntimeout = 2\n[registries."{SERVER}"]\nurl = "http://{SERVER}"\n')
    assert helper.run("store", json.dumps({"ServerURL": SERVER, **PAIR})).returncode == 0
    return helper


class TestFewOpenFiles:
    # Python itself needs some while it starts, which and how many goes by how it was built and what was installed.
    STARTED = (
        "import resource, sys\n"
        "from docker_credential_harbor.__main__ import main\n"
        "sys.argv[0] = 'docker-credential-harbor'\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2)\n"
        "sys.exit(main())\n"
    )

    @pytest.mark.parametrize("files", [4, 5, 6, 7, 9, 12])
    @pytest.mark.parametrize("arguments", ["get", "erase", "list", "status", "doctor", "logout", "login", "keepalive"])
    def test_a_line_and_no_more(self, known: Helper, arguments: str, files: int) -> None:
        answer = self.under(known, files, arguments)
        said = answer.stdout + answer.stderr
        assert "Traceback" not in said
        assert "unexpected" not in said
        assert "broke-off" not in said
        if arguments == "get" and answer.returncode == 0:
            assert json.loads(answer.stdout)["Secret"] == PAIR["Secret"]
        elif arguments == "get":
            assert answer.stdout == NOT_FOUND
            assert "raise the limit on open files (ulimit -n)" in answer.stderr

    @pytest.mark.parametrize("files", [5, 8])
    def test_the_known_pair_goes_out_where_it_can_be_read(self, known: Helper, files: int) -> None:
        answer = self.under(known, files, "get")
        assert json.loads(answer.stdout)["Secret"] == PAIR["Secret"]
        assert answer.stderr.count("\n") == 1

    def test_no_connection(self, known: Helper) -> None:
        answer = self.under(known, 5, "get")
        assert "[no-files-left] the pair for" in answer.stderr
        assert "no more files can be opened here (too many open files): raise the limit" in answer.stderr

    def under(self, known: Helper, files: int, arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", self.STARTED, str(files), arguments]
        return subprocess.run(
            command,
            env=known.home.environment,
            input=SERVER,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            start_new_session=True,
        )


class TestCoreDumps:
    @pytest.mark.parametrize("arguments", ["get", "store", "erase"])
    def test_a_crash_leaves_none(self, known: Helper, tmp_path: Path, arguments: str) -> None:
        folder = tmp_path / "crashed"
        folder.mkdir()
        need("core dumps", "sysctl kernel.core_pattern=core", crash(["/bin/cat"], os.environ, folder))
        assert not crash([known.program, arguments], known.home.environment, folder)

    def test_of_a_program_that_is_started_from_here_the_caller_decides(self, tmp_path: Path) -> None:
        """A browser's crash is its own affair."""
        need("core dumps", "sysctl kernel.core_pattern=core", crash(["/bin/cat"], os.environ, tmp_path))
        assert crash([sys.executable, "-c", self.STARTS_ANOTHER], os.environ, tmp_path)

    @pytest.mark.parametrize("otherwise", ["another processor", "a Python without ctypes"])
    def test_a_crash_leaves_none_on_other_machines(self, tmp_path: Path, otherwise: str) -> None:
        need("core dumps", "sysctl kernel.core_pattern=core", crash(["/bin/cat"], os.environ, tmp_path))
        program = self.OTHERWISE[otherwise] + self.TAKES_ITS_INPUT
        assert not crash([sys.executable, "-c", program], os.environ, tmp_path)

    OTHERWISE: ClassVar = {
        "another processor": "import os; os.uname = lambda: os.uname_result(('Linux', '', '', '', 'riscv64'))\n",
        "a Python without ctypes": "import sys; sys.modules['_ctypes'] = None\n",
    }
    TAKES_ITS_INPUT = "import sys\nfrom docker_credential_harbor.__main__ import main\nsys.argv[1:] = ['get']\nmain()\n"

    def test_an_ordinary_user_still_finds_what_it_runs_and_has_open(self) -> None:
        """Most of /proc/self is root's then."""
        told = subprocess.run(
            [*ordinary_user.command(), sys.executable, "-c", self.LOOKS_AT_ITSELF],
            cwd="/",
            capture_output=True,
            check=True,
        )
        assert told.stdout.splitlines()[-1] == b"True True True"

    LOOKS_AT_ITSELF = (
        "import os, sys\n"
        "from docker_credential_harbor.__main__ import main\n"
        "from docker_credential_harbor.system import forked\n"
        "from docker_credential_harbor.system import processes\n"
        "mark = processes.mark(os.getpid())\n"
        "sys.argv[1:] = ['version']\n"
        "main()\n"
        "sys.stdout.flush()\n"
        "has_open = forked.finish(lambda: '2' in os.listdir('/proc/self/fd'))\n"
        "print(bool(mark), processes.is_running(os.getpid(), mark), has_open)\n"
    )
    STARTS_ANOTHER = (
        "import os, sys\n"
        "from docker_credential_harbor.__main__ import main\n"
        "sys.argv[1:] = ['version']\n"
        "main()\n"
        "os.execv('/bin/cat', ['cat'])\n"  # what a child does when it has been forked
    )


def unlimited() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)


def crash(command: list[str], env: Mapping[str, str], folder: Path) -> bool:
    """Whether the system dumped its memory (wait(2)), when it had taken the first part of its standard input."""
    with subprocess.Popen(
        command, env=env, cwd=folder, stdin=subprocess.PIPE, preexec_fn=unlimited, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        process.stdin.write(b"x" * 100)
        process.stdin.flush()
        ends_at = time.monotonic() + 30
        while unread(process.stdin.fileno()) and time.monotonic() < ends_at:
            time.sleep(0.01)
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -os.WTERMSIG(status)
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return os.WCOREDUMP(status)


def unread(pipe: int) -> int:
    """Bytes (ioctl_pipe, FIONREAD)."""
    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])


class TestPythonsOwnVariables:
    @pytest.mark.parametrize("arguments", ["get", "list", "version", "status"])
    def test_no_prompt_and_no_other_exit_status(self, known: Helper, arguments: str) -> None:
        plain = known.run(arguments, "other.example.com")
        inspected = known.run(arguments, "other.example.com", {"PYTHONINSPECT": "1"})
        assert (inspected.returncode, inspected.stdout, inspected.stderr) == (
            plain.returncode,
            plain.stdout,
            plain.stderr,
        )

    @pytest.mark.parametrize(
        "variable", ["PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONUNBUFFERED", "PYTHONSAFEPATH"]
    )
    def test_nothing_else_is_said(self, known: Helper, variable: str) -> None:
        plain = known.get(SERVER)
        answer = known.get(SERVER, {variable: "error" if variable == "PYTHONWARNINGS" else "1"})
        assert (answer.returncode, answer.stdout, answer.stderr) == (plain.returncode, plain.stdout, plain.stderr)
