"""The server that the browser comes back to: everything that must not count, and where it listens."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import pytest

from docker_credential_harbor.errors import (
    ConfigurationInvalid,
    PortBusy,
    SignInOpenedTwice,
)
from docker_credential_harbor.remote import authorization
from docker_credential_harbor.sign_in import by_browser
from docker_credential_harbor.sign_in.loopback import browser_request, callback_server, listening
from docker_credential_harbor.sign_in.loopback.connections import Connections
from tests.conftest import need
from tests.lab import network, ordinary_user
from tests.unit.browser_place import HARBOR, OFFLINE, Place, Response, fetch, query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def test_the_page_of_a_callback_that_nobody_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not stand where the code is either."""
    monkeypatch.setattr(browser_request, "ANSWER_SECONDS", 0)
    shown: list[Response] = []

    def behave(url: str) -> None:
        shown.append(place.visit_to_the_page(place.back(url)))

    place.sign_in(behave, OFFLINE, hold_back=lambda: bool(shown))
    assert shown[0].status == 504
    assert "took too long" in shown[0].body


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


def test_where_all_are_being_answered_the_next_one_waits() -> None:
    connections = Connections(2)
    answered, silent, late = (socket.socket() for _ in range(3))
    with answered, silent, late:
        for connection in (answered, silent):
            assert connections.admit(connection)
            assert connections.came_in(connection)
        threading.Timer(0.1, connections.leave, (answered,)).start()
        assert connections.admit(late)
        assert connections.came_in(late)


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


# --- Where it listens -------------------------------------------------------------------------------------------------

WAIT_AT = """
import socket, sys
with socket.create_server(("::1", int(sys.argv[1])), family=socket.AF_INET6):
    print("waits", flush=True)
    sys.stdin.read()
"""
COME_BACK = """
import sys
sys.path.insert(0, {repository!r})
from docker_credential_harbor.sign_in.loopback import callback_server as loopback
from tests.unit.browser_place import fetch
with loopback.CallbackServer("http://localhost/callback") as server:
    link = server.one_time_address("https://sso.example.com/auth")
    print(len(server._servers), link.startswith("http://127.0.0.1:"), fetch(link).status)
"""


@contextlib.contextmanager
def another_user_at_ipv6(port: int) -> Iterator[None]:
    command = [*ordinary_user.command(), sys.executable, "-c", WAIT_AT, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == b"waits\n"
        try:
            yield
        finally:
            waiting.communicate(timeout=30)


@pytest.fixture
def ipv6() -> None:
    """A kernel's, which no package installs: so it may be missing in CI, too."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_localhost_is_whatever_a_browser_takes_it_for(place: Place, address: str) -> None:
    place.registry = place.registry._replace(redirect_uri="http://localhost/callback")

    def behave(url: str) -> None:
        back = place.back(url)
        place.visit(back.replace("localhost", address), Host=urlsplit(back).netloc)

    assert place.sign_in(behave).tokens.subject == "s"
    assert place.responses[0].headers["location"] == HARBOR
    assert place.links[0].startswith("http://127.0.0.1:"), "a name may be another's at one of its addresses"


@pytest.mark.usefixtures("ipv6")
def test_a_port_where_another_user_waits_at_the_other_address_is_not_taken(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    place.registry = place.registry._replace(redirect_uri=f"http://localhost:{port}/callback")
    with another_user_at_ipv6(port), pytest.raises(PortBusy, match=str(port)):
        place.sign_in(lambda _: None)
    place.sign_in(lambda url: place.visit(place.back(url)))


@pytest.mark.usefixtures("ipv6")
def test_nor_one_that_another_user_was_quicker_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    quicker, tried, stack = listening.Server, list[int](), contextlib.ExitStack()

    def server(address: tuple[str, int], connections: Connections) -> listening.Server:
        if address[0] == "::1":
            tried.append(address[1])
            if len(tried) == 1:
                stack.enter_context(another_user_at_ipv6(address[1]))
        return quicker(address, connections)

    monkeypatch.setattr(listening, "Server", server)
    with stack, callback_server.CallbackServer("http://localhost/callback") as waiting:
        assert len(tried) == 2
        assert urlsplit(waiting.redirect_uri).port == tried[1] != tried[0]


def test_where_there_is_no_ipv6_nobody_can_wait_there() -> None:
    need("root, for another network", "run the tests as root", os.geteuid() == 0)
    need("network namespaces", "apt-get install iproute2 util-linux", not network.missing())
    without = 'ip link set lo up; ip -6 address flush dev lo; exec "$@"'
    program = COME_BACK.format(repository=str(Path(__file__).parents[4]))
    command = ["unshare", "-n", "sh", "-c", without, "sh", sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout == "1 True 302\n"


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
