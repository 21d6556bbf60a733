"""Sign-in by browser against a small provider on loopback: the order of things, and everything that must not count."""

from __future__ import annotations

import hashlib
import http.client
import socket
import sys
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwk, jwt

from docker_credential_harbor.errors import (
    ConfigurationInvalid,
    Failure,
    IdTokenRejected,
    OfflineAccessRefused,
    PortBusy,
    ServerFault,
    SignInDeclined,
    SignInEnded,
    SignInFailed,
    SignInTimedOut,
    Unreachable,
)
from docker_credential_harbor.model import LoginRedirect, Provider, Registry, Settings
from docker_credential_harbor.signin import browser, loopback
from docker_credential_harbor.transport import Transport
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker_credential_harbor.model import SignInResult

KEY = jwk.generate_key("EC", "P-256", {"kid": "k"}, private=True)
HARBOR = "https://harbor.example.com/c/oidc/login"
OFFLINE = ("openid", "offline_access")
ONLINE = ("openid",)


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: str


def fetch(url: str, method: str = "GET", **headers: str) -> Response:
    """One request of a browser, redirects not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, f"{parts.path or '/'}?{parts.query}".rstrip("?"), headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@dataclass
class Place:
    """A provider, and a person whose browser does with an authorization URL what ``behave`` does."""

    answers: Answers
    registry: Registry = field(default_factory=lambda: Registry("harbor.example.com", "https://harbor.example.com"))
    iss_supported: bool = True
    opened: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    challenges: dict[str, dict[str, str]] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    token_faults: list[Reply] = field(default_factory=list)

    @property
    def provider(self) -> Provider:
        url = self.answers.url
        return Provider(url, f"{url}/auth", f"{url}/token", f"{url}/certs", iss_parameter_supported=self.iss_supported)

    def token(self, asked: Asked) -> Reply:
        """The token endpoint: codes are good once, and only with their verifier (RFC 7636 4.6)."""
        self.events.append("exchange")
        if self.token_faults:
            return self.token_faults.pop(0)
        form = asked.form
        request = self.challenges.pop(form["code"], None)
        digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if request is None or (request["code_challenge"], request["redirect_uri"]) != (digest, form["redirect_uri"]):
            return (400, {}, {"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": self.answers.url, "sub": "s", "aud": form["client_id"], "iat": now, "exp": now + 300}
        signed = jwt.encode(
            {"alg": "ES256", "kid": "k"}, {**claims, "nonce": request["nonce"]}, KEY, algorithms=["ES256"]
        )
        return (200, {}, {"access_token": "a", "expires_in": 300, "id_token": signed, "refresh_token": "r"})

    def back(self, url: str, **changes: str | None) -> str:
        """The callback's address for an authorization URL; the provider knows the code from then on."""
        request = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.challenges)}-{request['state']}"
        self.challenges[code] = request
        parameters = {"code": code, "state": request["state"], "iss": self.answers.url, **changes}
        return f"{request['redirect_uri']}?{urlencode({k: v for k, v in parameters.items() if v is not None})}"

    def visit(self, url: str, **headers: str) -> Response:
        response = fetch(url, **headers)
        self.responses.append(response)
        self.events.append(f"browser at {response.headers.get('location', response.status)}")
        return response

    def sign_in(
        self, behave: Callable[[str], object], scopes: tuple[str, ...] = ONLINE, **changes: Any
    ) -> SignInResult:
        def run(url: str) -> None:
            try:
                behave(url)
            except BaseException as fault:
                self.faults.append(fault)

        def open_url(url: str) -> None:
            self.opened.append(url)
            self.threads.append(threading.Thread(target=run, args=(url,), daemon=True))
            self.threads[-1].start()

        arguments: dict[str, Any] = {
            "settings": Settings(login_timeout_seconds=30),
            "login_hint": None,
            "open_url": open_url,
            "harbor_login_url": HARBOR,
            "hold_back": lambda: True,
            "cancelled": lambda: False,
            "now": time.time,
            **changes,
        }
        redirect = LoginRedirect("https://sso.example.com/auth", "harbor", scopes)
        try:
            return browser.sign_in(Transport(10), self.provider, self.registry, redirect, **arguments)
        finally:
            for thread in self.threads:
                thread.join(30)
            if self.faults:
                raise self.faults[0]


@pytest.fixture
def place() -> Iterator[Place]:
    with answers_server() as answers:
        made = Place(answers)
        answers.replies["/token"] = made.token
        answers.replies["/certs"] = (200, {}, {"keys": [KEY.as_dict(private=False)]})
        yield made


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


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
    monkeypatch.setattr(browser, "HOLD_BACK_SECONDS", 0.5)

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
    place.registry = replace(place.registry, scopes=("openid", "groups"))
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
    monkeypatch.setattr(loopback, "LAST_ANSWER_SECONDS", 0.1)
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


def test_silent_connections_do_not_hold_it_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(loopback, "MOST_CONNECTIONS", 4)
    dropped: list[bytes] = []

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        silent = [socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) for _ in range(6)]
        for connection in silent:
            dropped.append(connection.recv(1))
            connection.close()
        while True:
            try:
                place.visit(place.back(url))
            except ConnectionError:  # the places of the silent ones are not free yet
                continue
            break

    place.sign_in(behave)
    assert dropped == [b""] * 6


# --- Where it listens -------------------------------------------------------------------------------------------------


def test_a_port_of_its_own(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        place.registry = replace(place.registry, redirect_uri=f"http://127.0.0.1:{port}/back")
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
    place.registry = replace(place.registry, redirect_uri=configured)
    place.sign_in(lambda url: place.visit(place.back(url)))
    used = query(place.opened[0])["redirect_uri"]
    assert used.startswith(start)
    assert urlsplit(used).path == urlsplit(configured).path


@pytest.mark.parametrize("configured", ["https://127.0.0.1/callback", "http://example.com/callback", "myapp:/callback"])
def test_only_loopback(place: Place, configured: str) -> None:
    place.registry = replace(place.registry, redirect_uri=configured)
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


def test_secrets_stay_out_of_repr() -> None:
    attempt = browser._Attempt(("openid",))  # noqa: SLF001
    for secret in (attempt.state, attempt.nonce, attempt.code_verifier):
        assert secret not in repr(attempt)
