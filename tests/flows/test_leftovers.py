"""What killed processes left behind: a secret that is gone is gone everywhere, and nobody is taken for a worker."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.outside.json_record import as_json
from docker_credential_harbor.sign_in.window_note import Note
from docker_credential_harbor.system import lock, processes
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.sealed_home import Helper
    from tests.lab.secret_service import SecretService
    from tests.lab.workplace import Workplace

SERVER = "harbor.example.com"
ROBOT = json.dumps({"ServerURL": SERVER, "Username": "robot$ci", "Secret": "Robot-Secret-1"})


def leave_behind(data: Path) -> Path:
    """As a writer that was killed just now."""
    leftover = data / "docker-credential-harbor" / ".secrets.json.4711-abcd.tmp"
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_text("Robot-Secret-1")
    return leftover


class TestSecretsOfKilledWriters:
    @pytest.fixture
    def configured(self, helper: Helper) -> Helper:
        helper.configure(f'storage = "file"\n[registries."{SERVER}"]\n')
        return helper

    @pytest.mark.parametrize("stored", [False, True])
    @pytest.mark.parametrize("verb", ["erase", "logout"])
    def test_they_go_with_the_rest(self, configured: Helper, verb: str, stored: bool) -> None:
        if stored:
            assert configured.run("store", ROBOT).returncode == 0
        leftover = leave_behind(configured.home.folders["XDG_DATA_HOME"])
        arguments, payload = (verb, SERVER) if verb == "erase" else ([verb, SERVER], "")
        assert configured.run(arguments, payload).returncode == 0
        assert not leftover.exists()
        files = [path for path in configured.home.path.rglob("*") if path.is_file()]
        assert not any(b"Robot-Secret-1" in path.read_bytes() for path in files)

    def test_they_go_with_a_pair_of_another_server(self, configured: Helper) -> None:
        leftover = leave_behind(configured.home.folders["XDG_DATA_HOME"])
        assert configured.run("erase", "ghcr.io").returncode == 0
        assert not leftover.exists()

    def test_the_next_writer_takes_them_away(self, configured: Helper) -> None:
        leftover = leave_behind(configured.home.folders["XDG_DATA_HOME"])
        assert configured.run("store", ROBOT).returncode == 0
        assert not leftover.exists()

    def test_where_the_keyring_keeps_what_is_erased(self, helper: Helper, secret_bus: SecretService) -> None:
        helper.home.environment.update(secret_bus.environment)
        helper.configure(f'[registries."{SERVER}"]\n')
        assert helper.run("store", ROBOT).returncode == 0
        leftover = leave_behind(helper.home.folders["XDG_DATA_HOME"])
        assert helper.run(["logout", SERVER]).returncode == 0
        assert not leftover.exists()


class TestPairsOfClients:
    """`setup` was killed while it changed the files of Docker and podman, which held pairs; one of them is a link."""

    @pytest.mark.parametrize("words", [["--no-login"], ["--undo"]], ids=["setup", "undo"])
    def test_they_go_with_the_next_setup(self, helper: Helper, tmp_path: Path, words: list[str]) -> None:
        docker = tmp_path / "elsewhere" / "config.json"
        podman = helper.home.folders["XDG_CONFIG_HOME"] / "containers" / "auth.json"
        for file in (docker, podman):
            file.parent.mkdir()
            file.write_text("{}")
            (file.parent / f".{file.name}.4711-abcd.tmp").write_text('{"auths": {"ghcr.io": {"auth": "YTpi"}}}')
        (helper.home.docker_config / "config.json").symlink_to(docker)
        assert helper.run(["setup", *words, SERVER]).returncode == 0
        assert [path.name for path in (*docker.parent.iterdir(), *podman.parent.iterdir())] == [
            docker.name,
            podman.name,
        ]


class TestStaleNoteOfAWorker:
    """A worker was killed, and its number is somebody else's now; another worker has just taken the window."""

    @pytest.fixture
    def innocent(self) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
            yield process
            process.kill()

    @pytest.mark.parametrize("mark", ["none", "another start", "another machine"])
    @pytest.mark.parametrize("verb", ["logout", "erase"])
    def test_nobody_else_is_ended(
        self, helper: Helper, innocent: subprocess.Popen[bytes], verb: str, mark: str
    ) -> None:
        helper.configure(f'[registries."{SERVER}"]\n')
        state = helper.home.folders["XDG_STATE_HOME"] / "docker-credential-harbor"
        state.mkdir()
        marks = {
            "none": "",
            "another start": f"{processes.mark(innocent.pid)}0",
            "another machine": f"another {processes.mark(innocent.pid)}",
        }
        note = as_json(Note("a-run", SERVER, "SIGN_IN", innocent.pid, marks[mark]))
        if mark == "none":  # as an older version wrote it
            del note["process"]
        (state / "window.json").write_text(json.dumps(note))
        with lock.hold(state / "window.lock", 0) as held:
            assert held
            arguments, payload = (verb, SERVER) if verb == "erase" else ([verb, SERVER], "")
            answer = helper.run(arguments, payload)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert innocent.poll() is None

    def test_its_own_worker_is(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        workplace.person.decline = True
        asking = workplace.start_get()
        note = workplace.helper.home.folders["XDG_STATE_HOME"] / "docker-credential-harbor" / "window.json"
        wait_until(lambda: workplace.person.windows == 1, "the window")
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        output, errors = asking.communicate(timeout=60)
        assert b"was ended before it was finished" in errors, output
        assert not json.loads(note.read_text())["ended"], "by a signal, and not by the time"
