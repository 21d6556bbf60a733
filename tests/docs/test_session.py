"""From an installed package to a pull, by one command and one sign-in: what a person sees in their terminal, recorded.

The packaged executable, a real shell, Chromium, Keycloak, Docker and a registry. `make pictures` keeps the recording
as the picture that the README shows; a test compares what that says.
"""

from __future__ import annotations

import html
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import recording
from tests.lab.terminal import Terminal
from tests.lab.workplace import WITH_OFFLINE
from tests.packaging.conftest import FIRST_BUILD_SECONDS, built, helper

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeDesk
    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.desk import Desk

__all__ = ["built", "helper"]  # fixtures: the packaged executable

KEEP = "DOCS_PICTURES"
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "session.svg"
NAME = "harbor.example.com"
TITLE = "setup and the first docker pull, recorded in a terminal"
DIGITS = re.compile(r"\b(sha256:)?[0-9a-f]{12,64}\b")


@pytest.mark.timeout(FIRST_BUILD_SECONDS)
def test_one_command_one_sign_in_and_a_pull(
    make_desk: MakeDesk, chromium_person: ChromiumPerson, tmp_path: Path
) -> None:
    desk = make_desk(somebody=chromium_person, harbor={"scopes": WITH_OFFLINE})
    desk.publish()
    with shell(desk, tmp_path / "programs") as terminal:
        terminal.wait_for("$ ")
        terminal.enter(f"docker-credential-harbor setup {desk.workplace.harbor.url}\n")
        terminal.wait_for("Try it: docker pull ")
        terminal.wait_for("\n$ ")
        terminal.enter(f"docker pull {desk.image}\n")
        terminal.wait_for("Status: Downloaded newer image")
        terminal.wait_for("\n$ ", 2)
        session = recording.states(terminal.chunks, as_published(desk))
        terminal.enter("exit\n")
        assert terminal.wait() == 0
    assert (chromium_person.windows, chromium_person.forms) == (1, 1)

    lines = session[-1].lines
    commands = [line for line in lines if line.startswith("$ ")]
    assert commands == [f"$ docker-credential-harbor setup {NAME}", f"$ docker pull {NAME}/demo/hello:1"]
    after = lines[lines.index(commands[1]) :]
    assert not any(line.startswith("docker-credential-harbor: ") for line in after), "from then on without a word"
    assert not re.search(r"127\.0\.0\.1:\d+/(?!…)|/tmp/", "\n".join(lines)), "nothing of the lab shows"

    svg = recording.drawn(session, TITLE)
    kept = os.environ.get(KEEP)
    (Path(kept) if kept else tmp_path).joinpath(PICTURE.name).write_text(svg)
    assert said(PICTURE.read_text()) == said(svg), "the picture is not what happens any more: make pictures"


def shell(desk: Desk, programs: Path) -> Terminal:
    """On its PATH are docker and the helper: what `setup` says of other credential stores differs by machine."""
    environment = desk.workplace.helper.home.environment
    environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
    programs.mkdir()
    for program in (shutil.which("docker") or "docker", desk.workplace.helper.program):
        (programs / Path(program).name).symlink_to(program)
    environment["PATH"] = str(programs)
    # The lab's own: an engine, a keyring that leaves nothing behind, a prompt that says nothing.
    environment |= {"DOCKER_HOST": desk.engine.host, "DOCKER_CREDENTIAL_HARBOR_STORAGE": "file", "PS1": "$ "}
    command = [shutil.which("bash") or "bash", "--norc", "--noprofile", "--noediting", "-i"]
    return Terminal(command, {**environment, "TERM": "xterm"}, recording.UNWRAPPED_COLUMNS)


def as_published(desk: Desk) -> Callable[[str], str]:
    """The lab's addresses and folders by the names that the documentation uses; long addresses without their query."""
    workplace = desk.workplace

    def shown(line: str) -> str:
        if line.startswith("$ "):
            line = line.replace(workplace.harbor.url, NAME)
        line = line.replace(workplace.realm.issuer, "https://sso.example.com/realms/dev")
        line = line.replace(workplace.harbor.url, f"https://{NAME}").replace(workplace.name, NAME)
        line = line.replace(str(workplace.helper.home.path), "/home/alice")
        line = re.sub(r"(http://127\.0\.0\.1:)\d+/[\w-]{22}\b", r"\g<1>41753/…", line)
        return re.sub(r"(https://\S+\?)\S{40,}", r"\1…", line)

    return shown


def said(svg: str) -> str:
    """The text of a picture; digests differ each time."""
    found = re.search(r'<desc id="text">(.*?)</desc>', svg, re.DOTALL)
    assert found
    return DIGITS.sub("…", html.unescape(found[1]))
