"""What `get` does, row by row on real parts, what it asks Harbor, and what a person sees of it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lab import faults
from tests.lab.realm import HELPER_CLIENT
from tests.lab.said import failure_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy

PROBE = "/service/token"
CURRENT = "/api/v2.0/users/current"
SHORT = {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "2"}  # for what hangs alone


def accepts(workplace: Workplace, pair: tuple[str, str]) -> bool:
    return workplace.harbor.users[pair[0]].secret == pair[1]


@pytest.mark.heart
class TestFirstAndWarm:
    def test_the_first_get_signs_in_and_a_warm_one_asks_nobody(self, workplace: Workplace) -> None:
        first = workplace.get()
        assert first.returncode == 0, first.stderr
        assert workplace.person.windows == 1
        assert workplace.person.forms == 1
        assert "opening a browser" in first.stderr
        workplace.asked()
        for url in (workplace.name, f"{workplace.harbor.url}/v2/", f"{workplace.name}/project/image"):
            pair = workplace.pair(url)
            assert accepts(workplace, pair)
        assert workplace.asked() == []
        assert workplace.person.windows == 1

    def test_after_the_trust_window_one_probe_alone(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        workplace.asked()
        answer = workplace.get()
        assert (answer.returncode, answer.stderr) == (0, "")
        assert workplace.asked() == [PROBE]

    def test_a_changed_configuration_forgets_what_is_remembered(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.learn_life()
        workplace.asked()
        workplace.configure(top="timeout = 9")
        workplace.pair()
        assert workplace.asked() == [PROBE]


@pytest.mark.heart
class TestRefused:
    def test_a_replaced_secret_is_fetched_and_probed(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        workplace.asked()
        assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")
        assert workplace.asked() == [PROBE, CURRENT, PROBE]
        assert workplace.person.windows == 1

    def test_harbors_dead_token_is_renewed_by_one_walk_without_a_form(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        answer = workplace.get()
        assert answer.returncode == 0, answer.stderr
        assert workplace.pair() == pair
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)
        assert f"open: {workplace.harbor.url}/c/oidc/login" in answer.stderr

    def test_harbors_login_renews_it_though_our_client_is_gone(self, make_workplace: Callable[..., Workplace]) -> None:
        """Its administrator took ours away: that is none of Harbor's business."""
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.realm.remove_client(HELPER_CLIENT)
        workplace.let_id_token_expire()
        workplace.harbor.kill_stored_token("alice-h")
        answer = workplace.get()
        assert answer.returncode == 0, answer.stderr
        assert workplace.pair() == pair
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)

    def test_after_a_renewal_the_pair_is_trusted_again(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        workplace.pair(DOCKER_CREDENTIAL_HARBOR_CACHE_TTL="0")
        assert workplace.person.windows == 2
        workplace.learn_life()
        workplace.pair()
        workplace.asked()
        workplace.pair()
        assert workplace.asked() == []

    def test_an_ended_session_at_the_provider_means_signing_in_once_more(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace({"access_token_lifespan": 60}, top="cache_ttl = 0")
        workplace.pair()
        workplace.realm.end_sessions("alice")
        workplace.harbor.expire_stored_access_token("alice-h")
        assert accepts(workplace, workplace.pair())
        assert workplace.person.windows == 2
        assert workplace.person.forms == 2

    def test_a_missing_audience_mapper_is_named(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"audience_mapper": False})
        line = workplace.refused()
        assert "its aud lacks 'harbor'" in line
        assert "mapper of type Audience" in line

    def test_unreadable_bytes_are_healed_by_a_walk_and_a_new_secret(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        old = workplace.pair()
        workplace.harbor.garble_secret("alice-h")
        answer = workplace.get()
        assert answer.returncode == 0, answer.stderr
        assert "a new one was set" in answer.stderr
        username, secret = workplace.pair()
        assert (username, len(secret) >= 32) == (old[0], True)
        assert secret != old[1]


class TestNotOnboarded:
    def test_the_person_picks_a_name_in_the_same_tab(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(onboarded=False)
        workplace.person.onboard_as = "alice-picked"
        username, _ = workplace.pair()
        assert username == "alice-picked"
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    def test_harbor_onboards_by_itself(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(harbor={"auto_onboard": True}, onboarded=False)
        username, _ = workplace.pair()
        assert username == "alice"
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    def test_a_taken_name_ends_with_a_line_that_an_administrator_can_act_on(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(harbor={"auto_onboard": True}, onboarded=False, top="login_timeout = 10")
        workplace.harbor.onboard("alice", "somebody@example.com", "old-sub")
        line = workplace.refused()
        assert "does not know alice yet" in line
        assert "409" in line


class TestAway:
    def test_harbor_away_gives_the_last_known_pair_with_a_warning(
        self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(top="cache_ttl = 0", url=proxy.url)
        pair = workplace.pair()
        for fault in (faults.refuse, faults.hang, faults.status(503), faults.garbage, faults.cut_short):
            proxy.set("/", fault)
            answer = workplace.get(**SHORT)
            assert answer.returncode == 0, answer.stderr
            assert failure_in(answer.stderr).startswith("the pair for ")
            assert "could not be verified" in answer.stderr
            assert answer.stderr.count("\n") == 1
            proxy.clear()
            assert workplace.pair() == pair
        assert workplace.person.windows == 1

    def test_harbor_away_before_the_first_sign_in_says_so_and_opens_nothing(
        self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]
    ) -> None:
        workplace = make_workplace()
        proxy = make_proxy(workplace.harbor.url)
        proxy.set("/", faults.refuse)
        workplace.configure(url=proxy.url)
        assert "cannot be reached" in workplace.refused()
        assert workplace.person.windows == 0

    def test_provider_away_from_harbor_keeps_the_pair_and_opens_nothing(
        self, make_workplace: Callable[..., Workplace], make_proxy: Callable[..., FaultProxy]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        proxy = make_proxy(workplace.realm.url)
        workplace.harbor.provider.connect_through(proxy.url)
        workplace.harbor.expire_stored_access_token("alice-h")
        for fault in (faults.refuse, faults.hang):
            proxy.set("/", fault)
            answer = workplace.get(**SHORT)
            assert answer.returncode == 0, answer.stderr
            assert "could not be verified" in answer.stderr
            proxy.clear()
        assert workplace.person.windows == 1
        assert workplace.pair() == pair


@pytest.mark.heart
class TestNobodyToAsk:
    def test_ci_gets_not_found_and_the_command_to_run(self, workplace: Workplace) -> None:
        line = workplace.refused(CI="true")
        assert f"docker-credential-harbor login {workplace.name}" in line
        assert workplace.person.windows == 0
        assert workplace.asked() == []

    def test_a_dead_token_in_ci_too(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        assert "nobody can be asked here" in workplace.refused(CI="true")
        assert workplace.person.windows == 1

    def test_login_never(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top='login = "never"')
        assert "nobody can be asked here" in workplace.refused()
        assert workplace.person.windows == 0


class TestLink:
    def test_where_no_browser_can_be_opened_the_link_to_harbors_login_does(self, workplace: Workplace) -> None:
        """Over SSH, say: the person opens it on any device, and the helper goes on by itself."""
        pair = workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        environment = workplace.helper.home.environment
        del environment["BROWSER"]
        environment |= {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "DOCKER_CREDENTIAL_HARBOR_CACHE_TTL": "0"}
        screen, terminal = os.openpty()
        asking = subprocess.Popen(
            [workplace.helper.program, "get"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=terminal,
        )
        assert asking.stdin
        asking.stdin.write(workplace.name.encode())
        asking.stdin.close()
        asking.stdin = None
        shown = os.read(screen, 4096).decode()
        assert shown.startswith("docker-credential-harbor: to renew the sign-in at ")
        link = f"{workplace.harbor.url}/c/oidc/login"
        assert link in shown.split()
        workplace.person.open(link)
        output, _ = asking.communicate(timeout=60)
        assert json.loads(output)["Secret"] == pair[1]
        os.close(terminal)
        os.close(screen)


class TestStoredPairs:
    def test_a_robot_by_its_name_is_handed_out_without_a_request(self, workplace: Workplace) -> None:
        workplace.store("robot$ci", "wrong or right")
        assert workplace.pair() == ("robot$ci", "wrong or right")
        assert workplace.asked() == []
        assert workplace.person.windows == 0

    def test_a_robot_or_local_account_is_looked_at_once(self, workplace: Workplace) -> None:
        workplace.harbor.add_robot("ci-bot", "Robot-Secret-1")
        workplace.harbor.add_local("admin", "Harbor12345")
        for username, secret in (("ci-bot", "Robot-Secret-1"), ("admin", "Harbor12345")):
            workplace.store(username, secret)
            assert workplace.pair() == (username, secret)
            assert workplace.asked() == [PROBE, CURRENT]
            workplace.configure(top="cache_ttl = 0")
            assert workplace.pair() == (username, secret)
            assert workplace.asked() == []
        assert workplace.person.windows == 0

    def test_a_persons_pair_without_a_client_is_probed_and_walked(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0", client_id="")
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        secret = workplace.harbor.users["alice-h"].secret
        workplace.store("alice-h", secret)
        workplace.asked()
        assert workplace.pair() == ("alice-h", secret)
        assert workplace.asked() == [PROBE, CURRENT]
        assert workplace.pair() == ("alice-h", secret)
        assert workplace.asked() == [PROBE]
        workplace.harbor.kill_stored_token("alice-h")
        assert workplace.pair() == ("alice-h", secret)
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)

    def test_a_replaced_secret_without_a_client_says_where_to_copy_the_new_one(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top="cache_ttl = 0\nlogin_timeout = 3", client_id="")
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        workplace.pair()
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        line = workplace.refused()
        assert f"run: docker-credential-harbor login {workplace.name}" in line
        assert workplace.harbor.url in line

    def test_without_a_client_and_without_a_pair(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(client_id="")
        line = workplace.refused()
        assert f"run docker-credential-harbor login {workplace.name}, which opens {workplace.harbor.url} and" in line
        assert workplace.person.windows == 0

    def test_what_get_gave_is_not_pinned_by_docker_login(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.store(*pair)
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")

    def test_the_last_stored_pair_wins_until_erase(self, workplace: Workplace) -> None:
        signed_in = workplace.pair()
        workplace.store("robot$ci", "s")
        assert workplace.pair() == ("robot$ci", "s")
        assert workplace.helper.run("list").stdout.strip() == f'{{"https://{workplace.name}":"robot$ci"}}'
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert workplace.pair() == signed_in
        assert workplace.person.windows == 2
