"""What one process does while another has the window: nothing newer is lost, and each pair stays the answer it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import WITHOUT_OFFLINE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.harbor import StandInHarbor
    from tests.lab.person import CookiePerson
    from tests.lab.realm import Realm


def pair_of(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    pair = json.loads(output)
    return pair["Username"], pair["Secret"]


@pytest.mark.heart
def test_a_refresh_while_a_walk_is_open_is_not_undone(
    make_workplace: Callable[..., Workplace], person: CookiePerson
) -> None:
    """With strict rotation the older refresh token would end the session."""
    workplace = make_workplace({"revoke_refresh_token": True}, top="cache_ttl = 0")
    pair = workplace.pair()
    workplace.harbor.kill_stored_token("alice-h")
    person.decline = True
    person.forget_cookies()
    walking = workplace.start_get()
    person.wait_for_windows(2)
    before = workplace.kept_tokens()["refresh_token"]
    workplace.let_id_token_expire()
    assert workplace.helper.run("status").returncode == 0
    newer = workplace.kept_tokens()["refresh_token"]
    assert newer != before, "status has refreshed"
    person.decline = False
    person.go_on()
    assert pair_of(walking) == pair
    assert workplace.kept_tokens()["refresh_token"] == newer
    assert workplace.own_token_is_live()


@pytest.mark.heart
def test_a_pair_stored_while_a_window_is_open_is_the_answer_from_then_on(
    make_workplace: Callable[..., Workplace],
    person: CookiePerson,
) -> None:
    person.decline = True
    workplace = make_workplace()
    asking = workplace.start_get()
    person.wait_for_windows()
    workplace.store("robot$ci", "s")
    assert workplace.pair() == ("robot$ci", "s")
    assert asking.poll() is None, "the window is still open, and only who asked for it waits"
    person.decline = False
    person.go_on()
    assert pair_of(asking) == ("robot$ci", "s")
    for _ in range(2):
        assert workplace.pair() == ("robot$ci", "s")


@pytest.mark.heart
def test_a_refresh_token_goes_to_the_provider_that_gave_it_alone(
    make_workplace: Callable[..., Workplace], make_realm: Callable[..., Realm]
) -> None:
    workplace = make_workplace(top="cache_ttl = 0")
    workplace.pair()
    other = make_realm()
    other.set_harbor_redirect(workplace.harbor.url)
    workplace.harbor.provider.issuer = other.issuer
    workplace.harbor.kill_stored_token("alice-h")
    workplace.let_id_token_expire()
    workplace.forget_provider()
    workplace.get(CI="1")
    assert other.token_requests("docker-credential-harbor") == 0
    assert other.token_requests("docker-credential-harbor", "REFRESH_TOKEN_ERROR") == 0


def test_a_stored_pair_is_found_where_the_sign_in_no_longer_counts(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace()
    pair = workplace.pair()
    workplace.configure(client_id="")
    workplace.store(*pair)
    assert workplace.pair() == pair
    assert workplace.person.windows == 1


def test_a_stored_pair_that_get_gave_is_not_pinned_by_storing_it_again(
    make_workplace: Callable[..., Workplace],
) -> None:
    workplace = make_workplace(top="cache_ttl = 0")
    pair = workplace.pair()
    workplace.store("robot$ci", "s")
    workplace.store(*pair)
    workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
    assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")


def test_two_registries_at_once_take_the_window_in_turn(
    make_workplace: Callable[..., Workplace], make_harbor: Callable[..., StandInHarbor]
) -> None:
    workplace = make_workplace()
    second = make_harbor(workplace.realm, scopes=WITHOUT_OFFLINE)
    workplace.realm.set_harbor_redirect(f"{workplace.harbor.url}/c/oidc/callback", f"{second.url}/c/oidc/callback")
    other = replace(workplace, harbor=second)
    other.onboard()
    workplace.helper.configure(
        f'storage = "file"\n[registries."{workplace.name}"]\nurl = "{workplace.harbor.url}"\n'
        f'[registries."{other.name}"]\nurl = "{second.url}"\n'
    )
    asking = [workplace.start_get(name) for name in (workplace.name, other.name)]
    assert [pair_of(process)[0] for process in asking] == ["alice-h", "alice-h"]
    assert (workplace.person.windows, workplace.person.forms) == (2, 1)


def test_what_ci_could_not_do_is_no_answer_for_a_person(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace(top="cache_ttl = 0")
    pair = workplace.pair()
    workplace.harbor.kill_stored_token("alice-h")
    asking = [workplace.helper.start("get", {"CI": "1"}), workplace.helper.start("get")]
    for process in asking:
        assert process.stdin
        process.stdin.write(workplace.name.encode())
        process.stdin.close()
        process.stdin = None
    asking[0].communicate(timeout=60)
    assert pair_of(asking[1]) == pair


class TestLogin:
    def test_it_tells_how_the_walk_ended(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(harbor={"auto_onboard": True}, onboarded=False, top="login_timeout = 10")
        workplace.harbor.onboard("alice", "somebody@example.com", "old-sub")
        answer = workplace.helper.run("login")
        assert answer.returncode == 1
        assert "409" in answer.stderr
        assert "no window opens" not in answer.stderr

    def test_it_takes_the_place_of_a_window_that_is_open(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        person.decline = True
        workplace = make_workplace()
        asking = workplace.start_get()
        person.wait_for_windows()
        person.decline = False
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert person.windows == 2
        assert asking.communicate(timeout=60)

    def test_its_success_ends_the_pause_with_a_stored_pair_too(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        workplace.store("robot$ci", "s")
        assert workplace.helper.run("login").returncode == 0
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        assert workplace.pair()[0] == "alice-h"


def test_unreadable_bytes_on_a_new_machine_are_healed_by_the_sign_in(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace()
    workplace.harbor.garble_secret("alice-h")
    answer = workplace.get()
    assert answer.returncode == 0, answer.stderr
    assert "a new one was set" in answer.stderr
    assert workplace.person.windows == 1


def test_status_does_not_call_a_refused_pair_ready(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace(client_id="")
    workplace.store("somebody", "wrong")
    found = json.loads(workplace.helper.run(["status", "--json"]).stdout)["registries"][0]
    assert found["state"] == "refused"
    assert workplace.pair() == ("somebody", "wrong"), "the first get hands it out as it is, whatever status saw"
