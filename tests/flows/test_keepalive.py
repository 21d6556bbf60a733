"""`keepalive` on a real Keycloak: both sides refreshed, nothing opened, nobody asked, and when it says something."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.policy import keepalive_interval
from docker_credential_harbor.system import lock
from tests.lab import faults
from tests.lab.installations import OTOMI
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.harbor import StandInHarbor
    from tests.lab.keycloak import Keycloak
    from tests.lab.sealed_home import Helper
    from tests.lab.secret_service import SecretService
    from tests.lab.workplace import Workplace

PROBE = "/service/token"
CURRENT = "/api/v2.0/users/current"
SAID = "docker-credential-harbor: "
SHORT = {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "2"}  # for what hangs alone


def keepalive(workplace: Workplace, *arguments: str, **env: str) -> tuple[int, str]:
    """The exit status and what it says; as a scheduler runs it, and never with a window."""
    windows = workplace.person.windows
    answer = workplace.helper.run(["keepalive", *arguments], env=env)
    assert answer.stdout == ""
    assert all(line.startswith(SAID) for line in answer.stderr.splitlines())
    assert workplace.person.windows == windows
    return answer.returncode, answer.stderr


def own_refreshes(workplace: Workplace) -> int:
    return workplace.realm.token_requests(HELPER_CLIENT)


def learnt_life(workplace: Workplace) -> float:
    return float(workplace.kept_tokens()["refresh_token_life_seconds"])


class TestBothSides:
    @pytest.mark.parametrize("env", [{}, {"CI": "true"}, {"DOCKER_CREDENTIAL_HARBOR_LOGIN": "never"}], ids=str)
    def test_harbor_refreshes_what_it_stored(self, workplace: Workplace, env: dict[str, str]) -> None:
        workplace.pair()
        workplace.learn_life()
        workplace.harbor.expire_stored_access_token("alice-h")
        refreshes = workplace.harbor.refreshes
        workplace.asked()
        assert keepalive(workplace, **env) == (0, "")
        assert workplace.harbor.refreshes == refreshes + 1
        assert workplace.asked() == [PROBE], "even within the trust window"

    @pytest.mark.heart
    def test_our_own_tokens_are_refreshed_when_due_and_saved(self, workplace: Workplace) -> None:
        workplace.pair()
        before, refreshed = workplace.kept_tokens(), own_refreshes(workplace)
        assert keepalive(workplace) == (0, "")
        assert own_refreshes(workplace) == refreshed, "not due yet"
        workplace.let_id_token_expire()
        assert keepalive(workplace) == (0, "")
        assert own_refreshes(workplace) == refreshed + 1
        kept = workplace.kept_tokens()
        assert kept["refresh_token"] != before["refresh_token"]
        assert workplace.id_token_is_good()
        assert workplace.own_token_is_live()
        assert keepalive(workplace) == (0, "")
        assert own_refreshes(workplace) == refreshed + 2, "one was the test's own"

    def test_the_life_of_the_refresh_token_is_learnt(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"ssoSessionIdleTimeout": 1234})
        workplace.pair()
        assert learnt_life(workplace) == pytest.approx(1234, abs=60)

    def test_an_offline_one_has_no_end_of_its_own(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(harbor={"scopes": WITH_OFFLINE})
        workplace.pair()
        assert learnt_life(workplace) == 0

    def test_a_sign_in_kept_by_an_older_version(self, workplace: Workplace) -> None:
        workplace.pair()
        [path] = workplace.helper.home.folders["XDG_DATA_HOME"].rglob("secrets.json")
        document = json.loads(path.read_text())
        for key, value in document["values"].items():
            kept = json.loads(value)
            kept["tokens"] = {
                name: field
                for name, field in kept["tokens"].items()
                if name not in ("refresh_token_life_seconds", "refreshed_at")
            }
            document["values"][key] = json.dumps(kept)
        path.write_text(json.dumps(document))
        workplace.let_id_token_expire()
        assert keepalive(workplace) == (0, "")
        assert learnt_life(workplace) == pytest.approx(1800, abs=60), "Keycloak counts from the sign-in"

    def test_a_replaced_secret_is_found_before_a_pull_needs_it(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert keepalive(workplace) == (0, "")
        workplace.asked()
        assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")
        assert workplace.asked() == []

    def test_a_persons_stored_pair_without_a_client(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(client_id="")
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.pair()
        workplace.harbor.expire_stored_access_token("alice-h")
        refreshes = workplace.harbor.refreshes
        workplace.asked()
        assert keepalive(workplace) == (0, "")
        assert workplace.harbor.refreshes == refreshes + 1
        assert workplace.asked() == [PROBE]

    def test_several_registries_and_one_by_name(
        self, workplace: Workplace, make_harbor: Callable[..., StandInHarbor]
    ) -> None:
        workplace.pair()
        other = make_harbor(workplace.realm)
        with open(workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_CONFIG"], "a") as file:  # noqa: PTH123
            file.write(f'[registries."{other.name}"]\nurl = "{other.url}"\nclient_id = ""\n')
        other.onboard("alice-o", "alice@example.com", workplace.realm.subject("alice"))
        workplace.person.open(f"{other.url}/c/oidc/login")
        workplace.store("alice-o", other.users["alice-o"].secret, other.name)
        workplace.harbor.kill_stored_token("alice-h")
        other.clear_requests()
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (1, 1)
        assert "Harbor's own sign-in has ended" in said
        assert f"login {workplace.name}" in said
        assert len(other.requests_to(PROBE)) == 1
        assert keepalive(workplace, other.name) == (0, "")


class TestNothingToKeepAlive:
    def test_a_robot(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "s")
        assert keepalive(workplace) == (0, "")
        assert workplace.asked() == []

    def test_nobody_is_signed_in(self, workplace: Workplace) -> None:
        assert keepalive(workplace) == (0, "")
        assert workplace.asked() == []

    def test_no_registry(self, helper: Helper) -> None:
        helper.configure("")
        answer = helper.run("keepalive")
        assert (answer.returncode, answer.stdout) == (2, "")
        assert "setup REGISTRY" in answer.stderr

    def test_another_process_is_at_it(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.asked()
        [path] = workplace.helper.home.folders["XDG_STATE_HOME"].rglob("registries/*.lock")
        with lock.hold(path, 0) as held:
            assert held
            assert keepalive(workplace, DOCKER_CREDENTIAL_HARBOR_TIMEOUT="0.2") == (0, "")
        assert workplace.asked() == []


class TestEnded:
    @pytest.mark.heart
    def test_harbors_side(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        for _ in range(2):
            status, said = keepalive(workplace)
            assert status == 1
            todo = f"run: docker-credential-harbor login {workplace.name}"
            seen = "the CLI secret of alice-h is right, and Harbor refuses it: Harbor's own sign-in has ended"
            assert said == f"{SAID}[session-ended] {seen}: {todo}\n"
        assert workplace.pair() == pair, "no pause has begun: the next pull renews it in a window"
        assert workplace.person.windows == 2
        assert keepalive(workplace) == (0, "")

    def test_harbors_side_behind_a_stored_pair(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(client_id="")
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (1, 1)
        assert f"open {workplace.harbor.url}/c/oidc/login in a browser" in said

    def test_a_stored_pair_that_harbor_refuses_at_its_first_look(self, workplace: Workplace) -> None:
        workplace.store("alice-h", "Wrong-Secret-1")
        status, said = keepalive(workplace)
        assert status == 1
        assert "refuses the stored CLI secret of alice-h" in said
        assert f"run: docker login {workplace.name}" in said

    @pytest.mark.heart
    def test_ours_alone(self, workplace: Workplace) -> None:
        pair = workplace.pair()
        workplace.realm.end_sessions("alice")
        workplace.let_id_token_expire()
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (1, 1)
        assert f"the sign-in at the identity provider of {workplace.name} has ended" in said
        assert f"docker-credential-harbor login {workplace.name}" in said
        assert workplace.pair() == pair, "Harbor still accepts it"

    @pytest.mark.heart
    def test_both(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.realm.end_sessions("alice")
        workplace.let_id_token_expire()
        workplace.harbor.expire_stored_access_token("alice-h")
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (1, 1)
        assert f"the sign-in of alice at {workplace.name} has ended, and Harbor refuses" in said
        assert f": run: docker-credential-harbor login {workplace.name}" in said


@pytest.mark.heart
class TestHarborEndsByItself:
    """Otomi's Harbor gets tokens of a minute and no refresh token: no keepalive can come before their end."""

    @pytest.fixture
    def otomi(self, make_workplace: Callable[..., Workplace]) -> Workplace:
        workplace = make_workplace(**OTOMI.options())
        for _ in range(2):
            workplace.pair()
            workplace.let_pass(120)
        return workplace

    @staticmethod
    def lasting(workplace: Workplace) -> str:
        return workplace.helper.run(["keepalive", "--status"]).stdout

    def test_ours_is_kept_alive_and_that_is_no_failure(self, otomi: Workplace) -> None:
        assert "cannot be kept alive" not in self.lasting(otomi), "once is no proof"
        status, said = keepalive(otomi)
        assert (status, said.count("\n")) == (0, 1)
        assert f"[harbor-not-kept-alive] Harbor's own sign-in at {otomi.name} ends each time within " in said
        assert otomi.id_token_is_good()
        assert otomi.own_token_is_live()
        assert "so it cannot be kept alive, and the next pull after that opens Harbor's login" in self.lasting(otomi)
        otomi.pair()
        assert otomi.person.forms == 1, "which takes no form"
        assert "cannot be kept alive" in self.lasting(otomi)

    def test_where_ours_has_ended_too_it_is_one(self, otomi: Workplace) -> None:
        otomi.realm.end_sessions("alice")
        status, said = keepalive(otomi)
        assert (status, said.count("\n")) == (1, 1)
        assert "[session-ended] the sign-in of alice at" in said

    def test_a_harbor_that_refreshes_is_seen_too(self, otomi: Workplace) -> None:
        assert keepalive(otomi)[0] == 0
        otomi.realm.update_client(HARBOR_CLIENT, attributes={"use.refresh.tokens": "true"})
        otomi.pair()
        otomi.let_pass(240)  # more than those found dead can have lived, however slow this machine is
        assert keepalive(otomi) == (0, "")
        assert "cannot be kept alive" not in self.lasting(otomi)


