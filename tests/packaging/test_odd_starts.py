"""The packaged executable started as few people start it: as the console script does there, it answers, or in one line.

Its interpreter is told where it lies and by which locale it works; the console script's finds that out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab.sealed_home import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.sealed_home import Helper
    from tests.packaging.built import Built

SERVER = "quay.example.com"
PAIR = {"ServerURL": SERVER, "Username": "jürgen-ß€", "Secret": "gehéim"}
LATIN = "en_US.ISO-8859-1"
LONGER_THAN_A_PATH = 18 * ["n" * 240]


@pytest.fixture
def console_script(helper: Helper, tmp_path: Path) -> Path:
    """In the same home, with a pair that is not ASCII and folders that are not."""
    folder = tmp_path / "gehäuse"
    helper.home.environment |= {"XDG_CONFIG_HOME": str(folder), "DOCKER_CONFIG": str(folder / "döcker")}
    configuration = folder / NAME / "config.toml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text('storage = "file"\n[registries."127.0.0.1:1"]\n')
    assert helper.run("store", json.dumps(PAIR)).returncode == 0
    return Path(sys.executable).parent / NAME


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with one that is not UTF-8."""
    need(
        "localedef and its sources", "apt-get install locales", Path("/usr/share/i18n/charmaps/ISO-8859-1.gz").exists()
    )
    folder = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-i", "en_US", "-f", "ISO-8859-1", folder / LATIN], check=True)
    return str(folder)


def answer(
    program: Path | str, *words: str, environment: dict[str, str], said: bytes = b""
) -> tuple[int, bytes, bytes]:
    done = subprocess.run([program, *words], env=environment, input=said, capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX", LATIN, "xx_XX"])
def test_as_the_console_script_in_each_locale(helper: Helper, console_script: Path, locales: str, locale: str) -> None:
    environment = helper.home.environment | {"LC_ALL": locale, "LOCPATH": locales}
    seen = {}
    for words, said in (
        (["get"], SERVER.encode()),
        (["get"], "härbor.example.com".encode()),
        (["get"], b"\xff"),
        (["list"], b""),
        (["status"], b""),
        (["setup", "--no-login", "--dry-run", "härbor.example.com"], b""),
    ):
        seen[words[0]] = answer(helper.program, *words, environment=environment, said=said)
        assert seen[words[0]] == answer(console_script, *words, environment=environment, said=said), (words, said)
    assert json.loads(seen["list"][1]) == {SERVER: PAIR["Username"]}
    assert "döcker".encode() in seen["setup"][1], "as the folder's name has it"


@pytest.mark.parametrize("streams", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-", "1>/dev/full", "2>/dev/full", "| true"])
def test_as_the_console_script_with_streams_that_are_closed_or_full(
    helper: Helper, console_script: Path, streams: str
) -> None:
    given = "" if "0<" in streams else f"echo {SERVER} |"
    for verb in ("get", "list"):
        script = f'set -o pipefail; {given} "$0" {verb} {streams}'
        ours, theirs = (
            answer("bash", "-c", script, str(program), environment=helper.home.environment)
            for program in (helper.program, console_script)
        )
        assert ours == theirs, verb


class TestPlaces:
    @pytest.fixture(params=["with space", "ünï", os.fsdecode(b"no text \xff")], ids=["space", "not ASCII", "no text"])
    def program(self, built: Built, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
        return Path(shutil.copytree(built.folder, tmp_path / request.param)) / NAME

    @pytest.fixture
    def ask(self, helper: Helper, console_script: Path) -> Callable[..., None]:  # noqa: ARG002 - its home
        def ask(script: str, folder: Path, **variables: str) -> None:
            command = ["sh", "-c", script, "sh", str(folder)]
            environment = helper.home.environment | variables
            done = subprocess.run(command, cwd=folder, env=environment, input=SERVER.encode(), capture_output=True)
            assert (done.returncode, done.stderr) == (0, b"")
            assert json.loads(done.stdout) == PAIR

        return ask

    @pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
    def test_however_it_is_named(self, program: Path, ask: Callable[..., None], tmp_path: Path, locale: str) -> None:
        links = tmp_path / "links"
        links.mkdir()
        (links / NAME).symlink_to(os.path.relpath(program, links))
        path = f"{links}:{os.environ['PATH']}"
        for script in (f'"$1/{NAME}" get', f"./{NAME} get", f"../links/{NAME} get", f"{NAME} get"):
            ask(script, program.parent, LC_ALL=locale, PATH=path)
            if os.geteuid() == 0:
                ask(f"unshare --mount sh -c 'mount -t tmpfs none /proc && {script}' \"$@\" \"$1\"", program.parent,
                    LC_ALL=locale, PATH=path)  # fmt: skip

    @pytest.mark.parametrize("proc", [True, False], ids=["with /proc", "without"])
    def test_a_folder_that_has_no_path(self, built: Built, tmp_path: Path, proc: bool) -> None:
        """Longer than the kernel's limit, it can be gone into all the same, step by step."""
        need("root, for a mount", "run the tests as root", proc or os.geteuid() == 0)
        steps = " && ".join(f"mkdir {name} && cd -P {name}" for name in LONGER_THAN_A_PATH)
        hidden = "" if proc else "mount -t tmpfs none /proc && "
        script = f'{steps} && cp "$1" . && {hidden}./{NAME} version'
        command = [*([] if proc else ["unshare", "--mount"]), "bash", "-c", script, "bash", str(built.program)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        subprocess.run(["rm", "-rf", str(tmp_path / LONGER_THAN_A_PATH[0])], check=True)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"{NAME}: where it is installed cannot be told (File name too long): install it in another folder\n"
        )
