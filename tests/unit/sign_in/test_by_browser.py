"""Sign-in by browser against a small provider on loopback: the order of things, and how it ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.errors import (
    Failure,
    IdTokenRejected,
    OfflineAccessRefused,
    ServerFault,
    SignInDeclined,
    SignInEnded,
    SignInFailed,
    SignInTimedOut,
    Unreachable,
)
from docker_credential_harbor.model import Settings
from docker_credential_harbor.sign_in import by_browser
from docker_credential_harbor.sign_in.loopback import callback_server
from tests.unit.browser_place import HARBOR, OFFLINE, Place, Response, query

if TYPE_CHECKING:
    from tests.unit.loopback import Reply

# --- The order of things ----------------------------------------------------------------------------------------------


def test_without_offline_access_the_code_is_exchanged_first(place: Place) -> None:
    result = place.sign_in(lambda url: place.visit(place.back(url)), login_hint="alice")
    assert (result.tokens.refresh_token, result.offline_access_refused) == ("r", False)
    assert place.events == ["exchange", f"browser at {HARBOR}"]
    asked = query(place.opened[0])
    assert asked["scope"] == "openid profile email"
    assert asked["login_hint"] == "alice"
    assert asked["code_challenge_method"] == "S256"
    assert urlsplit(asked["redirect_uri"]).hostname == "127.0.0.1"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert min(len(asked["state"]), len(asked["nonce"]), len(asked["code_challenge"])) >= 43


def test_with_offline_access_harbors_walk_comes_first(place: Place) -> None:
    looks: list[bool] = []

    def walk_is_over() -> bool:
        looks.append(any("browser at" in event for event in place.events))
        return len(looks) == 3

    result = place.sign_in(lambda url: place.visit(place.back(url)), OFFLINE, hold_back=walk_is_over)
    assert result.tokens.subject == "s"
    assert place.events == [f"browser at {HARBOR}", "exchange"]
    assert len(looks) == 3
    assert looks[-1]
    assert "offline_access" in query(place.opened[0])["scope"]


def test_held_back_for_some_seconds_at_most(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_browser, "HOLD_BACK_SECONDS", 0.5)

    def away() -> bool:
        raise Unreachable(host="harbor.example.com", reason="connection refused")

    for hold_back in (lambda: False, away):
        place.events.clear()
        started_at = time.monotonic()
        place.sign_in(lambda url: place.visit(place.back(url)), OFFLINE, hold_back=hold_back)
        assert 0.5 <= time.monotonic() - started_at < 10
        assert place.events == [f"browser at {HARBOR}", "exchange"]


def test_every_sign_in_has_values_of_its_own(place: Place) -> None:
    for _ in range(2):
        place.sign_in(lambda url: place.visit(place.back(url)))
    first, second = (query(url) for url in place.opened)
    assert all(first[name] != second[name] for name in ("state", "nonce", "code_challenge"))


def test_configured_scopes_as_they_stand(place: Place) -> None:
    place.registry = place.registry._replace(scopes=("openid", "groups"))
    place.sign_in(lambda url: place.visit(place.back(url)), OFFLINE)
    assert query(place.opened[0])["scope"] == "openid groups"


# --- offline_access refused, in two ways ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"error": "invalid_scope", "error_description": "Invalid scopes: openid offline_access"},
        {"error": "invalid_scope"},
        {"error": "access_denied", "error_description": "offline_access is not allowed"},
    ],
)
def test_refused_in_the_redirect_the_same_tab_goes_on(place: Place, changes: dict[str, str]) -> None:
    def behave(url: str) -> None:
        response = place.visit(place.back(url, code=None, **changes))
        place.visit(place.back(response.headers["location"]))

    result = place.sign_in(behave, OFFLINE)
    assert result.offline_access_refused
    assert len(place.opened) == 1
    again = query(place.responses[0].headers["location"])
    assert again["scope"] == "openid profile email"
    assert all(again[name] != query(place.opened[0])[name] for name in ("state", "nonce", "code_challenge"))
    assert place.events[1:] == ["exchange", f"browser at {HARBOR}"]


@pytest.mark.parametrize("error", ["not_allowed", "invalid_scope"])
def test_refused_at_the_token_endpoint_another_address_is_opened(place: Place, error: str) -> None:
    place.token_faults.append((400, {}, {"error": error}))
    result = place.sign_in(lambda url: place.visit(place.back(url)), OFFLINE)
    assert result.offline_access_refused
    assert [query(url)["scope"] for url in place.opened] == [
        "openid profile email offline_access",
        "openid profile email",
    ]
    assert place.events == [f"browser at {HARBOR}", "exchange", "exchange", f"browser at {HARBOR}"]


def test_not_asked_for_it_is_an_error_like_others(place: Place) -> None:
    place.token_faults.append((400, {}, {"error": "invalid_scope"}))
    with pytest.raises(SignInFailed, match="invalid_scope") as caught:
        place.sign_in(lambda url: follow(place, place.back(url)))
    assert not isinstance(caught.value, OfflineAccessRefused)
    with pytest.raises(SignInDeclined):
        place.sign_in(lambda url: follow(place, place.back(url, code=None, error="invalid_scope")))


# --- Declined, failed, late -------------------------------------------------------------------------------------------


def follow(place: Place, url: str) -> Response:
    """The callback and the page that it leads to."""
    answer = place.visit(url)
    base = urlsplit(url)
    return place.visit(f"{base.scheme}://{base.netloc}{answer.headers['location']}")


def test_declined(place: Place) -> None:
    changes = {"code": None, "error": "access_denied", "error_description": "User <b>declined</b>"}
    with pytest.raises(SignInDeclined, match="User <b>declined</b>"):
        place.sign_in(lambda url: follow(place, place.back(url, **changes)))
    first, page = place.responses
    assert (first.status, page.status) == (302, 200)
    assert "User &lt;b&gt;declined&lt;/b&gt;" in page.body
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    # What stays in the browser's history has neither code nor state.
    assert first.headers["location"] == "/outcome"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((400, {}, {"error": "invalid_grant"}), SignInFailed),
        ((200, {}, {"id_token": "a.b.c"}), IdTokenRejected),
        ((503, {}, ""), ServerFault),
    ],
)
def test_a_failed_exchange_is_shown(place: Place, fault: Reply, error: type[Failure]) -> None:
    place.token_faults.append(fault)
    with pytest.raises(error):
        place.sign_in(lambda url: follow(place, place.back(url)))
    page = place.responses[-1]
    assert page.status == 200
    assert "could not be finished" in page.body
    assert "code-" not in page.body


def test_a_failed_exchange_after_harbors_walk(place: Place) -> None:
    place.token_faults.append((400, {}, {"error": "invalid_grant"}))
    with pytest.raises(SignInFailed):
        place.sign_in(lambda url: place.visit(place.back(url)), OFFLINE)
    assert place.responses[-1].headers["location"] == HARBOR


def test_a_browser_that_does_not_fetch_the_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_server, "LAST_ANSWER_SECONDS", 0.1)
    with pytest.raises(SignInDeclined):
        place.sign_in(lambda url: place.visit(place.back(url, code=None, error="access_denied")))


def test_nobody_comes(place: Place) -> None:
    started_at = time.monotonic()
    with pytest.raises(SignInTimedOut, match=r"within 0\.3 s"):
        place.sign_in(lambda _: None, settings=Settings(login_timeout_seconds=0.3))
    assert time.monotonic() - started_at < 5


def test_ended_by_erase(place: Place) -> None:
    ended = threading.Event()
    with pytest.raises(SignInEnded):
        place.sign_in(lambda _: ended.set(), cancelled=ended.is_set)


def test_ended_while_the_code_is_held_back(place: Place) -> None:
    ended = threading.Event()

    def behave(url: str) -> None:
        place.visit(place.back(url))
        ended.set()

    with pytest.raises(SignInEnded):
        place.sign_in(behave, OFFLINE, hold_back=lambda: False, cancelled=ended.is_set)
    assert "exchange" not in place.events
