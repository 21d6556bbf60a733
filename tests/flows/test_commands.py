"""The commands for people: what they do, print and return."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.conftest import WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy
    from tests.lab.sealed_home import Helper

NAME = "harbor.example.com"


def row(workplace: Workplace) -> dict[str, Any]:
    """The one row of `status --json`; it opens nothing, and the text has the same state."""
    windows = workplace.person.windows
    answer = workplace.helper.run(["status", "--json"])
    assert (answer.returncode, answer.stderr) == (0, "")
    [found] = json.loads(answer.stdout)["registries"]
    text = workplace.helper.run("status").stdout
    # The last pull goes first, where it had no pair.
    of_state = text.splitlines()[1 if found["last_pull"] else 0]
    assert of_state.startswith(f"{workplace.name}: {found['state']}")
    assert workplace.person.windows == windows
    assert {"registry", "state", "username", "message"} <= found.keys()
    assert found["registry"] == workplace.name
    assert "Traceback" not in text
    return dict(found)


class TestStatus:
    def test_from_signed_out_to_ready_to_ended(self, workplace: Workplace) -> None:
        assert row(workplace)["state"] == "signed-out"
        workplace.pair()
        found = row(workplace)
        assert (found["state"], found["username"]) == ("ready", "alice-h")
        workplace.harbor.kill_stored_token("alice-h")
        found = row(workplace)
        assert (found["state"], found["username"]) == ("harbor-session-ended", "alice-h")
        assert found["message"].endswith("; the next pull opens Harbor's login for it")
        windows = workplace.person.windows
        workplace.pair()
        assert workplace.person.windows == windows + 1, "and it does, whatever was trusted before"
        assert workplace.asked().count("/service/token") >= 2, "it probes, whatever the trust window says"

    def test_a_robot_is_ready(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "s")
        found = row(workplace)
        assert (found["state"], found["username"]) == ("ready", "robot$ci")

    def test_where_a_pull_asks_nobody_it_names_the_command(self, workplace: Workplace) -> None:
        answer = workplace.helper.run("status", env={"CI": "true"})
        assert answer.stdout.splitlines()[0].endswith(f"run: docker-credential-harbor login {workplace.name}")

    def test_not_onboarded(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        workplace.pair()
        workplace.harbor.users.remove("alice-h")
        assert row(workplace)["state"] == "not-onboarded"

    def test_refused(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"audience_mapper": False})
        workplace.refused()
        found = row(workplace)
        assert found["state"] == "refused"
        assert "mapper" in found["message"]

    def test_unreachable(self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]) -> None:
        workplace = make_workplace()
        workplace.pair()
        proxy = make_proxy(workplace.harbor.url)
        proxy.set("/", faults.status(503))
        workplace.configure(url=proxy.url)
        found = row(workplace)
        assert (found["state"], found["username"]) == ("unreachable", "alice-h")

    def test_since_when_until_when_and_where(self, make_workplace: Callable[..., Workplace]) -> None:
        # Else `update_time` would be read, with a refresh.
        workplace = make_workplace(harbor={"scopes": WITHOUT_OFFLINE}, top="cache_ttl = 0")
        assert {row(workplace)[name] for name in ("storage", "verified_at", "sign_in_ends_at")} == {None}
        workplace.pair()
        found = row(workplace)
        assert found["storage"] == "file"
        now = time.time()
        assert 0 <= now - datetime.fromisoformat(found["verified_at"]).timestamp() < 60
        assert 0 < datetime.fromisoformat(found["sign_in_ends_at"]).timestamp() - now <= 1800
        shown = workplace.helper.run("status").stdout
        assert "  kept in a file that only this user can read\n" in shown
        assert re.search(r"^  verified (just now|\d+ seconds ago)$", shown, re.MULTILINE)
        assert re.search(r"^  the sign-in ends in .+ if it is not used before$", shown, re.MULTILINE)
        workplace.let_pass(3600)
        shown = workplace.helper.run("status").stdout
        assert (
            "  the sign-in at the identity provider has probably ended; when it is needed, you are asked again" in shown
        )

    @pytest.mark.parametrize(("variable", "value"), [("", ""), ("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_colours_on_a_terminal(self, workplace: Workplace, variable: str, value: str) -> None:
        environment = {**workplace.helper.home.environment, "TERM": "xterm", variable or "NO_COLOR": value}
        with Terminal([workplace.helper.program, "status"], environment) as terminal:
            assert terminal.wait() == 0
        assert ("\033[33msigned-out\033[0m" in terminal.text) is (not variable)
        assert "signed-out" in terminal.text
        assert "\033" not in workplace.helper.run("status").stdout

    def test_without_any_registry(self, helper: Helper) -> None:
        helper.configure("")
        answer = helper.run(["status", "--json"])
        assert json.loads(answer.stdout) == {"registries": []}


class TestLogin:
    def test_it_signs_in_even_where_get_may_not(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top='login = "never"')
        answer = workplace.helper.run(["login", workplace.name], env={"CI": "true"})
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == f"Signed in at {workplace.name} as alice-h.\n"
        assert workplace.person.windows == 1

    def test_a_browser_can_be_had_by_asking_for_it(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top='login = "device"')
        answer = workplace.helper.run(["login", "--browser"])
        assert answer.returncode == 0, answer.stderr
        assert workplace.person.windows == 1

    def test_a_stored_pair_goes_first_and_login_says_so(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "s")
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert "the stored pair of robot$ci goes first" in answer.stdout
        assert workplace.pair() == ("robot$ci", "s")

    def test_a_refused_pair_of_the_same_person_gives_way(self, workplace: Workplace) -> None:
        """A CLI secret of an earlier docker login, replaced since."""
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.pair()  # it is known for a person's now
        workplace.harbor.set_secret("alice-h", "Another-Secret-2")
        workplace.end_trust_window()
        answer = workplace.helper.run("login")
        assert (answer.returncode, answer.stdout) == (0, f"Signed in at {workplace.name} as alice-h.\n"), answer.stderr
        assert workplace.pair() == ("alice-h", "Another-Secret-2")

    def test_a_refused_pair_of_somebody_else_stays_until_it_is_taken_out(self, workplace: Workplace) -> None:
        workplace.store("bob-h", "Of-Long-Ago-1")
        workplace.pair()  # handed out as it is this once: it may be a robot's
        answer = workplace.helper.run("login")
        assert (answer.returncode, answer.stdout) == (1, "")
        line = answer.stderr.splitlines()[-1]
        assert "[stored-pair-goes-first] the stored pair of bob-h goes first" in line
        assert f"run: docker logout {workplace.name}, then: docker-credential-harbor login {workplace.name}" in line
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert workplace.helper.run("login").returncode == 0
        assert workplace.pair()[0] == "alice-h"


class TestTrace:
    def test_it_tells_what_was_asked_and_decided_without_a_secret(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        shown = workplace.get(DOCKER_CREDENTIAL_HARBOR_TRACE="1").stderr
        workplace.harbor.kill_stored_token("alice-h")
        shown += workplace.get(DOCKER_CREDENTIAL_HARBOR_TRACE="1").stderr
        assert "sign in" in shown
        assert "renew harbor side" in shown
        assert "GET http" in shown
        assert "/service/token -> 401 in" in shown
        tokens = workplace.kept_tokens()
        for secret in (workplace.harbor.users["alice-h"].secret, tokens["id_token"], tokens["refresh_token"]):
            assert secret not in shown
        assert "code=" not in shown
        assert all(line.startswith("docker-credential-harbor: ") for line in shown.splitlines())
