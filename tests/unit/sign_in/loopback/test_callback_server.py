"""The server that the browser comes back to: what must not count, and the address that is configured."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from docker_credential_harbor.errors import ConfigurationInvalid
from docker_credential_harbor.remote import authorization
from docker_credential_harbor.sign_in.loopback import callback_server
from tests.unit.browser_place import HARBOR, Place, Response, fetch, query

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_callback_that_nobody_waits_for_any_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended between the callback and the look at it: the browser is told."""
    monkeypatch.setattr(callback_server, "LAST_ANSWER_SECONDS", 0.5)
    with callback_server.CallbackServer("http://127.0.0.1/callback") as server:
        request = authorization.request(place.provider, place.registry, server.redirect_uri, ("openid",))
        server.expect(request)
        url = f"{server.redirect_uri}?{urlencode({'code': 'c', 'state': request.state, 'iss': place.provider.issuer})}"
        seen: list[Response] = []
        thread = threading.Thread(target=lambda: seen.append(fetch(url)))
        thread.start()
        assert server.next_callback(30) is not None
    thread.join(30)
    assert seen[0].headers["location"] == "/outcome"


def changed(name: str, value: str | None) -> Callable[[Place, str], str]:
    return lambda place, url: place.back(url, **{name: value})


REFUSED: dict[str, Callable[[Place, str], str]] = {
    "another state": changed("state", "other"),
    "an odd state": changed("state", "ü\ud7ff"),
    "no state": changed("state", None),
    "another iss": changed("iss", "https://evil.example.com"),
    "no iss": changed("iss", None),
    "no code": changed("code", None),
    "an empty code": changed("code", ""),
    "twice": lambda place, url: place.back(url) + "&code=other",
    "another path": lambda place, url: place.back(url).replace("/callback", "/callback/x"),
    "the root": lambda place, url: place.back(url).replace("/callback", "/"),
    "an icon": lambda place, url: place.back(url).partition("/callback")[0] + "/favicon.ico",
    "no page yet": lambda place, url: place.back(url).partition("/callback")[0] + "/outcome",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_the_wait_goes_on(place: Place, name: str) -> None:
    shown: list[Response] = []

    def behave(url: str) -> None:
        shown.append(place.visit_to_the_page(REFUSED[name](place, url)))
        place.visit(place.back(url))

    assert place.sign_in(behave).tokens.subject == "s"
    assert 400 <= shown[0].status < 500
    assert place.responses[-1].headers["location"] == HARBOR
    assert {answer.headers["referrer-policy"] for answer in place.responses} == {"no-referrer"}
    assert place.events.count("exchange") == 1
    assert query(place.opened[0])["state"] not in shown[0].body


@pytest.mark.parametrize(
    ("configured", "start"),
    [
        ("http://localhost/callback", "http://localhost:"),
        ("http://127.0.0.1", "http://127.0.0.1:"),
        ("http://127.0.0.1/", "http://127.0.0.1:"),
        ("http://[::1]/callback", "http://[::1]:"),
    ],
)
def test_the_redirect_uri_as_configured(
    request: pytest.FixtureRequest, place: Place, configured: str, start: str
) -> None:
    if "::1" in configured:
        request.getfixturevalue("ipv6")
    place.registry = place.registry._replace(redirect_uri=configured)
    place.sign_in(lambda url: place.visit(place.back(url)))
    used = query(place.opened[0])["redirect_uri"]
    assert used.startswith(start)
    assert urlsplit(used).path == urlsplit(configured).path


@pytest.mark.parametrize("configured", ["https://127.0.0.1/callback", "http://example.com/callback", "myapp:/callback"])
def test_only_loopback(place: Place, configured: str) -> None:
    place.registry = place.registry._replace(redirect_uri=configured)
    with pytest.raises(ConfigurationInvalid):
        place.sign_in(lambda _: None)
