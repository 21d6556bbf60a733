"""`status`, `doctor` and `keepalive` say what was seen, and what a pull found out in a window in the pull's words."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import HARBORS_PAGE
from tests.lab import faults
from tests.lab.pace import paced
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.said import PREFIX, failure_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]
    MakeProxy = Callable[..., FaultProxy]

ANOTHER = "Another-Secret-0123456789"
ASKS = "cache_ttl = 0"
# For windows that cannot help; there is time enough to walk, and to sign in.
WALK = {"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": str(paced(4))}
SIGN_IN = {"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": str(paced(12))}
TRIED = re.compile(r" \(last tried (just now|\d+ \w+ ago)\)$")
IT_IS_RIGHT = "is right"
NEVER = {"nobody": {"CI": "true"}, "somebody": {}}


def status(workplace: Workplace, **env: str) -> dict[str, Any]:
    """The one row; of what changes by the second no figure."""
    answer = workplace.helper.run(["status", "--json"], env=env)
    assert (answer.returncode, answer.stderr) == (0, "")
    [row] = json.loads(answer.stdout)["registries"]
    return {**row, "message": without_figures(row["message"])}


def without_figures(message: str) -> str:
    return re.sub(r"for \d+ s more", "for N s more", TRIED.sub(" (last tried)", message))


def doctor(workplace: Workplace, name: str = "session", **env: str) -> dict[str, Any]:
    answer = workplace.helper.run(["doctor", "--json"], env=env)
    checks = {check["name"]: check for check in json.loads(answer.stdout)["checks"]}
    assert name in checks, checks
    return dict(checks[name])


def keepalive(workplace: Workplace) -> str:
    answer = workplace.helper.run("keepalive")
    assert (answer.returncode, answer.stdout) == (1, "")
    return failure_in(answer.stderr)


def let_it_be_dead_long_since(workplace: Workplace) -> None:
    """The token that Harbor stored: it is not taken for one of a moment ago."""
    workplace.harbor.kill_stored_token("alice-h")
    workplace.harbor.users["alice-h"].update_time = "2026-01-01T00:00:00.000Z"


def the_same_everywhere(workplace: Workplace, line: str) -> None:
    """What a pull has just said, and what is to be done about it, is said by all; a pause promises nothing."""
    said = failure_in(line)
    assert status(workplace)["message"] == f"{said} (last tried)"
    found = doctor(workplace)
    assert not found["ok"]
    message, fix = TRIED.sub("", found["message"]), said.partition(": ")[2]
    assert f"{message}: {fix}" == said
    remedy, more = fix.removesuffix("; doctor says more"), fix.endswith("; doctor says more")
    assert found["fix"].startswith(f"{remedy}; ") if more else found["fix"] == remedy
    workplace.lengthen_pause()
    paused = failure_in(workplace.refused())
    assert "no window opens by itself for " in paused
    assert paused.endswith(f" s more: {fix}")
    assert keepalive(workplace).endswith(fix)
    assert status(workplace)["message"] == f"{said} (last tried)", "which what was met since does not push out"


class TestAStoredPair:
    """Whether its secret is still Harbor's nobody can ask, so nobody says so."""

    @pytest.fixture(params=["without a client", "with a client"])
    def stored(self, request: pytest.FixtureRequest, make_workplace: MakeWorkplace) -> Workplace:
        keys = {"client_id": ""} if request.param == "without a client" else {}
        workplace = make_workplace(top=ASKS, **keys)
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.pair()
        return workplace

    @pytest.mark.parametrize(("fate", "who"), [("replaced", "somebody"), ("dead", "nobody")])
    def test_refused(self, stored: Workplace, fate: str, who: str) -> None:
        if fate == "replaced":
            stored.harbor.set_secret("alice-h", ANOTHER)
        else:
            stored.harbor.kill_stored_token("alice-h")
        seen = (
            f"Harbor at {stored.name} refuses the CLI secret of alice-h: "
            "Harbor's own sign-in has ended, or the secret was replaced"
        )
        fix = f"open {stored.harbor.url}/c/oidc/login in a browser and try again"
        found = status(stored, **NEVER[who])
        assert (found["state"], found["username"]) == ("refused", "alice-h")
        following = fix if who == "nobody" else "the next pull opens Harbor's login for it"
        assert found["message"] == f"{seen}; {following}"
        check = doctor(stored, **NEVER[who])
        assert check["message"] == seen
        assert check["fix"] == fix + ("" if who == "nobody" else " (the next pull does the same)")
        assert keepalive(stored) == f"{seen}: {fix}"

    def test_replaced_and_a_pull_has_found_that_out(self, stored: Workplace) -> None:
        stored.harbor.set_secret("alice-h", ANOTHER)
        line = stored.refused(**WALK)
        assert (
            "refuses the stored CLI secret of alice-h (409, new secret, other person?): copy the new one from" in line
        )
        the_same_everywhere(stored, line)
        stored.store("alice-h", "Yet-Another-Secret-1")
        assert "last tried" not in status(stored)["message"], "that was another one"
        stored.store("alice-h", ANOTHER)
        assert stored.pair() == ("alice-h", ANOTHER)
        assert status(stored)["state"] == "ready"

    def test_refused_at_the_first_look_while_harbor_does_not_reach_its_provider(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy
    ) -> None:
        workplace = make_workplace(client_id="", top=ASKS)
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        proxy = make_proxy(workplace.realm.keycloak.url)
        workplace.harbor.provider.connect_through(proxy.url)
        proxy.set("/", faults.refuse)
        found = status(workplace)
        assert found["state"] == "unreachable"
        assert "cannot reach its identity provider" in found["message"]
        answer = workplace.helper.run("keepalive")
        assert (answer.returncode, answer.stdout) == (0, "")
        assert "cannot reach its identity provider" in answer.stderr


