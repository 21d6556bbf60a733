"""A sign-in is always ours and Harbor's walk, in one tab with one form at most, on the real Keycloak."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from tests.flows.conftest import WITH_OFFLINE, WITHOUT_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.conftest import Workplace
    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.person import CookiePerson


class TestOneTabOneForm:
    """The order: our authorization, Harbor's walk, the exchange; both sides live afterwards."""

    @pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE], ids=["offline", "online"])
    @pytest.mark.parametrize("session", ["live-session", "no-session"])
    @pytest.mark.parametrize("state", ["dead-token", "picks-a-name", "auto-onboard"])
    def test_both_sides_are_live(
        self,
        make_workplace: Callable[..., Workplace],
        chromium_person: ChromiumPerson,
        scopes: str,
        session: str,
        state: str,
    ) -> None:
        workplace = make_workplace(
            harbor={"scopes": scopes, "auto_onboard": state == "auto-onboard"},
            onboarded=state == "dead-token",
            somebody=chromium_person,
            top="cache_ttl = 0",
        )
        chromium_person.onboard_as = "alice-picked" if state == "picks-a-name" else None
        if session == "live-session":
            workplace.sign_in_elsewhere()
        username, _ = workplace.pair()
        assert username == {"dead-token": "alice-h", "picks-a-name": "alice-picked", "auto-onboard": "alice"}[state]
        assert chromium_person.windows == 1
        assert chromium_person.forms == (0 if session == "live-session" else 1)
        workplace.harbor.expire_stored_access_token(username)
        assert workplace.get(CI="1").stderr == "", "Harbor refreshes what it stored in that walk"
        assert workplace.own_token_is_live()
        chromium_person.wait_for_windows(1)
        assert chromium_person.pages[-1].url.startswith(workplace.harbor.url), "the tab ends in Harbor"


class TestOfflineAccessRefused:
    def test_by_the_client_it_goes_on_without_in_the_same_tab(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(harbor={"scopes": WITH_OFFLINE})
        workplace.realm.remove_offline_scope("docker-credential-harbor")
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout == f"Signed in at {workplace.name} as alice-h.\n"
        assert "refused offline_access" in answer.stderr
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    def test_by_the_persons_roles_it_goes_on_without_a_second_form(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(scopes=["openid", "profile", "offline_access"])
        workplace.realm.remove_offline_role()
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert "refused offline_access" in answer.stderr
        assert workplace.person.forms == 1


class TestConsentThatHarborAsksFor:
    """`prompt=consent` in Harbor's request is in ours, too: at Keycloak that is a page to click, not another form."""

    def test_both_sides_are_live(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(
            harbor={"scopes": WITH_OFFLINE, "extra_redirect_parms": {"prompt": "consent"}}, top="cache_ttl = 0"
        )
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.authorization_requests()[0]["prompt"] == "consent"
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)
        workplace.harbor.expire_stored_access_token("alice-h")
        assert workplace.get(CI="1").stderr == ""
        assert workplace.own_token_is_live()


class TestWhatElseHarborAsksFor:
    def test_what_would_be_done_to_the_account_is_not_in_ours(
        self, make_workplace: Callable[..., Workplace], person: CookiePerson
    ) -> None:
        """Keycloak would show its page for another password, or the end of the account, in our sign-in."""
        person.decline = True
        workplace = make_workplace(
            harbor={"extra_redirect_parms": {"kc_action": "UPDATE_PASSWORD", "ui_locales": "de"}}
        )
        asking = workplace.start_get()
        person.wait_for_windows()
        [asked] = person.authorization_requests()
        assert workplace.helper.run("erase", workplace.name).returncode == 0
        asking.communicate(timeout=60)
        assert (asked.get("kc_action"), asked["ui_locales"]) == (None, "de")


class TestCallback:
    """Only the one callback with the right state is taken; nothing else ends the wait."""

    @pytest.fixture
    def waiting(self, make_workplace: Callable[..., Workplace], person: CookiePerson) -> Workplace:
        person.decline = True
        return make_workplace()

    def test_anything_else_gets_a_4xx_and_does_not_end_the_wait(self, waiting: Workplace) -> None:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(waiting.get()))
        asking.start()
        waiting.person.wait_for_windows(1)
        [asked] = waiting.person.authorization_requests()
        callback, state = asked["redirect_uri"], asked["state"]
        assert urlsplit(callback).hostname == "127.0.0.1"
        assert asked["code_challenge_method"] == "S256"
        for url in (
            callback,
            f"{callback}?code=x&state=wrong",
            f"{callback}?code=x&state={state}&iss=https://evil.example.com",
            f"{callback}?code=x&state={state}",  # this Keycloak announces iss, so it must be there
            f"{callback}?error=access_denied&state=wrong",
            f"{callback}?state={state}&iss={waiting.realm.issuer}",
            callback.replace("/callback", "/other"),
        ):
            assert 400 <= requests.get(url, timeout=10).status_code < 500, url
        assert 400 <= requests.post(callback, timeout=10).status_code < 500
        waiting.person.decline = False
        waiting.person.go_on()
        asking.join(60)
        assert answers[0].returncode == 0, answers[0].stderr
        with pytest.raises(requests.ConnectionError):
            requests.get(callback, timeout=10)

    def test_a_declined_sign_in_shows_a_page_and_pauses_the_windows(self, waiting: Workplace) -> None:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(waiting.refused()))
        asking.start()
        waiting.person.wait_for_windows(1)
        [asked] = waiting.person.authorization_requests()
        page = requests.get(
            asked["redirect_uri"],
            params={"error": "access_denied", "state": asked["state"], "iss": waiting.realm.issuer},
            timeout=10,
        )
        assert page.status_code == 200
        assert "declined" in page.text.lower()
        asking.join(60)
        assert "was declined (access_denied)" in answers[0]
        line = waiting.refused()
        assert "no window opens by itself for " in line
        assert waiting.person.windows == 1
        waiting.person.decline = False
        assert waiting.helper.run("login").returncode == 0, "login asks all the same"
        assert waiting.person.windows == 2
        waiting.harbor.kill_stored_token("alice-h")
        waiting.configure(top="cache_ttl = 0")
        assert waiting.pair()[0] == "alice-h", "and its success ends the pause"


