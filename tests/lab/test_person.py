"""Both persons at a browser do what the helper's flows will ask of them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import need
from tests.lab import walk
from tests.lab.chromium_person import ChromiumPerson, chromium
from tests.lab.own_sign_in import authorization_url, pkce, sign_in, token_request
from tests.lab.person import WRONG, CookiePerson, Person
from tests.lab.processes import wait_until
from tests.lab.realm import Realm
from tests.lab.web import Exchange, WebServer


@pytest.fixture(params=["cookies", "chromium"])
def somebody(request: pytest.FixtureRequest) -> Iterator[Person]:
    if request.param == "chromium":
        need("chromium", "apt-get install chromium", chromium())
    made: Person = CookiePerson() if request.param == "cookies" else ChromiumPerson()
    yield made
    made.close()


def show(exchange: Exchange) -> None:
    if exchange.path == "/from":
        exchange.redirect(f"{exchange.server.url}/to?{exchange.target.partition('?')[2]}")
    else:
        exchange.answer_html(200, f"<title>Shown</title><p>at {exchange.target}</p>")


def test_browser_command_opens_windows(somebody: Person) -> None:
    server = WebServer(show)
    for number in range(2):
        subprocess.run([somebody.browser_command, f"{server.url}/from?n={number}&x='y z'"], check=True, timeout=60)
    somebody.wait_for_windows(2)
    assert somebody.windows == 2
    assert [page.title for page in somebody.pages] == ["Shown"] * 2
    assert "/to?n=1" in somebody.pages[1].text
    server.close()


def test_nobody_there(somebody: Person) -> None:
    page = somebody.open("http://127.0.0.1:9/")
    assert (page.status, bool(page.text)) == (0, True)


def test_device_grant(somebody: Person, realm: Realm) -> None:
    verifier, challenge = pkce()
    form = {"scope": "openid", "code_challenge": challenge, "code_challenge_method": "S256"}
    begun = token_request(realm, "auth/device", **form).json()
    page = somebody.open(begun["verification_uri_complete"])
    assert "Success" in page.text or "successful" in page.text.lower()
    assert somebody.forms == 1
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"]}
    assert "id_token" in token_request(realm, code_verifier=verifier, **poll).json()


def test_wrong_password_is_given_up(somebody: Person, realm: Realm) -> None:
    somebody.password = "wrong"
    page = somebody.open(authorization_url(realm, "openid", pkce()[1]))
    assert WRONG in page.text
    assert somebody.forms == 1


def test_screenshot(chromium_person: ChromiumPerson, tmp_path: Path) -> None:
    server = WebServer(show)
    chromium_person.open(server.url)
    chromium_person.screenshot(tmp_path / "window.png")
    assert (tmp_path / "window.png").read_bytes().startswith(b"\x89PNG")
    server.close()


def test_another_person_after_forgetting(realm: Realm, person: CookiePerson) -> None:
    assert "id_token" in sign_in(realm, person, "openid")
    assert "id_token" in sign_in(realm, person, "openid")
    assert person.forms == 1
    person.forget_cookies()
    person.username = "bob"
    assert "id_token" in sign_in(realm, person, "openid")
    assert person.forms == 2
    assert len(realm.sessions("bob")) == len(realm.sessions("alice")) == 1
    realm.end_sessions()
    assert not realm.sessions("bob")


def held_back_page() -> tuple[threading.Event, WebServer]:
    """A server, and what has to be set before it answers."""
    gate = threading.Event()

    def answer(exchange: Exchange) -> None:
        gate.wait(60)
        exchange.answer_html(200, "<title>Harbor</title>")

    return gate, WebServer(answer)


def test_counted_anew_once_all_that_was_opened_is_at_rest(person: CookiePerson) -> None:
    """Else the rest of a walk would count as the next window's."""
    gate, server = held_back_page()
    subprocess.run([person.browser_command, server.url], check=True, timeout=60)
    counting = threading.Thread(target=person.reset)
    counting.start()
    wait_until(lambda: person.windows == 1, "the window")
    gate.set()
    counting.join(60)
    assert (person.windows, person.pages, person.passed) == (0, [], [])
    server.close()


SEEN_IN_PROCESS = """
import lab_walk
from docker_credential_harbor.sign_in import by_browser
assert by_browser.sign_in.__module__ == "lab_walk"
print(lab_walk.seeing(lambda hold_back: hold_back())(hold_back=lambda: False))
"""


def ends_a_hold_back(person: Person, **env: str) -> bool:
    environment = {**os.environ, **walk.SEEN, "BROWSER": person.browser_command, **env}
    return subprocess.check_output([sys.executable, "-c", SEEN_IN_PROCESS], env=environment, text=True) == "True\n"


def test_a_sign_in_sees_that_all_that_was_opened_is_at_rest(person: CookiePerson) -> None:
    gate, server = held_back_page()
    assert not ends_a_hold_back(person), "nothing was opened"
    subprocess.run([person.browser_command, server.url], check=True, timeout=60)
    assert not ends_a_hold_back(person), "it is under way"
    gate.set()
    person.wait_for_windows()
    wait_until(lambda: ends_a_hold_back(person), "it to be seen")
    assert not ends_a_hold_back(person, BROWSER="/usr/bin/true"), "somebody else's browser"
    server.close()