class TestSignedIn:
    @pytest.fixture
    def signed_in(self, make_workplace: MakeWorkplace) -> Workplace:
        workplace = make_workplace(top=ASKS)
        workplace.pair()
        return workplace

    @pytest.mark.parametrize("who", list(NEVER))
    def test_the_same_secret_is_refused(self, signed_in: Workplace, who: str) -> None:
        signed_in.harbor.kill_stored_token("alice-h")
        seen = "the CLI secret of alice-h is right, and Harbor refuses it: Harbor's own sign-in has ended"
        login = f"run: docker-credential-harbor login {signed_in.name}"
        found = status(signed_in, **NEVER[who])
        following = login if who == "nobody" else "the next pull opens Harbor's login for it"
        assert (found["state"], found["message"]) == ("harbor-session-ended", f"{seen}; {following}")
        check = doctor(signed_in, **NEVER[who])
        assert check["message"].startswith(f"{seen}; likely ")
        assert check["fix"].startswith(login)
        assert keepalive(signed_in) == f"{seen}: {login}"

    def test_harbor_cannot_read_the_secret(self, signed_in: Workplace) -> None:
        signed_in.harbor.garble_secret("alice-h")
        found = status(signed_in)
        seen = f"Harbor at {signed_in.name} cannot read the CLI secret that it keeps"
        assert (found["state"], found["message"]) == ("refused", f"{seen}; the next pull opens Harbor's login for it")
        assert doctor(signed_in)["message"] == seen
        assert keepalive(signed_in).startswith(seen)

    def test_our_own_sign_in_has_ended(self, signed_in: Workplace) -> None:
        signed_in.realm.end_sessions("alice")
        signed_in.let_id_token_expire()
        signed_in.harbor.kill_stored_token("alice-h")
        found = status(signed_in)
        seen = f"the sign-in of alice at {signed_in.name} has ended, and Harbor refuses the CLI secret of alice-h"
        assert (found["state"], found["message"]) == ("signed-out", f"{seen}; the next pull asks for a sign-in")
        assert found["sign_in_ends_at"] is None, "the provider has just said that it is over"
        assert doctor(signed_in)["message"] == seen
        assert keepalive(signed_in) == f"{seen}: run: docker-credential-harbor login {signed_in.name}"

    def test_our_client_is_not_served_any_more(self, signed_in: Workplace) -> None:
        """Whether the secret is the same could not be asked then."""
        signed_in.realm.remove_client(HELPER_CLIENT)
        signed_in.let_id_token_expire()
        signed_in.harbor.kill_stored_token("alice-h")
        found = status(signed_in)
        assert found["state"] == "refused"
        assert IT_IS_RIGHT not in found["message"]
        assert "has ended, or the secret was replaced (the identity provider does not accept" in found["message"]

    def test_after_a_window_that_could_not_help(self, signed_in: Workplace) -> None:
        signed_in.harbor.robot_prefix = ""
        line = signed_in.refused(**WALK)
        assert "still refuses the CLI secret of alice-h after its login, which was finished" in line
        the_same_everywhere(signed_in, line)
        signed_in.harbor.robot_prefix = "robot$"
        assert status(signed_in)["state"] == "ready"


