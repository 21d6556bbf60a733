"""What others on this machine see of a sign-in and can do with it; and a browser that is not on it at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode, urlsplit

import pytest

from tests.conftest import need
from tests.lab import network, ordinary_user, ssh
from tests.lab.chromium_person import SWITCHES, chromium
from tests.lab.person import CookiePerson
from tests.lab.processes import wait_until
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.page import Page
    from tests.lab.person import Person
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

# Prints the status of the answer, and where it leads.
VISIT = """
import sys, http.client, urllib.parse
parts = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(parts.netloc, timeout=30)
connection.request("GET", urllib.parse.urlunsplit(("", "", *parts[2:])))
answer = connection.getresponse()
print(answer.status, answer.getheader("Location"))
"""


def visit_as_another_user(url: str) -> tuple[str, str]:
    command = [*ordinary_user.command(), sys.executable, "-c", VISIT, url]
    status, location = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return status, location


def command_lines() -> list[str]:
    """Of all processes, as any user can read them (proc(5))."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has ended
            continue
    return found


def ended(asking: subprocess.Popen[bytes]) -> tuple[int | None, str, str]:
    output, errors = asking.communicate(timeout=60)
    return asking.returncode, output.decode(), errors.decode()


class Noting:
    """For $BROWSER: it notes the address, and nobody visits that yet."""

    def __init__(self, folder: Path) -> None:
        self._noted, new, program = folder / "link", folder / "new", folder / "browser"
        program.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{new}'; mv '{new}' '{self._noted}'\n")
        program.chmod(0o755)
        self.command = str(program)

    def link(self) -> str:
        wait_until(self._noted.exists, "the browser")
        return self._noted.read_text()


@pytest.fixture
def noting(tmp_path: Path) -> Noting:
    return Noting(tmp_path)


