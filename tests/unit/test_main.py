"""The way in, as a process of its own: the warm `get`, the long way, and what never leaves here."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import NOT_FOUND
from docker_credential_harbor.warm_get import remembered
from tests.conftest import need
from tests.lab import kernel_keyring
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MEMBERS = '"Username": "alice-h", "Secret": "Cli Secret 1"'
# What is there once Python itself has started, and what the warm way adds to it.
ON_THE_WARM_WAY = {"docker_credential_harbor", "_ctypes", "ctypes", "time", "_struct", "struct"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home in which nothing is configured."""
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
    return {**dict.fromkeys(homes, str(tmp_path)), "PATH": "/usr/bin:/bin", "CI": "true", "LANG": "C.UTF-8"}


@pytest.fixture
def name() -> Iterator[str]:
    """Of a registry whose pair is remembered here."""
    need("kernel keyring", "a kernel with CONFIG_KEYS, and no filter before it", kernel_keyring.is_open())
    name = f"{uuid.uuid4()}.example.com"
    assert remembered.remember(name, MEMBERS.encode(), remembered.stamp([], []), 60)
    yield name
    remembered.forget(name)


def run(
    environment: dict[str, str],
    *arguments: str,
    stdin: str = "",
    program: str = "",
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *(["-c", program] if program else ["-m", "docker_credential_harbor"]), *arguments]
    return subprocess.run(
        command,
        input=stdin.encode(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=60,
        check=False,
    )


@contextmanager
def waiting_get(environment: dict[str, str], first: str) -> Iterator[subprocess.Popen[bytes]]:
    """One that has read so much of its standard input, and reads on."""
    command, pipe = [sys.executable, "-m", "docker_credential_harbor", "get"], subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        process.stdin.write(first.encode())
        process.stdin.flush()
        left = process.stdin.fileno()
        wait_until(lambda: fcntl.ioctl(left, termios.FIONREAD, b"1234") == bytes(4), "standard input to be read")
        yield process


class TestWarmGet:
    @pytest.mark.parametrize("form", ["{}", "https://{}", "https://{}/v2/", "{}:443", "{}/project/repo", " {}\r\n"])
    def test_the_remembered_pair_for_the_server_as_it_was_called(
        self, environment: dict[str, str], name: str, form: str
    ) -> None:
        url = form.format(name)
        done = run(environment, "get", stdin=url)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == f'{{"ServerURL":"{url.strip()}",{MEMBERS}}}\n'.encode()
        assert json.loads(done.stdout)["Secret"] == "Cli Secret 1"

    def test_it_imports_next_to_nothing(self, environment: dict[str, str], name: str) -> None:
        """It ends without Python's own end of a process, so what was imported shows in its answer's place."""
        program = (
            "import os, sys\n"
            "before = set(sys.modules)\n"
            "def told(*_): os.write(2, ' '.join(set(sys.modules) - before).encode()); raise SystemExit(0)\n"
            "from docker_credential_harbor.__main__ import main\n"
            "os._exit = told\n"
            "sys.argv[1:] = ['get']\n"
            "main()\n"
        )
        done = run(environment, program=program, stdin=name)
        assert done.stdout
        imported = {module.partition(".")[0] for module in done.stderr.decode().split()}
        assert "docker_credential_harbor" in imported
        assert imported <= ON_THE_WARM_WAY

    def test_a_server_url_that_comes_in_pieces(self, environment: dict[str, str], name: str) -> None:
        """Half of it may name another server."""
        with waiting_get(environment, name[:10]) as process:
            output, _ = process.communicate(name[10:].encode(), 60)
        assert json.loads(output)["ServerURL"] == name

    def test_the_long_way_gives_the_same_pair(self, environment: dict[str, str], tmp_path: Path, name: str) -> None:
        """Where the trace is asked for."""
        (tmp_path / "config.toml").write_text(f'storage = "file"\n[registries."{name}"]\n')
        environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"] = str(tmp_path / "config.toml")
        environment["DOCKER_CREDENTIAL_HARBOR_TRACE"] = "1"
        done = run(environment, "get", stdin=name)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"ServerURL": name, **json.loads("{" + MEMBERS + "}")}
        assert f"trace: {name}: the remembered pair".encode() in done.stderr

    @pytest.mark.parametrize("form", ["http://{}", '{}/"', "{}.other", "{}\u00fc"])
    def test_of_another_server_it_says_nothing(self, environment: dict[str, str], name: str, form: str) -> None:
        done = run(environment, "get", stdin=form.format(name))
        assert done.returncode == 1
        assert b"Cli Secret 1" not in done.stdout + done.stderr

    def test_more_than_one_pipe_holds_is_read_to_its_end(self, environment: dict[str, str], name: str) -> None:
        done = run(environment, "get", stdin=name + "/" + "x" * 5000)
        assert done.returncode == 1
        assert b"Cli Secret 1" not in done.stdout
        assert b"longer than" in done.stdout + done.stderr


class TestTheLongWay:
    def test_a_verb_of_dockers(self, environment: dict[str, str]) -> None:
        done = run(environment, "get", stdin="ghcr.io")
        assert (done.returncode, done.stdout, done.stderr) == (1, f"{NOT_FOUND}\n".encode(), b"")

    def test_a_command_for_people(self, environment: dict[str, str]) -> None:
        done = run(environment, "nonsense")
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"nonsense" in done.stderr

    def test_what_nobody_foresaw_is_one_line_and_for_docker_its_own_text(self, environment: dict[str, str]) -> None:
        program = (
            "import sys\n"
            "from docker_credential_harbor import __main__\n"
            "from docker_credential_harbor.entry import docker_protocol\n"
            "docker_protocol.serve = lambda *_: 1 / 0\n"
            "sys.exit(__main__.main())\n"
        )
        done = run(environment, "get", stdin="ghcr.io", program=program)
        assert (done.returncode, done.stdout) == (1, f"{NOT_FOUND}\n".encode())
        assert done.stderr.count(b"\n") == 1
        assert b"ZeroDivisionError" in done.stderr

    def test_ctrl_c_while_docker_has_not_said_yet_for_which_server(self, environment: dict[str, str]) -> None:
        with waiting_get(environment, "ghcr") as process:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.communicate() == (b"", b"")

    def test_an_output_that_cannot_be_written_is_a_failure(self, environment: dict[str, str]) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        done = run(environment, "--help", stdout=full)
        os.close(full)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert b"no space left on device" in done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
def test_a_crash_would_write_nothing_to_a_disk(environment: dict[str, str]) -> None:
    program = (
        "import ctypes, sys\n"
        "from docker_credential_harbor.__main__ import main\n"
        "sys.argv[1:] = ['version']\n"
        "main()\n"
        "sys.exit(ctypes.CDLL(None).prctl(3))\n"  # PR_GET_DUMPABLE
    )
    assert run(environment, program=program).returncode == 0