class TestNobodyIsSignedIn:
    def test_a_pause_is_told_and_no_window_promised(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top=ASKS)
        workplace.person.decline = True
        login = f"run: docker-credential-harbor login {workplace.name}"
        seen = f"nobody is signed in at {workplace.name}"
        assert status(workplace)["message"] == f"{seen}; the next pull asks for a sign-in"
        assert "but none for" not in doctor(workplace, "sign-in")["message"]
        assert "nobody finished the sign-in" in workplace.refused(**WALK)
        found = status(workplace)
        assert (found["state"], found["message"]) == (
            "signed-out",
            f"{seen}; no window opens by itself for N s more: {login}",
        )
        assert doctor(workplace)["fix"] == login
        assert "opens a browser when a sign-in is due" in doctor(workplace, "sign-in")["message"]
        assert ", but none for " in doctor(workplace, "sign-in")["message"]
        assert status(workplace, CI="true")["message"] == f"{seen}; {login}"


class TestHarborsPage:
    """It ends in an error, which only the browser sees."""

    def test_its_client_secret_at_the_provider_has_expired(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top=ASKS)
        workplace.pair()
        workplace.realm.update_client(HARBOR_CLIENT, secret="Of-This-Year-1")
        workplace.harbor.kill_stored_token("alice-h")
        line = workplace.refused(**WALK)
        assert workplace.person.pages[-1].status == 400
        assert (
            "still refuses the CLI secret of alice-h after its login (409, new secret, other person or sub?): run:"
            in line
        )
        the_same_everywhere(workplace, line)
        assert HARBORS_PAGE in doctor(workplace)["fix"]
        assert "Harbor's client secret at the identity provider" in HARBORS_PAGE
        assert "shows in a browser alone" in doctor(workplace, "provider-from-harbor")["message"]
        workplace.harbor.provider.client_secret = "Of-This-Year-1"  # as that says
        assert workplace.helper.run("login").returncode == 0
        assert status(workplace)["state"] == "ready"

    def test_so_at_the_first_sign_in(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top=ASKS, onboarded=False)
        workplace.realm.update_client(HARBOR_CLIENT, secret="Of-This-Year-1")
        line = workplace.refused(**SIGN_IN)
        assert "[not-onboarded]" in line
        assert "finish the sign-in at " in line
        assert HARBORS_PAGE in doctor(workplace)["fix"]
        assert status(workplace)["message"] == f"{failure_in(line)} (last tried)"

    def test_409(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(harbor={"auto_onboard": True}, top=ASKS, onboarded=False)
        workplace.pair()
        workplace.realm.redeploy()
        workplace.let_id_token_expire()
        workplace.harbor.expire_stored_access_token("alice")
        line = workplace.refused(**SIGN_IN)
        assert workplace.person.pages[-1].status == 409
        assert "[old-user-in-the-way]" in line
        assert "have its administrator remove that user" in line
        the_same_everywhere(workplace, line)
        assert "409: remove the old user alice)" in doctor(workplace)["fix"]
        workplace.harbor.users.remove("alice")
        workplace.end_pause()
        workplace.pair()
        assert status(workplace)["state"] == "ready"


class TestWhileAPersonIsAwaited:
    @pytest.fixture
    def soon(self, workplace: Workplace) -> Workplace:
        """The executable, in which a while is short: what is tested is not how long it is."""
        script = workplace.helper.home.path / "docker-credential-harbor"
        script.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            "from docker_credential_harbor.sign_in import window\n"
            "from docker_credential_harbor.__main__ import main\n"
            "window.REMIND_AFTER_SECONDS = 0.5\n"
            "sys.exit(main())\n"
        )
        script.chmod(0o755)
        workplace.helper.program = str(script)
        return workplace

    @pytest.mark.parametrize("verb", ["get", "login"])
    def test_what_to_look_for_is_said_once(self, soon: Workplace, verb: str) -> None:
        soon.realm.update_client(HARBOR_CLIENT, secret="Of-This-Year-1")
        let_it_be_dead_long_since(soon)
        answer = soon.helper.run(verb, soon.name if verb == "get" else "", SIGN_IN)
        assert answer.returncode == 1
        lines = answer.stderr.splitlines()
        hint = f"{PREFIX}still waiting for the browser: {HARBORS_PAGE}; Ctrl-C ends this"
        assert [line for line in lines if "still waiting" in line] == [hint]
        assert "opening a browser" in lines[0], "and before it how to get there"
        assert "[still-refused]" in lines[-1]

    def test_nothing_where_it_is_quick(self, workplace: Workplace) -> None:
        assert "still waiting" not in workplace.get().stderr


