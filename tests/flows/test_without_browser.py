"""Where there is no browser: device code and link to Harbor's login, on the real Keycloak and a real terminal."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.lab import faults
from tests.lab.camera import read
from tests.lab.pace import paced
from tests.lab.person import CookiePerson
from tests.lab.processes import wait_until
from tests.lab.terminal import Terminal
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

PREFIX = "docker-credential-harbor: "
SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
QUICK = {"oauth2DevicePollingInterval": 1}
CONFIRM = "confirm it there within"
FINISH = "to finish the sign-in at "
NO_DEVICE_GRANT = {"oauth2.device.authorization.grant.enabled": "false"}


@dataclass(frozen=True)
class Screen:
    """What a person reads on a terminal."""

    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def links(self) -> list[str]:
        return re.findall(r"open this in a browser on any device: (\S+)", self.text)

    @property
    def user_codes(self) -> list[str]:
        return re.findall(r"it must show the code (\S+);", self.text)

    @property
    def codes(self) -> list[str]:
        """What a phone reads from the QR codes, one below each link."""
        found: list[list[str]] = []
        for line in self.lines:
            if "any device" in line:
                found.append([])
            elif "█" in line:
                found[-1].append(line)
        return [read(lines) for lines in found if lines]


@pytest.fixture
def another() -> Iterator[CookiePerson]:
    """alice at her phone: a browser of its own, with other cookies."""
    with CookiePerson() as somebody:
        yield somebody  # type: ignore[misc]


@pytest.fixture
def make_remote(make_workplace: MakeWorkplace) -> MakeWorkplace:
    """A workplace at a machine that is reached over SSH."""

    def make(realm: dict[str, object] | None = None, **options: object) -> Workplace:
        workplace = make_workplace({**QUICK, **(realm or {})}, **options)
        del workplace.helper.home.environment["BROWSER"]
        workplace.helper.home.environment |= SSH
        return workplace

    return make


def at_terminal(workplace: Workplace, *arguments: str, columns: int = 100, **env: str) -> Terminal:
    return Terminal([workplace.helper.program, *arguments], {**workplace.helper.home.environment, **env}, columns)


def get_at_terminal(workplace: Workplace, *, piped: bool = False, **env: str) -> Terminal:
    """A `get` as Docker runs it: standard input and output are pipes; standard error too where it is ``piped``."""
    name, program = shlex.quote(workplace.name), shlex.quote(workplace.helper.program)
    get = f"printf %s {name} | {program} get" + (" 2>&1 >&3 | cat >&2" if piped else " >&3")
    script = f"exec 3> {shlex.quote(str(answer_file(workplace)))}; {get}"
    docker = workplace.helper.home.path / "docker"  # whose name says that it copies what its plugins are given
    docker.unlink(missing_ok=True)
    docker.symlink_to("/bin/sh")
    return Terminal([str(docker), "-c", script], {**workplace.helper.home.environment, **env})


def answer_file(workplace: Workplace) -> Path:
    return workplace.helper.home.path / "answer.json"


def answered(workplace: Workplace) -> tuple[str, str]:
    pair = json.loads(answer_file(workplace).read_text())
    return pair["Username"], pair["Secret"]


def let_harbor_live(workplace: Workplace) -> None:
    """Harbor's side has been renewed by somebody's browser, of which this machine knows nothing."""
    workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
    workplace.person.reset()


class TestLogin:
    def test_where_harbors_side_lives_a_code_is_all(self, make_workplace: MakeWorkplace) -> None:
        """On a desktop too, if that is asked for; nothing is opened by itself."""
        workplace = make_workplace(QUICK)
        let_harbor_live(workplace)
        with at_terminal(workplace, "login", "--device") as terminal:
            screen = Screen(terminal.wait_for(CONFIRM))
            [link], [user_code] = screen.links, screen.user_codes
            assert link == f"{workplace.realm.issuer}/device?user_code={user_code}"
            assert screen.codes == [link]
            assert workplace.person.windows == 0
            assert "Successful" in workplace.person.open(link).text
            assert terminal.wait() == 0, terminal.text
        screen = Screen(terminal.text)
        assert screen.links == [link]
        assert screen.lines[-1] == f"Signed in at {workplace.name} as alice-h."
        assert all(line.startswith(PREFIX) and line.isprintable() for line in screen.lines[:-1])
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        assert workplace.own_token_is_live()

    @pytest.mark.parametrize("onboarded", [True, False], ids=["dead-token", "picks-a-name"])
    def test_else_the_link_to_harbors_login_follows(
        self, make_remote: MakeWorkplace, another: CookiePerson, onboarded: bool
    ) -> None:
        """Each opened on a device of its own, by another set of cookies; `login` goes on by itself."""
        workplace = make_remote(onboarded=onboarded)
        another.onboard_as = "alice-h"
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            screen = Screen(terminal.wait_for(FINISH))
            assert screen.links[1] == f"{workplace.harbor.url}/c/oidc/login"
            another.open(screen.links[1])
            assert terminal.wait() == 0, terminal.text
        assert Screen(terminal.text).codes == Screen(terminal.text).links
        assert f"Signed in at {workplace.name} as alice-h." in terminal.text
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.harbor.expire_stored_access_token("alice-h")
        workplace.configure(top="cache_ttl = 0")
        assert workplace.get(CI="1").stderr == "", "Harbor refreshes what it stored in that walk"

    def test_nobody_walks_harbors_login(self, make_remote: MakeWorkplace) -> None:
        """The sign-in is kept all the same, so that the next `get` asks for the walk alone."""
        workplace = make_remote(top=f"login_timeout = {paced(6)}")
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            terminal.wait_for(FINISH)
            assert terminal.wait() == 1
        assert workplace.own_token_is_live()
        assert "renew" not in terminal.text

    def test_without_a_terminal_the_links_are_printed_all_the_same(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        let_harbor_live(workplace)
        process = workplace.helper.start("login")
        assert process.stderr
        text = b""
        while CONFIRM.encode() not in text:
            line = process.stderr.readline()
            assert line, text
            text += line
        assert "█" not in text.decode(), "nothing shows it"
        workplace.person.open(Screen(text.decode()).links[0])
        process.communicate(timeout=60)
        assert process.returncode == 0

    def test_a_narrow_terminal_gets_no_qr_code(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        with at_terminal(workplace, "login", columns=60) as terminal:
            screen = Screen(terminal.wait_for(CONFIRM))
            assert screen.codes == []
            terminal.enter("\x03")
            assert terminal.wait() != 0

    def test_the_ways_exclude_each_other(self, workplace: Workplace) -> None:
        answer = workplace.helper.run(["login", "--browser", "--device"])
        assert answer.returncode == 2
        assert "not allowed with" in answer.stderr

    def test_the_persons_no(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        workplace.person.deny = True
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            assert terminal.wait() == 1
        last = Screen(terminal.text).lines[-1]
        assert last.startswith(
            f"{PREFIX}[sign-in-declined] the sign-in at {workplace.name} was declined (access_denied): run: "
        )
        assert workplace.helper.get(workplace.name).returncode == 1

    def test_a_code_that_nobody_confirms_in_time(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote({"oauth2DeviceCodeLifespan": 3})
        with at_terminal(workplace, "login") as terminal:
            assert terminal.wait() == 1
        lines = Screen(terminal.text).lines
        assert "nobody confirmed the code" in lines[-1]
        assert "after 3 s" in lines[-1]
        assert not any("Traceback" in line for line in lines)

    def test_ctrl_c_ends_it(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        with at_terminal(workplace, "login") as terminal:
            link = Screen(terminal.wait_for(CONFIRM)).links[0]
            terminal.enter("\x03")
            assert terminal.wait() != 0
        assert "Traceback" not in terminal.text
        workplace.person.open(link)
        assert "nobody is signed in" in workplace.helper.run("status").stdout

    def test_offline_access_refused_by_the_persons_roles(self, make_remote: MakeWorkplace) -> None:
        """Keycloak tells only once the code was confirmed, so another one has to be."""
        workplace = make_remote(harbor={"scopes": WITH_OFFLINE})
        let_harbor_live(workplace)
        workplace.realm.remove_offline_role()
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            screen = Screen(terminal.wait_for(CONFIRM, 2))
            assert "once more, since the identity provider refused offline_access" in screen.text
            workplace.person.open(screen.links[1])
            assert terminal.wait() == 0, terminal.text
        assert "this sign-in ends with the provider's session" in terminal.text
        assert workplace.person.forms == 1

    def test_offline_access_refused_to_the_client(self, make_remote: MakeWorkplace) -> None:
        """Keycloak drops it without a word here."""
        workplace = make_remote(harbor={"scopes": WITH_OFFLINE})
        let_harbor_live(workplace)
        workplace.realm.remove_offline_scope("docker-credential-harbor")
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            assert terminal.wait() == 0, terminal.text
        assert "refused offline_access" in terminal.text

    def test_with_offline_access(self, make_remote: MakeWorkplace, another: CookiePerson) -> None:
        workplace = make_remote(harbor={"scopes": WITH_OFFLINE})
        with at_terminal(workplace, "login") as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            another.open(Screen(terminal.wait_for(FINISH)).links[1])
            assert terminal.wait() == 0, terminal.text
        assert "refused" not in terminal.text
        assert any(session["offline"] for session in workplace.realm.sessions("alice"))
        workplace.harbor.expire_stored_access_token("alice-h")
        assert workplace.pair()[0] == "alice-h"
        assert workplace.own_token_is_live()


class TestGet:
    @pytest.mark.parametrize("piped", [False, True], ids=["terminal", "pipe"])
    def test_over_ssh_it_signs_in_by_code(self, make_remote: MakeWorkplace, another: CookiePerson, piped: bool) -> None:
        """Docker hands its plugins a pipe and copies it to the terminal."""
        workplace = make_remote()
        with get_at_terminal(workplace, piped=piped) as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            another.open(Screen(terminal.wait_for(FINISH)).links[1])
            terminal.wait()
        assert Screen(terminal.text).codes == Screen(terminal.text).links
        assert answered(workplace) == ("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.configure(top="cache_ttl = 0")
        assert workplace.get().stderr == ""

    def test_a_dead_token_needs_harbors_link_alone(self, make_remote: MakeWorkplace, another: CookiePerson) -> None:
        """Opened on any device, by other cookies; no device grant is needed for it."""
        workplace = make_remote()
        let_harbor_live(workplace)
        with get_at_terminal(workplace) as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            terminal.wait()
        pair = answered(workplace)
        workplace.harbor.kill_stored_token("alice-h")
        workplace.realm.update_client("docker-credential-harbor", attributes=NO_DEVICE_GRANT)
        with get_at_terminal(workplace, DOCKER_CREDENTIAL_HARBOR_CACHE_TTL="0") as terminal:
            screen = Screen(terminal.wait_for("to renew the sign-in at "))
            assert screen.links == [f"{workplace.harbor.url}/c/oidc/login"]
            another.open(screen.links[0])
            terminal.wait()
        assert Screen(terminal.text).codes == screen.links
        assert answered(workplace) == pair

    def test_without_a_terminal_it_is_not_found_and_a_hint(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        line = workplace.refused()
        assert "no terminal to write to" in line
        assert f"docker-credential-harbor login {workplace.name}" in line

    def test_several_join_one_code(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        let_harbor_live(workplace)
        with get_at_terminal(workplace) as one, get_at_terminal(workplace) as two:
            first, second = Screen(one.wait_for(CONFIRM)), Screen(two.wait_for(CONFIRM))
            assert first.user_codes == second.user_codes
            workplace.person.open(first.links[0])
            one.wait()
            two.wait()
        assert workplace.person.windows == 1

    def test_a_killed_one_leaves_the_code_good(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        let_harbor_live(workplace)
        with get_at_terminal(workplace) as terminal:
            link = Screen(terminal.wait_for(CONFIRM)).links[0]
        with get_at_terminal(workplace) as terminal:
            assert Screen(terminal.wait_for(CONFIRM)).links == [link], "the one that goes on is joined"
            workplace.person.open(link)
            terminal.wait()
        assert answered(workplace)[0] == "alice-h"

    def test_erase_ends_it(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        with get_at_terminal(workplace) as terminal:
            terminal.wait_for(CONFIRM)
            assert workplace.helper.run("erase", workplace.name).returncode == 0
            terminal.wait()
        assert "was ended before it was finished" in terminal.text

    def test_the_configuration_wants_codes(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(QUICK, top='login = "device"')
        let_harbor_live(workplace)
        with get_at_terminal(workplace) as terminal:
            link = Screen(terminal.wait_for(CONFIRM)).links[0]
            assert workplace.person.windows == 0
            workplace.person.open(link)
            terminal.wait()
        assert answered(workplace)[0] == "alice-h"


class TestNoDeviceGrant:
    def test_one_line_says_what_to_do_and_nothing_is_paused(self, make_remote: MakeWorkplace) -> None:
        workplace = make_remote()
        workplace.realm.update_client("docker-credential-harbor", attributes=NO_DEVICE_GRANT)
        for _ in range(2):
            with get_at_terminal(workplace) as terminal:
                terminal.wait()
            [line] = Screen(terminal.text).lines
            assert "gives 'docker-credential-harbor' no device code (unauthorized_client)" in line
            assert f"docker login {workplace.name} with the CLI secret from {workplace.harbor.url}" in line
        answer = workplace.helper.run(["login", "--device"])
        assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
        assert "unauthorized_client" in answer.stderr

    def test_a_pair_at_hand_is_renewed_by_harbors_link(self, make_remote: MakeWorkplace, another: CookiePerson) -> None:
        workplace = make_remote()
        let_harbor_live(workplace)
        with get_at_terminal(workplace) as terminal:
            workplace.person.open(Screen(terminal.wait_for(CONFIRM)).links[0])
            terminal.wait()
        pair = answered(workplace)
        workplace.realm.update_client("docker-credential-harbor", attributes=NO_DEVICE_GRANT)
        workplace.realm.end_sessions()
        workplace.harbor.kill_stored_token("alice-h")
        workplace.let_id_token_expire()
        with get_at_terminal(workplace, DOCKER_CREDENTIAL_HARBOR_CACHE_TTL="0") as terminal:
            another.open(Screen(terminal.wait_for("to renew the sign-in at ")).links[0])
            terminal.wait()
        assert answered(workplace) == pair
        assert "device code" not in terminal.text

    def test_the_browser_is_there_all_the_same(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top='login = "device"')
        workplace.realm.update_client("docker-credential-harbor", attributes=NO_DEVICE_GRANT)
        assert workplace.helper.run(["login", "--device"]).returncode == 1
        answer = workplace.helper.run(["login", "--browser"])
        assert answer.returncode == 0, answer.stderr
        assert workplace.person.windows == 1


class TestOnTheWay:
    """Between the helper and a real Keycloak something goes wrong while the person is confirming."""

    @pytest.fixture
    def proxy(self, keycloak: Keycloak, make_proxy: Callable[..., FaultProxy]) -> FaultProxy:
        return make_proxy(keycloak.url)

    @pytest.mark.parametrize("fault", ["503", "reset", "garbage", "hang"])
    def test_it_does_not_end_the_sign_in(self, make_remote: MakeWorkplace, proxy: FaultProxy, fault: str) -> None:
        workplace = make_remote(through=proxy, top=f"timeout = {paced(2)}")
        let_harbor_live(workplace)
        wrong = {"503": faults.status(503), "reset": faults.refuse, "garbage": faults.garbage, "hang": faults.hang}
        path = f"/realms/{workplace.realm.name}/protocol/openid-connect/token"
        with at_terminal(workplace, "login") as terminal:
            link = Screen(terminal.wait_for(CONFIRM)).links[0]
            proxy.seen.clear()
            proxy.set(path, wrong[fault], times=2)
            wait_until(lambda: proxy.seen.count(f"POST {path}") >= 2, "polls that fail")
            workplace.person.open(link)
            assert terminal.wait() == 0, terminal.text

    def test_the_device_code_is_shown_nowhere(self, make_remote: MakeWorkplace, proxy: FaultProxy) -> None:
        workplace = make_remote(through=proxy)
        let_harbor_live(workplace)
        codes: list[str] = []

        def listen(exchange: Exchange, proxy: FaultProxy) -> None:
            status, headers, body = proxy.true_answer(exchange)
            codes.append(json.loads(body)["device_code"])
            exchange.answer(status, body, headers)

        proxy.set(f"/realms/{workplace.realm.name}/protocol/openid-connect/auth/device", listen)
        folder = workplace.helper.home.folders["XDG_STATE_HOME"]
        with at_terminal(workplace, "login", DOCKER_CREDENTIAL_HARBOR_TRACE="1") as terminal:
            screen = Screen(terminal.wait_for(CONFIRM))
            notes = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
            assert screen.user_codes[0].encode() in notes
            assert codes[0].encode() not in notes
            workplace.person.open(screen.links[0])
            assert terminal.wait() == 0, terminal.text
        assert len(codes) == 1
        assert codes[0] not in terminal.text
        for path in (*folder.rglob("*"), *workplace.helper.home.folders["XDG_DATA_HOME"].rglob("*")):
            assert path.is_dir() or codes[0].encode() not in path.read_bytes()
