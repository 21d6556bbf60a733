"""The server that the browser comes back to: everything that must not count, and where it listens."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.errors import (
    ConfigurationInvalid,
    PortBusy,
    SignInOpenedTwice,
)
from docker_credential_harbor.signin import browser, browser_request, loopback
from tests.unit.browser_place import HARBOR, OFFLINE, Place, Response, fetch, query

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_callback_that_nobody_waits_for_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended between the callback and the look at it: the browser is told."""
    monkeypatch.setattr(loopback, "LAST_ANSWER_SECONDS", 0.5)
    with loopback.CallbackServer("http://127.0.0.1/callback") as server:
        server.expect(loopback.Expected("s", "i", iss_required=False))
        url = f"{server.redirect_uri}?code=c&state=s"
        seen: list[Response] = []
        thread = threading.Thread(target=lambda: seen.append(fetch(url)))
        thread.start()
        assert server.next_callback(30) is not None
    thread.join(30)
    assert seen[0].headers["location"] == "/outcome"


# --- What must not count ----------------------------------------------------------------------------------------------


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
    def behave(url: str) -> None:
        place.visit(REFUSED[name](place, url))
        place.visit(place.back(url))

    assert place.sign_in(behave).tokens.subject == "s"
    assert 400 <= place.responses[0].status < 500
    assert place.responses[1].headers["location"] == HARBOR
    assert {answer.headers["referrer-policy"] for answer in place.responses} == {"no-referrer"}
    assert place.events.count("exchange") == 1
    assert query(place.opened[0])["state"] not in place.responses[0].body


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
    assert place.responses[0].status == 400


def test_a_callback_is_taken_once(place: Place) -> None:
    def behave(url: str) -> None:
        callback = place.back(url)
        threads = [threading.Thread(target=place.visit, args=(callback,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    place.sign_in(behave, OFFLINE)
    statuses = sorted(response.status for response in place.responses)
    assert statuses == [302, 400, 400, 400]
    assert place.events.count("exchange") == 1


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_only_get(place: Place, method: str) -> None:
    refused: list[Response] = []

    def behave(url: str) -> None:
        refused.append(fetch(place.back(url), method))
        place.visit(place.back(url))

    place.sign_in(behave)
    assert refused[0].status in (405, 501)


@pytest.mark.parametrize("host", ["evil.example.com", "localhost", "127.0.0.1", "127.0.0.1:1", ""])
def test_another_hosts_name(place: Place, host: str) -> None:
    def behave(url: str) -> None:
        place.visit(place.back(url), Host=host)
        place.visit(place.back(url))

    place.sign_in(behave)
    assert place.responses[0].status == 400


def raw(url: str, data: bytes) -> bytes:
    parts = urlsplit(url)
    received = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(data)
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(1000)) + b"\r\n",
        b"<script>alert(1)</script>\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["long", "headers", "script", "version", "tls", "no-host"],
)
def test_what_is_no_request(place: Place, capfd: pytest.CaptureFixture[str], data: bytes) -> None:
    answers: list[bytes] = []

    def behave(url: str) -> None:
        try:
            answers.append(raw(query(url)["redirect_uri"], data))
        except ConnectionError:  # it was cut off while it was still sending
            answers.append(b"")
        place.visit(place.back(url))

    place.sign_in(behave)
    assert b"script>" not in answers[0]
    assert not answers[0].startswith(b"HTTP/1.0 2")
    assert capfd.readouterr() == ("", "")


def test_silent_connections_do_not_last(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_request, "REQUEST_SECONDS", 0.3)
    dropped: list[bytes] = []

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as silent:
            dropped.append(silent.recv(1))
        place.visit(place.back(url))

    place.sign_in(behave)
    assert dropped == [b""]


def test_hundreds_of_idle_connections_do_not_keep_the_callback_out(place: Place) -> None:
    """Of any user: the oldest goes for the next that comes."""

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        with contextlib.ExitStack() as idle:
            for _ in range(300):
                idle.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30))
            place.visit(place.back(url))

    place.sign_in(behave)
    assert place.responses[-1].headers["location"] == HARBOR