class TestLocked:
    def test_a_locked_keyring_is_told_and_no_dialog_asks_to_unlock_it(
        self, workplace: Workplace, secret_bus: SecretService
    ) -> None:
        environment = workplace.helper.home.environment
        environment |= {**secret_bus.environment, "DISPLAY": ":99"}
        workplace.helper.configure(
            f'storage = "keyring"\n[registries."{workplace.name}"]\nurl = "{workplace.harbor.url}"\n'
        )
        workplace.pair()
        secret_bus.lock()
        assert secret_bus.locked()
        workplace.asked()
        status, said = keepalive(workplace, DOCKER_CREDENTIAL_HARBOR_TIMEOUT="20")
        assert (status, said.count("\n")) == (1, 1)
        assert "locked" in said, "and not that nobody answered a dialog in time"
        assert workplace.asked() == []


class TestAway:
    def test_harbor_is_told_once_and_is_no_failure(
        self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]
    ) -> None:
        workplace = make_workplace()
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(top="cache_ttl = 0", url=proxy.url)
        pair = workplace.pair()
        proxy.set("/", faults.refuse)
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (0, 1)
        assert "cannot be reached" in said
        assert keepalive(workplace) == (0, ""), "the same outage is not told twice"
        proxy.set("/", faults.hang)
        status, said = keepalive(workplace, **SHORT)
        assert (status, said.count("\n")) == (0, 1)
        answer = workplace.get(**SHORT)
        assert (answer.returncode, json.loads(answer.stdout)["Secret"]) == (0, pair[1])
        assert "could not be verified" in answer.stderr
        proxy.clear()
        assert keepalive(workplace) == (0, "")
        proxy.set("/", faults.refuse)
        assert keepalive(workplace)[1].count("\n") == 1, "another outage"
        proxy.clear()
        assert workplace.pair() == pair

    def test_our_tokens_are_kept_alive_while_harbor_is_away(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.let_id_token_expire()
        refreshed = own_refreshes(workplace)
        workplace.harbor.down()
        assert keepalive(workplace)[0] == 0
        workplace.harbor.up()
        assert own_refreshes(workplace) == refreshed + 1

    @pytest.mark.parametrize("fault", [faults.refuse, faults.hang, faults.status(503)], ids=["refused", "hangs", "503"])
    def test_the_provider_seen_from_here(
        self,
        make_workplace: Callable[..., Workplace],
        make_proxy: Callable[..., FaultProxy],
        keycloak: Keycloak,
        fault: faults.Fault,
    ) -> None:
        proxy = make_proxy(keycloak.url)
        workplace = make_workplace(through=proxy)
        workplace.harbor.provider.connect_through(keycloak.url)
        workplace.pair()
        tokens = workplace.kept_tokens()
        workplace.let_id_token_expire()
        proxy.set("/", fault)
        assert keepalive(workplace, **SHORT) == (0, ""), "pulls work all the same"
        assert workplace.kept_tokens()["refresh_token"] == tokens["refresh_token"]
        proxy.clear()
        assert keepalive(workplace) == (0, "")
        assert workplace.kept_tokens()["refresh_token"] != tokens["refresh_token"]

    def test_the_provider_seen_from_harbor(
        self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]
    ) -> None:
        workplace = make_workplace()
        pair = workplace.pair()
        proxy = make_proxy(workplace.realm.keycloak.url)
        workplace.harbor.provider.connect_through(proxy.url)
        workplace.harbor.expire_stored_access_token("alice-h")
        proxy.set("/", faults.refuse)
        status, said = keepalive(workplace)
        assert (status, said.count("\n")) == (0, 1)
        assert "cannot reach its identity provider" in said
        proxy.clear()
        assert keepalive(workplace) == (0, "")
        assert workplace.pair() == pair


