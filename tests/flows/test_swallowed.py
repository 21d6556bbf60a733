"""Callers that show nobody what a helper writes: the link goes to the terminal, the cause is kept for later."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.desk import Desk
    from tests.lab.workplace import Workplace

SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "TERM": "xterm"}
QUICK = {"attributes": {"oauth2DevicePollingInterval": "1"}}
# A caller that keeps what its helper writes to itself, as jib does, and one that gives it no standard error.
SWALLOWING = """
import subprocess, sys
where = {"pipe": subprocess.PIPE, "null": subprocess.DEVNULL}[sys.argv[3]]
done = subprocess.run([sys.argv[1], "get"], input=sys.argv[2].encode(), stdout=subprocess.PIPE, stderr=where)
sys.exit(done.returncode)
"""


def swallowing(workplace: Workplace, where: str) -> list[str]:
    return ["/usr/bin/env", "-S", sys.executable, "-c", SWALLOWING, workplace.helper.program, workplace.name, where]


def over_ssh(workplace: Workplace) -> dict[str, str]:
    workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")  # Harbor's side lives
    workplace.person.reset()
    environment = {**workplace.helper.home.environment, **SSH}
    environment.pop("BROWSER")
    return environment


class TestAScriptThatCapturesDockersStandardError:
    """`docker` hands its own on to the helper: nobody reads it there before the pull has ended."""

    def test_the_link_is_on_the_terminal(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(realm=QUICK)
        desk.set_up()
        desk.publish()
        script = f'told=$(docker pull {desk.image} 2>&1); echo "$? $told" | tail -n 1'
        environment = {**over_ssh(desk.workplace), "DOCKER_HOST": desk.engine.host}
        with Terminal(["sh", "-c", script], environment) as terminal:
            shown = terminal.wait_for("confirm it there within")
            desk.workplace.person.open(shown.partition("on any device: ")[2].split()[0])
            assert terminal.wait() == 0
            assert terminal.text.splitlines()[-1] == desk.image
        assert desk.workplace.person.windows == 1

    def test_what_a_person_reads_through_a_pipe_is_there_once(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(realm=QUICK)
        desk.set_up()
        desk.publish()
        environment = {**over_ssh(desk.workplace), "DOCKER_HOST": desk.engine.host}
        with Terminal(["bash", "--norc", "--noprofile"], environment) as terminal:
            terminal.enter(f"docker pull {desk.image} 2>&1 | cat; exit\n")
            shown = terminal.wait_for("confirm it there within")
            desk.workplace.person.open(shown.partition("on any device: ")[2].split()[0])
            terminal.wait()
            assert terminal.text.count("on any device: ") == 1
            assert f"Status: Downloaded newer image for {desk.image}" in terminal.text


@pytest.mark.parametrize("where", ["pipe", "null"])
def test_the_link_is_on_the_terminal_all_the_same(make_workplace: Callable[..., Workplace], where: str) -> None:
    workplace = make_workplace(realm=QUICK)
    with Terminal(swallowing(workplace, where), over_ssh(workplace)) as terminal:
        shown = terminal.wait_for("confirm it there within")
        assert shown.count("open this in a browser on any device: ") == 1
        workplace.person.open(shown.partition("on any device: ")[2].split()[0])
        assert terminal.wait() == 0, terminal.text
    assert all(line.startswith("docker-credential-harbor: ") for line in terminal.text.splitlines())


def test_on_a_desktop_the_browser_opens_and_the_terminal_stays_quiet(workplace: Workplace) -> None:
    with Terminal(swallowing(workplace, "pipe"), workplace.helper.home.environment) as terminal:
        assert terminal.wait() == 0
    assert terminal.text == ""
    assert workplace.person.windows == 1


class TestTheCauseIsKept:
    def miss(self, workplace: Workplace) -> None:
        with Terminal(swallowing(workplace, "pipe"), {**workplace.helper.home.environment, "CI": "1"}) as terminal:
            assert terminal.wait() == 1
            assert terminal.text == ""

    def test_status_and_doctor_begin_with_it(self, workplace: Workplace) -> None:
        self.miss(workplace)
        told = "the last pull had no pair, just now, by python"
        cause = f": {workplace.name} needs a sign-in and nobody can be asked here (CI is set): run: "
        for env in (None, {"CI": "1"}):
            text = workplace.helper.run("status", env=env).stdout
            first, second, *_ = text.splitlines()
            assert first.startswith(f"{workplace.name}: {told}")
            assert cause in first
            assert text.count("run: docker-credential-harbor login") == 1, "what to do is told once"
            assert second.startswith(f"{workplace.name}: signed-out")
        name, line, *_ = workplace.helper.run("doctor").stdout.splitlines()
        assert name == f"{workplace.name}:"
        assert line.startswith(f"  {told}")
        assert cause in line
        assert SWALLOWING[1:20] not in line
        [row] = json.loads(workplace.helper.run(["status", "--json"]).stdout)["registries"]
        assert row["last_pull"].startswith(told)
        assert json.loads(workplace.helper.run(["doctor", "--json"]).stdout)["last_pull"].startswith(told)

    def test_until_a_pull_has_a_pair(self, workplace: Workplace) -> None:
        self.miss(workplace)
        workplace.pair()
        assert "the last pull" not in workplace.helper.run("status").stdout
        assert "the last pull" not in workplace.helper.run("doctor").stdout
        [row] = json.loads(workplace.helper.run(["status", "--json"]).stdout)["registries"]
        assert row["last_pull"] is None

    def test_or_somebody_has_signed_in_whose_pair_is_handed_out_from_memory(self, workplace: Workplace) -> None:
        self.miss(workplace)
        assert workplace.helper.run(["login", workplace.name]).returncode == 0
        workplace.pair()
        assert "the last pull" not in workplace.helper.run("status").stdout
        assert "the last pull" not in workplace.helper.run("doctor").stdout

    def test_status_tells_it_once_where_harbor_accepts_the_pair(self, workplace: Workplace) -> None:
        """As after a pull in another environment: the pair is remembered from then on, and pulls no more looked at."""
        self.miss(workplace)
        [path] = workplace.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.missed")
        kept = path.read_bytes()
        workplace.pair()
        path.write_bytes(kept)
        assert "the last pull had no pair" in workplace.helper.run("status").stdout
        assert "the last pull" not in workplace.helper.run("status").stdout

    def test_or_a_day_has_passed(self, workplace: Workplace) -> None:
        self.miss(workplace)
        [path] = workplace.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.missed")
        kept = json.loads(path.read_text())
        path.write_text(json.dumps({**kept, "at": kept["at"] - 3600}))
        assert "the last pull had no pair, 60 minutes ago, by" in workplace.helper.run("status").stdout
        path.write_text(json.dumps({**kept, "at": kept["at"] - 25 * 3600}))
        assert "the last pull" not in workplace.helper.run("status").stdout