class TestUnknownClient:
    @pytest.mark.parametrize("keys", [{"client_id": "nobody"}, {"redirect_uri": "http://127.0.0.1/elsewhere"}])
    def test_it_is_found_out_before_a_window_opens(
        self, make_workplace: Callable[..., Workplace], keys: dict[str, str]
    ) -> None:
        workplace = make_workplace(**keys)
        for _ in range(2):  # no window was open, so nothing is paused
            line = workplace.refused()
            assert "does not take the client" in line
            assert next(iter(keys.values())) in line
            assert f"docker-credential-harbor login {workplace.name}" in line
        assert workplace.person.windows == 0


class TestWho:
    @pytest.mark.heart
    def test_get_keeps_the_known_person(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.pair()
        workplace.realm.end_sessions("alice")
        workplace.harbor.kill_stored_token("alice-h")
        workplace.let_id_token_expire()
        workplace.onboard("bob", "bob-h")
        workplace.person.forget_cookies()
        workplace.person.username = "bob"
        line = workplace.refused()
        assert "bob is signed in in the browser, not alice" in line
        assert workplace.person.windows == 2
        assert workplace.person.authorization_requests()[-1]["login_hint"] == "alice"
        workplace.person.forget_cookies()
        workplace.person.username = "alice"
        assert workplace.helper.run("login").returncode == 0
        assert workplace.pair()[0] == "alice-h"

    @pytest.mark.heart
    def test_login_takes_somebody_else_and_says_so(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace()
        workplace.pair()
        workplace.onboard("bob", "bob-h")
        workplace.person.forget_cookies()
        workplace.person.username = "bob"
        answer = workplace.helper.run("login")
        assert answer.returncode == 0, answer.stderr
        assert "bob is signed in now, not alice as before" in answer.stderr
        assert workplace.pair()[0] == "bob-h"


class TestWithoutTime:
    def test_nobody_signs_in(self, make_workplace: Callable[..., Workplace], person: CookiePerson) -> None:
        person.decline = True
        workplace = make_workplace(top="login_timeout = 2")
        began = time.monotonic()
        assert "nobody finished the sign-in" in workplace.refused()
        assert time.monotonic() - began < 30
        assert workplace.person.windows == 1

    def test_a_busy_port_is_named(self, make_workplace: Callable[..., Workplace]) -> None:
        import socket

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            workplace = make_workplace(redirect_uri=f"http://127.0.0.1:{port}/callback")
            assert f"cannot come back to 127.0.0.1:{port}" in workplace.refused()
        assert workplace.person.windows == 0
