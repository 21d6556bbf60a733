"""Many at once, killed callers, interrupted commands: one refresh, one probe, one window, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND
from tests.lab.processes import wait_until
from tests.lab.workplace import pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import IdentityProvider
    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy
    from tests.lab.person import CookiePerson

MANY = 12
PATIENT = "timeout = 60"  # each may have to wait for all the others


class TestManyAtOnce:
    @pytest.mark.heart
    def test_one_window_serves_all(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top=PATIENT)
        pairs = pairs_of(workplace.many_gets(MANY))
        assert pairs == {("alice-h", workplace.harbor.users["alice-h"].secret)}
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    def test_one_probe_serves_all_that_were_waiting_even_without_a_trust_window(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(top=f"{PATIENT}\ncache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.expire_stored_access_token("alice-h")
        before = workplace.harbor.refreshes
        workplace.asked()
        assert pairs_of(workplace.many_gets(MANY)) == {pair}
        assert len(workplace.asked()) < MANY, "those that were waiting take over what the first found out"
        assert workplace.harbor.refreshes == before + 1

    @pytest.mark.heart
    def test_one_refresh_by_us_with_strict_rotation(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace({"revoke_refresh_token": True}, top=f"{PATIENT}\ncache_ttl = 0\nlogin_timeout = 30")
        workplace.pair()
        workplace.let_id_token_expire()
        before = workplace.realm.token_requests("docker-credential-harbor")
        workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert pairs_of(workplace.many_gets(MANY)) == {("alice-h", "Another-Secret-0123456789")}
        assert workplace.realm.token_requests("docker-credential-harbor") == before + 1
        assert workplace.own_token_is_live()

    def test_a_dead_token_is_walked_for_once(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top=f"{PATIENT}\ncache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        assert pairs_of(workplace.many_gets(MANY)) == {pair}
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)


@pytest.mark.heart
class TestKilledCaller:
    def test_the_sign_in_goes_on_and_the_next_get_picks_its_result_up(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        caller = workplace.helper.start("get")
        assert caller.stdin
        caller.stdin.write(workplace.name.encode())
        caller.stdin.close()
        person.wait_for_windows()
        os.kill(caller.pid, signal.SIGKILL)
        caller.wait(10)
        caller.stdin = None
        caller.communicate(timeout=10)  # all three streams are closed: nothing that was started holds them
        person.decline = False
        person.go_on()
        assert workplace.pair()[0] == "alice-h"
        assert person.windows == 2, "the second one is where the person went on"

    def test_a_second_get_joins_the_window_of_a_killed_one(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        first, second = (workplace.start_get() for _ in range(2))
        person.wait_for_windows()
        os.kill(first.pid, signal.SIGKILL)
        first.communicate(timeout=10)
        person.decline = False
        person.go_on()
        output, errors = second.communicate(timeout=60)
        assert second.returncode == 0, errors
        assert json.loads(output)["Username"] == "alice-h"
        assert len(person.urls) == 2

    def test_a_killed_worker_leaves_no_lock(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        caller = workplace.start_get()
        person.wait_for_windows()
        [worker] = workers(workplace)
        os.kill(worker, signal.SIGKILL)
        output, errors = caller.communicate(timeout=30)
        assert output.decode() == NOT_FOUND
        assert b"was ended before it was finished" in errors
        person.decline = False
        assert workplace.helper.run("login").returncode == 0


@pytest.mark.heart
class TestEnding:
    def test_ctrl_c_ends_the_sign_in_of_login(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        login = workplace.helper.start(["login"])
        person.wait_for_windows()
        login.send_signal(signal.SIGINT)
        output, errors = login.communicate(timeout=30)
        assert (login.returncode, output) == (130, b"")
        assert b"Traceback" not in errors
        wait_until(lambda: not workers(workplace), "the worker to end")

    def test_erase_ends_a_sign_in_under_way(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        caller = workplace.start_get()
        person.wait_for_windows()
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        output, errors = caller.communicate(timeout=30)
        assert output.decode() == NOT_FOUND
        assert b"was ended before it was finished" in errors
        assert json.loads(workplace.helper.run("list").stdout) == {}
        assert workers(workplace) == []

    def test_erase_revokes_the_refresh_token(self, workplace: Workplace) -> None:
        workplace.pair()
        assert workplace.realm.sessions("alice")
        token = workplace.kept_tokens()["refresh_token"]
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert not workplace.is_live(token)
        assert workplace.helper.run("list").stdout == "{}\n"
        for server in (f"https://{workplace.name}", f"http://{workplace.name}", workplace.name):
            assert workplace.helper.run("erase", server).returncode == 0

    def test_logout_says_what_it_did(self, workplace: Workplace) -> None:
        workplace.pair()
        answer = workplace.helper.run("logout")
        assert (answer.returncode, answer.stdout) == (0, f"Signed out of {workplace.name}.\n")
        answer = workplace.helper.run("logout")
        assert (answer.returncode, answer.stdout) == (0, f"Nobody was signed in at {workplace.name}.\n")

    def test_logout_with_the_provider_away_is_local_and_says_so(
        self,
        make_workplace: Callable[..., Workplace],
        make_proxy: Callable[..., FaultProxy],
        identity_provider: IdentityProvider,
    ) -> None:
        proxy = make_proxy(identity_provider.url)
        workplace = make_workplace(through=proxy)
        workplace.pair()
        proxy.down()
        answer = workplace.helper.run("logout")
        assert answer.returncode == 0
        assert "signed out of" in answer.stderr
        assert "but not at the identity provider" in answer.stderr
        assert json.loads(workplace.helper.run("list").stdout) == {}


def workers(workplace: Workplace) -> list[int]:
    """The processes that ask a person for this registry now."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"_ask-the-person" in words and workplace.name.encode() in words:
                found.append(int(entry.parent.name))
    return found