def test_nor_do_those_that_come_back_at_once(place: Place) -> None:
    ended = threading.Event()

    def come_back(address: tuple[str, int]) -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(address, timeout=30) as connection:
                connection.recv(1)  # until it is dropped

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        address = (parts.hostname or "", parts.port or 0)
        strangers = [threading.Thread(target=come_back, args=(address,), daemon=True) for _ in range(64)]
        for stranger in strangers:
            stranger.start()
        try:
            while True:  # as browsers do where a connection ends without an answer
                with contextlib.suppress(OSError, http.client.HTTPException):
                    place.visit(place.back(url))
                    break
        finally:
            ended.set()

    place.sign_in(behave)
    assert place.responses[-1].headers["location"] == HARBOR


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
    monkeypatch.setattr(browser, "HOLD_BACK_SECONDS", 30)

    def behave(url: str) -> None:
        place.visit(place.back(url))
        place.visit(place.links[0])

    def hold_back() -> bool:
        return len(place.responses) == 2

    assert place.sign_in(behave, OFFLINE, hold_back=hold_back).tokens.subject == "s"
    assert place.responses[1].status == 410
    assert "has gone on in the tab" in place.responses[1].body


@pytest.mark.parametrize("name", ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"])
def test_what_a_browser_asks_ahead_of_time_is_no_visit(name: str) -> None:
    with loopback.CallbackServer("http://127.0.0.1/callback") as server:
        link = server.one_time_address("https://sso.example.com/auth")
        assert fetch(link, **{name: "prefetch;prerender"}).status == 503
        assert fetch(link, "HEAD").status == 405
        assert fetch(link, Host="evil.example.com").status == 400
        assert fetch(link).headers["location"] == "https://sso.example.com/auth"


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1:80", "[::1]:5", "localhost"])
def test_a_port_forward_may_call_it_otherwise(host: str) -> None:
    """VS Code opens `localhost`, whatever the address was, and another port where this one is taken."""
    with loopback.CallbackServer("http://127.0.0.1/callback") as server:
        link = server.one_time_address("https://sso.example.com/auth")
        assert fetch(link, Host=host).headers["location"] == "https://sso.example.com/auth"


# --- Where it listens -------------------------------------------------------------------------------------------------


def test_a_port_of_its_own(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        place.registry = place.registry._replace(redirect_uri=f"http://127.0.0.1:{port}/back")
        with pytest.raises(PortBusy, match=str(port)):
            place.sign_in(lambda _: None)
    place.sign_in(lambda url: place.visit(place.back(url)))
    assert query(place.opened[0])["redirect_uri"] == f"http://127.0.0.1:{port}/back"


@pytest.mark.parametrize(
    ("configured", "start"),
    [
        ("http://localhost/callback", "http://localhost:"),
        ("http://127.0.0.1", "http://127.0.0.1:"),
        ("http://127.0.0.1/", "http://127.0.0.1:"),
        ("http://[::1]/callback", "http://[::1]:"),
    ],
)
def test_the_redirect_uri_as_configured(place: Place, configured: str, start: str) -> None:
    if "::1" in configured:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_alone_and_not_any_more_afterwards(place: Place) -> None:
    def listeners() -> set[str]:
        """Local addresses in hexadecimal, in state LISTEN (proc(5))."""
        with open("/proc/net/tcp") as table:  # noqa: PTH123
            rows = [line.split() for line in table.readlines()[1:]]
        return {row[1] for row in rows if row[3] == "0A"}

    during: list[set[str]] = []

    def behave(url: str) -> None:
        during.append(listeners())
        place.visit(place.back(url))

    place.sign_in(behave)
    port = f":{urlsplit(query(place.opened[0])['redirect_uri']).port:04X}"
    assert {row for row in during[0] if row.endswith(port)} == {f"0100007F{port}"}
    assert not any(row.endswith(port) for row in listeners())