class TestBesideOthers:
    def test_gets_at_the_same_time_share_one_refresh(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"revoke_refresh_token": True}, top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.expire_stored_access_token("alice-h")
        workplace.let_id_token_expire()
        refreshes, own = workplace.harbor.refreshes, own_refreshes(workplace)
        upkeep = workplace.helper.start("keepalive")
        gets = [workplace.start_get() for _ in range(4)]
        answers = [get.communicate(timeout=60)[0] for get in gets]
        assert {json.loads(answer)["Secret"] for answer in answers} == {pair[1]}
        assert upkeep.communicate(timeout=60) == (b"", b"")
        assert workplace.harbor.refreshes == refreshes + 1
        assert own_refreshes(workplace) == own + 1
        workplace.harbor.expire_stored_access_token("alice-h")
        assert keepalive(workplace) == (0, ""), "strict rotation has ended nothing"

    def test_a_person_at_a_terminal_reads_a_line(self, workplace: Workplace) -> None:
        workplace.pair()
        screen, terminal = os.openpty()
        program = [workplace.helper.program, "keepalive"]
        subprocess.run(program, env=workplace.helper.home.environment, stdout=terminal, stdin=terminal, check=True)
        assert os.read(screen, 4096).decode() == f"{workplace.name}: kept alive (alice-h)\r\n"
        os.close(terminal)
        os.close(screen)


