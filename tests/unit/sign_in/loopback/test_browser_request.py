"""One request at the loopback server: what is none, what is none of ours, and what is answered."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.sign_in.loopback import browser_request, callback_server
from tests.unit.browser_place import OFFLINE, Place, Response, fetch, query


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
        place.visit_to_the_page(place.back(url), Host=host)
        place.visit(place.back(url))

    place.sign_in(behave)
    assert [response.status for response in place.responses] == [302, 400, 302]


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


def test_a_request_is_bounded_as_a_whole(place: Place) -> None:
    """Each line and their number are http.server's to bound: 32 strangers could have 200 MB of them kept, and more."""
    answers: list[bytes] = []

    def behave(url: str) -> None:
        line = b"X: " + b"y" * 60_000 + b"\r\n"
        lines = browser_request.REQUEST_BYTES // len(line) + 1
        answers.append(raw(query(url)["redirect_uri"], b"GET / HTTP/1.1\r\n" + line * lines))  # and no end of it
        place.visit(place.back(url))

    place.sign_in(behave)
    assert answers[0].startswith(b"HTTP/1.0 431 ")


def test_silent_connections_do_not_last(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_request, "REQUEST_SECONDS", 1)
    dropped: list[bytes] = []

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as silent:
            dropped.append(silent.recv(1))
        place.visit(place.back(url))

    place.sign_in(behave)
    assert dropped == [b""]


def test_the_page_of_a_callback_that_nobody_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not stand where the code is either."""
    monkeypatch.setattr(browser_request, "ANSWER_SECONDS", 0)
    shown: list[Response] = []

    def behave(url: str) -> None:
        shown.append(place.visit_to_the_page(place.back(url)))

    place.sign_in(behave, OFFLINE, hold_back=lambda: bool(shown))
    assert shown[0].status == 504
    assert "took too long" in shown[0].body


def test_an_address_with_other_letters_leads_where_it_says() -> None:
    """HTTP has none (RFC 9110 5.5)."""
    with callback_server.CallbackServer("http://127.0.0.1/callback") as server:
        link = server.one_time_address("https://sso.example.com/realms/b\u00fcr\u0151/auth?state=s%20s")
        assert fetch(link).headers["location"] == "https://sso.example.com/realms/b%C3%BCr%C5%91/auth?state=s%20s"


@pytest.mark.parametrize("name", ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"])
def test_what_a_browser_asks_ahead_of_time_is_no_visit(name: str) -> None:
    with callback_server.CallbackServer("http://127.0.0.1/callback") as server:
        link = server.one_time_address("https://sso.example.com/auth")
        assert fetch(link, **{name: "prefetch;prerender"}).status == 503
        assert fetch(link, "HEAD").status == 405
        assert fetch(link, Host="evil.example.com").status == 400
        assert fetch(link).headers["location"] == "https://sso.example.com/auth"


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1:80", "[::1]:5", "localhost"])
def test_a_port_forward_may_call_it_otherwise(host: str) -> None:
    """VS Code opens `localhost`, whatever the address was, and another port where this one is taken."""
    with callback_server.CallbackServer("http://127.0.0.1/callback") as server:
        link = server.one_time_address("https://sso.example.com/auth")
        assert fetch(link, Host=host).headers["location"] == "https://sso.example.com/auth"