class TestSilence:
    """Harbor waits for its provider without a limit, but says of itself at once what it is."""

    @pytest.fixture
    def behind(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> tuple[Workplace, FaultProxy, FaultProxy]:
        """The ways from here to Harbor, and from Harbor to its provider."""
        workplace = make_workplace(top=f"cache_ttl = 0\ntimeout = {paced(4)}")
        to_harbor, to_provider = make_proxy(workplace.harbor.url), make_proxy(workplace.realm.keycloak.url)
        workplace.configure(top=f"cache_ttl = 0\ntimeout = {paced(4)}", url=to_harbor.url)
        workplace.harbor.provider.connect_through(to_provider.url)
        return workplace, to_harbor, to_provider

    def test_of_a_known_pair(self, behind: tuple[Workplace, FaultProxy, FaultProxy]) -> None:
        workplace, to_harbor, to_provider = behind
        pair = workplace.pair()
        workplace.harbor.expire_stored_access_token("alice-h")
        to_provider.set("/", faults.hang)
        answer = workplace.get()
        assert json.loads(answer.stdout)["Secret"] == pair[1]
        assert f"[harbor-cannot-reach-provider] the pair for {workplace.name} could not be verified: " in answer.stderr
        assert "cannot reach its identity provider" in status(workplace)["message"]
        to_harbor.set("/", faults.hang)
        answer = workplace.get()
        assert json.loads(answer.stdout)["Secret"] == pair[1]
        assert "[no-answer]" in answer.stderr
        assert to_harbor.url.partition("://")[2] in answer.stderr
        assert workplace.person.windows == 1

    def test_before_the_first_sign_in(self, behind: tuple[Workplace, FaultProxy, FaultProxy]) -> None:
        workplace, to_harbor, to_provider = behind
        to_provider.set("/", faults.hang)
        assert "[harbor-cannot-reach-provider]" in workplace.refused()
        to_harbor.set("/", faults.hang)
        assert "[no-answer]" in workplace.refused(), "of its provider nothing is known then"
        assert workplace.person.windows == 0
