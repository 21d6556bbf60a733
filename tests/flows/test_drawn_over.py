"""Callers that draw over the last lines of the terminal: what they leave of a sign-in, read from the screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.lab import docker_plugins
from tests.lab.camera import read
from tests.lab.pace import paced
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
CLIENTS = ("buildkit", "buildx", "compose", "compose build")


def command(desk: Desk, client: str) -> list[str]:
    """What asks for four private images at once, each in a `get` of its own."""
    names = [f"{desk.workplace.name}/demo/part{number}:1" for number in range(IMAGES)]
    for name in names:
        desk.publish(name)
    home = desk.workplace.helper.home
    folder = home.path / "project"
    folder.mkdir()
    if client.startswith("compose"):
        file = folder / "compose.yaml"
        builds = client == "compose build"
        for number, name in enumerate(names):
            (folder / str(number)).write_text(f"FROM {name}\n")
        build = 'build: {{context: ., dockerfile: "{}"}}'
        what = [build.format(number) if builds else f"image: {name}" for number, name in enumerate(names)]
        alone = "network_mode: none, command: [never, started]"
        services = "".join(f"  part{number}: {{{each}, {alone}}}\n" for number, each in enumerate(what))
        file.write_text(f"services:\n{services}")
        for plugin in ("buildx", "compose") if builds else ("compose",):
            docker_plugins.install(plugin, home.docker_config)
        return ["docker", "compose", "-f", str(file), "build" if builds else "pull"]
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
    else:
        plugins = ("compose", "buildx") if request.param == "compose build" else (request.param,)
        if missing := [name for name in plugins if docker_plugins.plugin(name) is None]:
            # Minutes of a compiler's time: too long for every run.
            pytest.skip(f"real part missing: {', '.join(missing)} ({docker_plugins.__doc__})")
    return str(request.param)


def at_terminal(desk: Desk, words: list[str], rows: int, browser: str = "") -> Terminal:
    """Over SSH, unless there is a browser."""
    environment = {**desk.workplace.helper.home.environment, "TERM": "xterm", "DOCKER_HOST": desk.engine.host}
    if browser:
        environment["BROWSER"] = browser
    else:
        environment.pop("BROWSER")
        environment |= SSH
    return Terminal(words, environment, rows=rows)


def wait_until_drawn(terminal: Terminal) -> list[str]:
    """By the caller, again and again; the rows of the screen then."""
    drawn = len(terminal.chunks)
    wait_until(lambda: len(terminal.chunks) >= drawn + 10, "the caller to draw again and again")
    return terminal.screen


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
            terminal.wait_for("confirm it there within")
            rows = wait_until_drawn(terminal)
            assert LINK.search("".join(rows)), "\n".join(rows)
            [link] = LINK.findall("".join(rows))
            assert blocks(rows) == 1, "\n".join(rows)
            assert code_on(rows) == link, "\n".join(rows)
            desk.workplace.person.open(link)
            assert terminal.wait() == 0, terminal.raw
        assert blocks([terminal.raw]) == 1
        assert desk.workplace.person.windows == 1

    # compose makes twenty-three rows of four builds: they fill a terminal of 24.
    @pytest.mark.parametrize(
        ("client", "rows"),
        [(client, rows) for client in CLIENTS for rows in (24, 40) if (client, rows) != ("compose build", 24)],
        indirect=["client"],
    )
    def test_where_there_is_no_room_for_a_qr_code_the_link_stays(
        self, make_desk: Callable[..., Desk], client: str, rows: int
    ) -> None:
        """Nobody opens it, and the cause is there at the end."""
        desk = make_desk(realm=QUICK)
        desk.set_up()
        words = command(desk, client)
        environment = desk.workplace.helper.home.environment
        environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = str(paced(8))
        with at_terminal(desk, words, rows) as terminal:
            terminal.wait_for("confirm it there within")
            seen = wait_until_drawn(terminal)
            assert len(LINK.findall("".join(seen))) == blocks(seen) == 1, "\n".join(seen)
            assert not any("█" in row for row in seen), "\n".join(seen)
            assert terminal.wait() != 0
        rows_at_end = terminal.scrolled_rows  # BuildKit ends with a report as high as the terminal
        told = re.search(r"docker-credential-harbor: \[([\w-]+)\]", "".join(rows_at_end))
        # One that asks after the others have ended is told of the pause.
        causes = ("device-code-expired", "sign-in-timed-out", "sign-in-paused")
        assert told, "\n".join(rows_at_end)
        assert told[1] in causes
        assert f"run: docker-credential-harbor login {desk.workplace.name}" in "".join(rows_at_end)


class TestByBrowser:
    @pytest.mark.parametrize("client", ["buildkit", "buildx", "compose"], indirect=True)
    def test_the_link_stays_and_nothing_is_counted_down(self, make_desk: Callable[..., Desk], client: str) -> None:
        """No browser appears, so the person opens it by hand."""
        desk = make_desk()
        desk.set_up()
        words = command(desk, client)
        with at_terminal(desk, words, 40, browser="true") as terminal:
            terminal.wait_for("only if none appears, open: ")
            seen = "".join(wait_until_drawn(terminal))
            [link] = re.findall(r"open: (http://127\.0\.0\.1:\d+/[\w-]{22})", seen)
            assert seen.count("opening a browser") == 1
            assert "waiting for" not in seen
            desk.workplace.person.open(link)
            assert terminal.wait() == 0, terminal.raw
        assert terminal.raw.count("opening a browser") == 1
        assert desk.workplace.person.windows == 1


@pytest.mark.parametrize("client", ["compose"], indirect=True)
@pytest.mark.parametrize("way", ["a browser", "a code"])
@pytest.mark.parametrize("rows", [24, 40])
def test_four_private_images_at_once_as_a_new_user_gets_them(
    make_desk: Callable[..., Desk], client: str, way: str, rows: int
) -> None:
    """`docker compose up` with nobody signed in: every line that is left of it is what a person should read."""
    desk = make_desk(realm=QUICK)
    desk.set_up()
    [*words, _] = command(desk, client)
    person = desk.workplace.person
    browser = ""
    if way == "a browser":
        browser = desk.workplace.helper.home.environment["BROWSER"]
    else:
        person.open(f"{desk.workplace.harbor.url}/c/oidc/login")  # Harbor's side lives
        person.reset()
    with at_terminal(desk, [*words, "up", "--no-start"], rows, browser) as terminal:
        if not browser:
            person.open(terminal.wait_for("confirm it there within").partition("on any device: ")[2].split()[0])
        assert terminal.wait() == 0, "\n".join(terminal.scrolled_rows)
    assert person.windows == 1
    left = "\n".join(filter(None, terminal.scrolled_rows))
    for number in range(IMAGES):
        assert re.search(rf"^ . part{number} Pulled +[\d.]+s$", left, re.MULTILINE), left
    assert WHAT_IS_SAID[way].fullmatch(helpers_words(left)), left


WHAT_IS_SAID = {
    "a browser": re.compile(
        r"docker-credential-harbor: opening a browser to sign in at \S+; only if none appears, open: "
        r"http://127\.0\.0\.1:\d+/[\w-]{22}"
    ),
    "a code": re.compile(
        r"docker-credential-harbor: to sign in at \S+, open this in a browser on any device: "
        r"http://\S+/device\?user_code=([A-Z]{4}-[A-Z]{4})"
        r"docker-credential-harbor: it must show the code \1; confirm it there within \d+ s"
    ),
}
COMPOSES = re.compile(r"^(\[\+\] (Running|Creating) .*| . (part|Container ).*|   . [0-9a-f]{12} .*)\n?", re.MULTILINE)


def helpers_words(left: str) -> str:
    """What is on the terminal beside compose's own lines; the rows that a line was folded into as one."""
    return COMPOSES.sub("", left).replace("\n", "")