def test_no_command_line_shows_the_request(
    make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], keycloak: Keycloak, tmp_path: Path
) -> None:
    """Of a real browser and its processes, while it shows the provider's form.

    It has a socket in TMPDIR, whose path must be short.
    """
    need("chromium", "apt-get install chromium", chromium())
    proxy = make_proxy(keycloak.url)
    workplace = make_workplace(through=proxy)
    program = tmp_path / "browser"
    switches = " ".join([*SWITCHES, "--headless", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}/profile"])
    program.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\nTMPDIR=/tmp exec {chromium()} {switches} "$1"\n')
    program.chmod(0o755)
    asking = workplace.start_get(BROWSER=str(program))

    def ours() -> list[str]:
        return [asked for asked in proxy.seen if "/auth?" in asked and "code_challenge=" in asked]

    try:
        # The helper has looked at the same address before it opened the browser.
        wait_until(lambda: any(n == 2 for n in Counter(ours()).values()), "the browser at the provider", 60)
        lines = command_lines()
    finally:
        workplace.helper.run("erase", workplace.name)
        ended(asking)
        os.kill(int((tmp_path / "pid").read_text()), 15)
    shown = [line for line in lines if f"{tmp_path}/profile" in line and "http://" in line]
    assert shown, "the browser's"
    assert all(re.search(r"http://127\.0\.0\.1:\d+/[\w-]{22} *$", line) for line in shown)
    assert not any(workplace.realm.name in line for line in lines)
    challenges = re.findall(r"code_challenge=([\w-]+)", " ".join(ours()))
    assert challenges
    assert not any(challenge in line for line in lines for challenge in challenges)


def opened_twice(workplace: Workplace) -> tuple[Page, str]:
    """A sign-in whose window is open when the link is opened, too: that page, and what `get` says."""
    windows = workplace.person.windows
    asking = workplace.start_get()
    workplace.person.wait_for_windows(windows + 1)
    page = workplace.person.open(workplace.person.urls[-1])
    status, output, errors = ended(asking)
    assert (status, output) == (1, "credentials not found in native keychain\n")
    return page, errors


def test_a_second_visit_ends_it_and_says_why(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace()
    workplace.person.decline = True
    page, errors = opened_twice(workplace)
    assert (page.status, page.title) == (410, "This link works once - docker-credential-harbor")
    assert "the sign-in was ended" in page.text
    assert "[sign-in-opened-twice]" in errors
    assert f"docker-credential-harbor login {workplace.name}" in errors
    workplace.person.decline = False
    assert "no window opens by itself for" in workplace.refused(), (
        "it counts as declined, as any window that helped nobody"
    )
    assert workplace.helper.run("login").returncode == 0
    assert workplace.pair()[0] == "alice-h"


def test_the_printed_link_can_be_opened_instead(make_workplace: MakeWorkplace, noting: Noting) -> None:
    workplace = make_workplace()
    asking = workplace.start_get(BROWSER=noting.command)
    opened = noting.link()
    workplace.person.open(opened)
    status, output, errors = ended(asking)
    assert status == 0, output + errors
    assert f"only if none appears, open: {opened}\n" in errors


def test_another_users_visit_counts_for_nothing(make_workplace: MakeWorkplace, noting: Noting) -> None:
    """Who reads the command line and is quicker than the person's browser gets no request to sign in with."""
    workplace = make_workplace()
    asking = workplace.start_get(BROWSER=noting.command)
    opened = noting.link()
    for _ in range(2):
        assert visit_as_another_user(opened) == ("403", "None")
    workplace.person.open(opened)
    status, output, errors = ended(asking)
    assert status == 0, output + errors
    assert json.loads(output)["Username"] == "alice-h"


def test_another_user_signs_nobody_in_as_himself(make_workplace: MakeWorkplace) -> None:
    """Even one who has the whole request: his own sign-in with it is a stranger's, and the person's goes on."""
    workplace = make_workplace()
    workplace.onboard("bob", "bob-h")
    workplace.person.decline = True
    asking = workplace.start_get()
    workplace.person.wait_for_windows(1)
    [asked] = workplace.person.authorization_requests()
    with CookiePerson("bob") as somebody:
        bob = cast("CookiePerson", somebody)
        back = bob.walk_to(f"{workplace.realm.endpoint('auth')}?{urlencode(asked)}", asked["redirect_uri"])
    assert "code=" in back
    assert visit_as_another_user(back) == ("302", "/refused/other-user")
    workplace.person.decline = False
    workplace.person.go_on()
    status, output, errors = ended(asking)
    assert status == 0, output + errors
    assert json.loads(output)["Username"] == "alice-h"


def test_chromium_comes_back_to_localhost(make_workplace: MakeWorkplace, chromium_person: Person) -> None:
    """Whichever of its two addresses Chromium takes."""
    workplace = make_workplace(somebody=chromium_person, redirect_uri="http://localhost/callback")
    workplace.realm.update_client(HELPER_CLIENT, redirectUris=["http://localhost/callback"])
    assert workplace.pair()[0] == "alice-h"
    assert (chromium_person.windows, chromium_person.forms) == (1, 1)


class DistantPerson(CookiePerson):
    """alice at another machine, whose loopback port leads here by `ssh -L` as soon as something is to be opened."""

    def __init__(self, folder: Path, place: network.Network, ssh_port: int, host: str) -> None:
        self._way = (folder, place, network.LIVE, ssh_port)
        self._place, self._host = place, host
        super().__init__()

    def _live(self) -> None:
        self._place.enter()
        super()._live()

    def _walk(self, url: str) -> Page:
        port = urlsplit(url).port
        assert port
        with ssh.forward(*self._way, port):
            return super()._walk(url.replace("127.0.0.1", self._host))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_that_ssh_forwards(make_workplace: MakeWorkplace, tmp_path: Path, host: str) -> None:
    """By the name that the address has, and by the one that VS Code gives it."""
    need("root, for another network", "run the tests as root", os.geteuid() == 0)
    need("network namespaces", "apt-get install iproute2 util-linux", not network.missing())
    need("SSH", "apt-get install openssh-server openssh-client", not ssh.missing())
    with ExitStack() as stack:
        place = stack.enter_context(network.Network(tmp_path, {"machine.example.com": [network.LIVE]}))
        ssh_port = stack.enter_context(ssh.server(tmp_path))
        place.lead(network.LIVE, ssh_port, ssh_port)
        person = stack.enter_context(DistantPerson(tmp_path, place, ssh_port, host))
        workplace = make_workplace(somebody=person)
        for url in (workplace.realm.issuer, workplace.harbor.url):
            port = urlsplit(url).port
            assert port
            place.lead("127.0.0.1", port, port)
        assert workplace.pair()[0] == "alice-h"
        assert (person.windows, person.forms) == (1, 1)
