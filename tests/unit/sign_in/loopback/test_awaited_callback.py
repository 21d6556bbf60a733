"""What is waited for: a visit of the one-time address, then one callback, the right one, taken once."""

from __future__ import annotations

import re
import threading
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.errors import SignInOpenedTwice
from docker_credential_harbor.sign_in import by_browser
from tests.unit.browser_place import HARBOR, OFFLINE, Place, query

# --- What must not count ----------------------------------------------------------------------------------------------


def test_errors_of_another_state_or_provider_do_not_count(place: Place) -> None:
    def behave(url: str) -> None:
        place.visit(place.back(url, code=None, error="access_denied", state="other"))
        place.visit(place.back(url, code=None, error="access_denied", iss="https://evil.example.com"))
        place.visit(place.back(url))

    assert place.sign_in(behave).tokens.subject == "s"


def test_iss_may_be_missing_where_it_was_not_promised(place: Place) -> None:
    place.iss_supported = False

    def behave(url: str) -> None:
        place.visit(place.back(url, iss="https://evil.example.com"))
        place.visit(place.back(url, iss=None))

    assert place.sign_in(behave).tokens.subject == "s"
    assert place.responses[0].headers["location"] == "/refused/other-provider"


def test_a_callback_is_taken_once(place: Place) -> None:
    def behave(url: str) -> None:
        callback = place.back(url)
        threads = [threading.Thread(target=place.visit, args=(callback,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    place.sign_in(behave, OFFLINE)
    led_to = sorted(response.headers["location"] for response in place.responses)
    assert led_to == ["/refused/other-sign-in"] * 3 + [HARBOR]
    assert place.events.count("exchange") == 1


# --- The one-time address ---------------------------------------------------------------------------------------------


def test_the_one_time_address_says_nothing(place: Place) -> None:
    place.sign_in(lambda url: place.visit(place.back(url)))
    [link], [url] = place.links, place.opened
    asked = query(url)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{22}", link)
    assert urlsplit(link).netloc == urlsplit(asked["redirect_uri"]).netloc
    assert not any(asked[name] in link for name in ("state", "nonce", "code_challenge"))


def test_a_second_visit_ends_the_sign_in_and_leads_nowhere(place: Place) -> None:
    def behave(url: str) -> None:
        place.visit(place.links[0])
        place.visit(place.back(url))

    with pytest.raises(SignInOpenedTwice):
        place.sign_in(behave)
    second = place.responses[0]
    assert (second.status, second.headers.get("location")) == (410, None)
    assert "so the sign-in was ended" in second.body.lower()
    assert place.events.count("exchange") == 0


def test_a_visit_after_the_callback_undoes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_browser, "HOLD_BACK_SECONDS", 30)

    def behave(url: str) -> None:
        place.visit(place.back(url))
        place.visit(place.links[0])

    def hold_back() -> bool:
        return len(place.responses) == 2

    assert place.sign_in(behave, OFFLINE, hold_back=hold_back).tokens.subject == "s"
    assert place.responses[1].status == 410
    assert "has gone on in the tab" in place.responses[1].body
