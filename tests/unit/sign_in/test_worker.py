"""One run of the worker, from its arguments to its note: alice at a browser, the stand-in Harbor, an embedded provider.

That it is a process of its own is in test_window.py and in flows.
"""

from __future__ import annotations

import json
import os
import threading
import time
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from docker_credential_harbor.errors import Unreachable
from docker_credential_harbor.model import Credentials, PairKind, Pin
from docker_credential_harbor.person import reaching
from docker_credential_harbor.policy.known import Step
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.sign_in import harbor_walk, window, window_note, worker
from docker_credential_harbor.sign_in.window_note import Note
from docker_credential_harbor.system import lock, redaction
from tests.lab import own_sign_in
from tests.lab.processes import wait_until
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.unit.harbor_place import USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from tests.unit.machine import Machine

    MakeMachine = Callable[..., Machine]

RUN = "0123456789abcdef"
BROWSER = 'login = "browser"\nlogin_timeout = 60'
IMPATIENT = 'login = "browser"\nlogin_timeout = 1'


@pytest.fixture
def make(make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch) -> MakeMachine:
    """The machine, by the options of its realm; alice's browser opens there."""
    monkeypatch.setattr(harbor_walk, "FIRST_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(harbor_walk, "LOOK_SECONDS", 0.05)

    def made(**realm: object) -> Machine:
        machine = make_machine(realm)
        machine.configure(BROWSER)
        monkeypatch.setenv("BROWSER", machine.person.browser_command)
        return machine

    return made


@pytest.fixture
def place(make: MakeMachine) -> Machine:
    return make()


def run(place: Machine, step: Step = Step.SIGN_IN, asked_by: str = "get", generation: int = 0) -> Note:
    """The note that it leaves; it must have ended."""
    worker.main(RUN, place.name, step.name, str(generation), asked_by)
    note = window_note.read()
    assert note
    assert (note.run, note.registry, note.step, note.pid, note.ended) == (RUN, place.name, step.name, os.getpid(), True)
    assert not lock.is_held(window_note.lock_path())
    return note


def opened_nothing(place: Machine, note: Note) -> bool:
    return (note.links, place.person.windows, place.notes().declines) == ((), 0, 0)


class TestSignIn:
    def test_both_sides_in_one_tab(self, place: Machine) -> None:
        began_at = time.time()
        note = run(place)
        assert (note.asked, note.failure_code, note.lines) == ("DONE", None, ())
        assert [link.purpose for link in note.links] == ["sign in"]
        assert (note.browser, place.person.windows) == (True, 1)
        kept = place.kept_sign_in()
        assert kept
        assert (kept.tokens.person, kept.pair) == ("alice", place.pair)
        notes = place.notes()
        assert (notes.declines, notes.declined_at) == (0, None)
        assert (notes.verified_at or 0) > began_at
        assert (notes.stored_token.earliest_at or 0) > began_at

    def test_whoever_waits_sees_it_from_the_first_link_on(
        self, place: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It counts as declined as long as it is open."""
        seen: list[tuple[Note | None, int]] = []
        open_browser = reaching.open_browser

        def looks(url: str) -> bool:
            seen.append((window.under_way(), place.notes().declines))
            return open_browser(url)

        monkeypatch.setattr(reaching, "open_browser", looks)
        run(place)
        [(note, declines)] = seen
        assert note
        assert (note.run, len(note.links), note.ended, declines) == (RUN, 1, False, 1)

    def test_an_older_sign_in_is_replaced_and_its_pair_known_until_then(self, place: Machine) -> None:
        before = place.keep_sign_in(place.pair, refresh_token="dead")
        assert run(place).asked == "DONE"
        kept = place.kept_sign_in()
        assert kept
        assert (kept.pair, kept.tokens.refresh_token == before.tokens.refresh_token) == (place.pair, False)
        assert place.person.authorization_requests()[-1]["login_hint"] == "alice"

    def test_harbor_onboards_in_the_same_tab(self, place: Machine) -> None:
        place.harbor.users.remove(USERNAME)
        place.person.onboard_as = USERNAME
        assert run(place).asked == "DONE"
        kept = place.kept_sign_in()
        assert kept
        assert kept.pair == place.pair

    def test_without_harbor_among_those_it_is_for_nothing_is_waited_for(self, make: MakeMachine) -> None:
        place = make(audience_mapper=False)
        assert run(place).asked == "DONE"
        kept = place.kept_sign_in()
        assert kept
        assert (kept.tokens.audience, kept.pair) == ((HELPER_CLIENT,), None)
        assert place.asked("/api") == place.asked("/service") == []

    def test_that_it_lasts_shorter_is_told(self, place: Machine) -> None:
        place.realm.update_client(HELPER_CLIENT, attributes={"use.refresh.tokens": "false"})
        note = run(place)
        assert note.asked == "DONE"
        assert note.lines == ("the identity provider gave no refresh token: after 5 min a new sign-in may be due",)

    def test_nobody_finished_it(self, place: Machine) -> None:
        place.configure(IMPATIENT)
        place.person.decline = True
        note = run(place)
        assert (note.asked, note.failure_code, len(note.links)) == (None, "sign-in-timed-out", 1)
        assert place.notes().declines == 1
        assert place.kept_sign_in() is None


class DeviceGrant:
    """Before the provider: codes that alice has confirmed elsewhere by the time of the first poll (RFC 8628)."""

    def __init__(self, place: Machine) -> None:
        self.page = f"{place.realm.issuer}/device"
        self.tokens = own_sign_in.sign_in(place.realm, place.person)
        self.issuer = place.realm.issuer
        self.behind = place.realm.served.app.wsgi_app
        place.realm.served.app.wsgi_app = self  # type: ignore[method-assign,assignment]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked = Request(environ)
        body = asked.get_data()
        environ["wsgi.input"] = BytesIO(body)
        if asked.path == "/.well-known/openid-configuration":
            document = json.loads(b"".join(run_wsgi_app(self.behind, environ)[0]))
            answer = {**document, "device_authorization_endpoint": f"{self.issuer}/begin"}
        elif asked.path == "/begin":
            answer = {"device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": self.page}
            answer |= {"expires_in": 600, "interval": 0.05}
        elif asked.path == "/token" and b"device_code=" in body:
            answer = self.tokens
        else:
            return self.behind(environ, start)
        return Response(json.dumps(answer), content_type="application/json")(environ, start)


def opens_the_second_link(place: Machine) -> None:
    def shown() -> bool:
        note = window_note.read()
        return note is not None and len(note.links) == 2

    wait_until(shown, "a second link")
    place.person.open(f"{place.harbor.url}/c/oidc/login")


class TestByDeviceCode:
    @pytest.fixture
    def device(self, place: Machine) -> DeviceGrant:
        place.walk()
        return DeviceGrant(place)

    @pytest.mark.usefixtures("device")
    def test_where_harbors_side_lives_that_is_all(self, place: Machine) -> None:
        note = run(place, asked_by="login --device")
        assert (note.asked, note.failure_code, note.browser) == ("DONE", None, False)
        [link] = note.links
        assert (link.url, link.user_code, link.code_in_url) == (f"{place.realm.issuer}/device", "ABCD-EFGH", False)
        assert time.time() < (link.ends_at or 0) < time.time() + 61, "for as long as a person is waited for"
        kept = place.kept_sign_in()
        assert kept
        assert kept.pair == place.pair

    @pytest.mark.usefixtures("device")
    def test_else_harbors_login_is_the_second_link(self, place: Machine) -> None:
        """It can be opened anywhere; here as soon as it is shown."""
        place.harbor.kill_stored_token(USERNAME)
        alice = threading.Thread(target=opens_the_second_link, args=(place,))
        alice.start()
        note = run(place, asked_by="login --device")
        alice.join()
        assert note.asked == "DONE"
        assert [link.purpose for link in note.links] == ["sign in", "finish the sign-in"]

    def test_a_page_that_is_not_the_providers_own_is_shown_to_nobody(self, place: Machine, device: DeviceGrant) -> None:
        device.page = "https://another.example.com/device"
        note = run(place, asked_by="login --device")
        assert note.failure_code == "issuer-unconfirmed"
        assert opened_nothing(place, note)


class TestSomebodyElse:
    @pytest.fixture
    def bobs(self, place: Machine) -> Machine:
        """alice has signed in here, and bob sits at the browser."""
        place.keep_sign_in(place.pair)
        place.person.forget_cookies()
        place.person.username, place.person.onboard_as = "bob", "bob-h"
        return place

    def test_for_a_get_the_known_person_stays(self, bobs: Machine) -> None:
        before, revoked = bobs.kept_sign_in(), bobs.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT")
        note = run(bobs)
        assert (note.asked, note.failure_code) == (None, "somebody-else")
        assert bobs.kept_sign_in() == before
        assert bobs.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT") == revoked + 1

    def test_for_login_whoever_came_counts(self, bobs: Machine) -> None:
        note = run(bobs, asked_by="login")
        assert (note.asked, note.lines) == ("DONE", ("bob is signed in now, not alice as before",))
        kept = bobs.kept_sign_in()
        assert kept
        assert (kept.tokens.person, kept.pair) == ("bob", Credentials("bob-h", bobs.harbor.users["bob-h"].secret))


class TestNobodyIsAskedInVain:
    def test_at_a_registry_that_is_not_to_be_trusted(self, place: Machine) -> None:
        place.harbor.external_url = "https://another.example.com"
        note = run(place)
        assert note.failure_code == "another-name"
        assert opened_nothing(place, note)

    def test_where_the_provider_does_not_know_our_client(self, place: Machine) -> None:
        place.realm.remove_client(HELPER_CLIENT)
        note = run(place)
        assert note.failure_code == "client-unknown"
        assert opened_nothing(place, note)

    def test_for_what_could_not_be_kept(self, place: Machine) -> None:
        place.configure(f'{BROWSER}\nstorage = "keyring"')
        note = run(place)
        assert note.failure_code == "store-unavailable"
        assert opened_nothing(place, note)

    def test_for_a_code_that_the_provider_has_not(self, place: Machine) -> None:
        note = run(place, asked_by="login --device")
        assert note.failure_code == "no-device-grant"
        assert opened_nothing(place, note)

    def test_once_somebody_has_signed_out(self, place: Machine) -> None:
        place.note(generation=1)
        note = run(place, generation=0)
        assert note.failure_code == "sign-in-ended"
        assert opened_nothing(place, note)


class TestWalk:
    @pytest.fixture
    def dead(self, place: Machine) -> Machine:
        """Harbor's own token is dead, and the pair that somebody stored is refused."""
        place.walk()
        place.keep_stored(place.pair, PairKind.PERSON)
        place.harbor.kill_stored_token(USERNAME)
        return place

    def test_harbors_login_alone(self, dead: Machine) -> None:
        began_at = time.time()
        note = run(dead, Step.RENEW_HARBOR_SIDE)
        assert (note.asked, note.failure_code) == ("DONE", None)
        assert [(link.url, link.purpose) for link in note.links] == [
            (f"{dead.harbor.url}/c/oidc/login", "renew the sign-in")
        ]
        assert dead.realm.token_requests(HELPER_CLIENT, "CODE_TO_TOKEN") == 0
        assert (dead.notes().verified_at or 0) > began_at
        assert dead.notes().declines == 0

    def test_with_a_sign_in_the_secret_that_harbor_shows_is_kept(self, place: Machine) -> None:
        place.walk()
        place.keep_sign_in(Credentials(USERNAME, "AnOlderSecret1"))
        place.harbor.kill_stored_token(USERNAME)
        assert run(place, Step.RENEW_HARBOR_SIDE).asked == "DONE"
        kept = place.kept_sign_in()
        assert kept
        assert kept.pair == place.pair

    def test_it_did_not_help(self, dead: Machine) -> None:
        dead.configure(IMPATIENT)
        dead.keep_stored(Credentials(USERNAME, "WrongSecret1"), PairKind.PERSON)
        note = run(dead, Step.RENEW_HARBOR_SIDE)
        assert (note.asked, note.failure_code) == ("NOT_PASSED", None)
        assert (dead.notes().declines, dead.notes().verified_at) == (1, None)

    def test_not_where_it_leads_to_another_provider(self, dead: Machine) -> None:
        dead.note(pin=Pin("https://sso.example.com", HARBOR_CLIENT, ""))
        note = run(dead, Step.RENEW_HARBOR_SIDE)
        assert note.failure_code == "another-issuer"
        assert opened_nothing(dead, note)

    def test_a_browser_that_cannot_be_opened(self, dead: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """The link can be opened anywhere."""
        dead.configure(IMPATIENT)
        monkeypatch.setenv("BROWSER", "/nowhere/browser")
        note = run(dead, Step.RENEW_HARBOR_SIDE)
        assert (note.asked, note.lines, len(note.links)) == ("NOT_PASSED", ("no browser could be opened",), 1)


class TestNote:
    def test_not_while_another_one_has_the_window(self, place: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker, "WINDOW_SECONDS", 0.05)
        other = Note("another", "h", "SIGN_IN", os.getpid())
        with lock.hold(window_note.lock_path(), 0):
            window_note.write(other, window_note.room_for_one())
            worker.main(RUN, place.name, "SIGN_IN", "0", "get")
        assert window_note.read() == other
        assert place.person.windows == 0

    def test_what_went_wrong_before_anything_could_be_asked(self, place: Machine) -> None:
        place.configuration.write_text("timeout = soon")
        note = run(place)
        assert (note.asked, note.failure_code) == (None, "configuration-invalid")
        assert str(place.configuration) in (note.failure_message or "")

    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            (Unreachable(host="h", reason="TheSecret1 was refused"), "unreachable"),
            (RuntimeError("TheSecret1"), "broke-off"),
        ],
    )
    def test_no_secret_is_in_it_and_no_fault_is_without_an_end(
        self, place: Machine, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
    ) -> None:
        def breaks(*_: object) -> None:
            raise fault

        redaction.keep_secret("TheSecret1")
        monkeypatch.setattr(harbor, "login_redirect", breaks)
        assert run(place).failure_code == code
        assert "TheSecret1" not in window_note.path().read_text()

    def test_what_was_asked_of_whom(self, place: Machine) -> None:
        trace = run(place).trace
        assert any(line.startswith(f"GET {place.harbor.url}/c/oidc/login -> 302") for line in trace)
        assert not any("?" in line for line in trace)