IDLE_SECONDS = 15


class TestLongerThanIdle:
    """The provider ends sessions that nobody used for IDLE_SECONDS; Harbor's access token lives shorter than that."""

    @pytest.fixture
    def short(self, make_workplace: Callable[..., Workplace]) -> Workplace:
        return make_workplace({"access_token_lifespan": 11, "ssoSessionIdleTimeout": IDLE_SECONDS})

    def test_with_keepalive_at_its_own_interval_both_sides_live(self, short: Workplace) -> None:
        pair = short.pair()
        life = learnt_life(short)
        assert life == pytest.approx(IDLE_SECONDS, abs=1)
        ends_at = time.monotonic() + 2.5 * IDLE_SECONDS
        while time.monotonic() < ends_at:
            next_at = time.monotonic() + keepalive_interval.touch_seconds(life)
            assert keepalive(short) == (0, "")
            time.sleep(max(0, next_at - time.monotonic()))
        assert short.pair(CI="true") == pair
        assert short.own_token_is_live()

    def test_without_it_both_die(self, short: Workplace) -> None:
        short.pair()
        kept = short.kept_tokens()["refresh_token"]
        time.sleep(1.5 * IDLE_SECONDS)
        status, said = keepalive(short)
        assert (status, said.count("\n")) == (1, 1)
        assert "has ended" in said
        assert not short.is_live(kept)
