"""Callers that draw over the last lines of the terminal: what they leave of a sign-in, read from the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import docker_plugins
from tests.lab.camera import read
from tests.lab.processes import wait_until
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.desk import Desk

SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "TERM": "xterm"}
QUICK = {"attributes": {"oauth2DevicePollingInterval": "1"}}
LINK = re.compile(r"open this in a browser on any device: (\S+?\?user_code=[A-Z]{4}-[A-Z]{4})")
IMAGES = 4
TALL = 64  # rows: room for a QR code and for what is drawn below it
CLIENTS = ("buildkit", "buildx", "compose")


def command(desk: Desk, client: str) -> list[str]:
    """What asks for four private images at once, each in a `get` of its own."""
    names = [f"{desk.workplace.name}/demo/part{number}:1" for number in range(IMAGES)]
    for name in names:
        desk.publish(name)
    home = desk.workplace.helper.home
    folder = home.path / "project"
    folder.mkdir()
    if client == "compose":
        file = folder / "compose.yaml"
        services = "\n".join(f"  part{number}:\n    image: {name}" for number, name in enumerate(names))
        file.write_text(f"services:\n{services}\n")
        docker_plugins.install(client, home.docker_config)
        return ["docker", "compose", "-f", str(file), "pull"]
    stages = [f"FROM {name} AS part{number}" for number, name in enumerate(names)]
    copies = [f"COPY --from=part{number} /file /file{number}" for number in range(IMAGES)]
    (folder / "Dockerfile").write_text("\n".join([*stages, "FROM scratch", *copies]))
    if client == "buildx":
        docker_plugins.install(client, home.docker_config)
        return ["docker", "build", str(folder)]
    return ["env", "DOCKER_BUILDKIT=1", str(docker_plugins.DEBIANS_DOCKER), "build", str(folder)]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "buildkit":
        need("Docker 20.10", "apt-get install docker.io", docker_plugins.DEBIANS_DOCKER.exists())
    elif docker_plugins.plugin(request.param) is None:  # minutes of a compiler's time: too long for every run
        pytest.skip(f"real part missing: {request.param} ({docker_plugins.__doc__})")
    return str(request.param)


def at_terminal(desk: Desk, words: list[str], rows: int) -> Terminal:
    environment = {**desk.workplace.helper.home.environment, **SSH, "DOCKER_HOST": desk.engine.host}
    environment.pop("BROWSER")
    return Terminal(words, environment, rows=rows)


def blocks(rows: list[str]) -> int:
    return "".join(rows).count("open this in a browser on any device")


def code_on(rows: list[str]) -> str:
    """What a phone reads from the one QR code on the screen."""
    return read([row for row in rows if "█" in row])


class TestByCode:
    def test_one_whole_block_leads_to_all_images(self, make_desk: Callable[..., Desk], client: str) -> None:
        desk = make_desk(realm=QUICK)
        desk.set_up()
        words = command(desk, client)
        desk.workplace.person.open(f"{desk.workplace.harbor.url}/c/oidc/login")  # Harbor's side lives
        desk.workplace.person.reset()
        with at_terminal(desk, words, TALL) as terminal:
            terminal.wait_for_on_screen("confirm it there within")
            drawn = len(terminal.chunks)
            wait_until(lambda: len(terminal.chunks) >= drawn + 10, "the caller to draw again and again")
            rows = terminal.screen
            [link] = LINK.findall("".join(rows))
            assert blocks(rows) == 1, "\n".join(rows)
            assert code_on(rows) == link, "\n".join(rows)
            desk.workplace.person.open(link)
            assert terminal.wait() == 0, "\n".join(terminal.screen)
        assert blocks([terminal.raw]) == 1
        assert desk.workplace.person.windows == 1

    @pytest.mark.parametrize("rows", [24, 40])
    def test_where_there_is_no_room_for_a_qr_code_the_link_stays(
        self, make_desk: Callable[..., Desk], client: str, rows: int
    ) -> None:
        """Nobody opens it, and the cause is there at the end."""
        desk = make_desk(realm=QUICK)
        desk.set_up()
        words = command(desk, client)
        environment = desk.workplace.helper.home.environment
        environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = "8"
        with at_terminal(desk, words, rows) as terminal:
            terminal.wait_for_on_screen("confirm it there within")
            drawn = len(terminal.chunks)
            wait_until(lambda: len(terminal.chunks) >= drawn + 10, "the caller to draw again and again")
            seen = terminal.screen
            assert len(LINK.findall("".join(seen))) == blocks(seen) == 1, "\n".join(seen)
            assert any("█" in row for row in seen) is (rows >= 40), "\n".join(seen)
            assert terminal.wait() != 0
        rows_at_end = terminal.scrolled_rows  # BuildKit ends with a report as high as the terminal
        told = re.search(r"docker-credential-harbor: \[([\w-]+)\]", "".join(rows_at_end))
        # One that asks after the others have ended is told of the pause.
        causes = ("device-code-expired", "sign-in-timed-out", "sign-in-paused")
        assert told, "\n".join(rows_at_end)
        assert told[1] in causes
        assert f"run: docker-credential-harbor login {desk.workplace.name}" in "".join(rows_at_end)
