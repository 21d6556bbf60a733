"""Sign-in by device code against a small provider on loopback; time passes only where the code waits for it."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from docker_credential_harbor.errors import (
    BrokenAnswer,
    ClientRefused,
    DeviceCodeExpired,
    Failure,
    IdTokenRejected,
    NoDeviceGrant,
    ServerFault,
    SignInDeclined,
    SignInEnded,
    SignInFailed,
    SignInTimedOut,
    Unreachable,
)
from docker_credential_harbor.model import DeviceCode, LoginRedirect, Provider, Registry, Settings, SignInResult
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_device_code
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = jwk.generate_key("EC", "P-256", {"kid": "k"}, private=True)
ONLINE = ("openid",)
OFFLINE = ("openid", "offline_access")


def error(name: str, status: int = 400) -> Reply:
    return status, {}, {"error": name}


PENDING = error("authorization_pending")


@dataclass
class Place:
    """A provider that answers polls as scripted, the last answer again and again, and a clock that waiting moves."""

    answers: Answers
    registry: Registry = field(default_factory=lambda: Registry("harbor.example.com", "https://harbor.example.com"))
    code: dict[str, Any] = field(default_factory=dict)
    polls: list[Reply] = field(default_factory=list)
    shown: list[DeviceCode] = field(default_factory=list)
    polled_at: list[float] = field(default_factory=list)
    begun: list[dict[str, str]] = field(default_factory=list)
    time: float = 0.0
    ends_when: Callable[[], bool] = lambda: False

    @property
    def provider(self) -> Provider:
        url = self.answers.url
        return Provider(
            url, f"{url}/auth", f"{url}/token", f"{url}/certs", device_authorization_endpoint=f"{url}/device"
        )

    def begin(self, asked: Asked) -> Reply:
        self.begun.append(asked.form)
        url = f"{self.answers.url}/d"
        code = {"device_code": "device-code", "user_code": "ABCD-EFGH", "verification_uri": url, "expires_in": 600}
        code |= {"verification_uri_complete": f"{url}?user_code=ABCD-EFGH", **self.code}
        return 200, {}, {name: value for name, value in code.items() if value is not None}

    def token(self, asked: Asked) -> Reply:
        """RFC 8628 3.4 and RFC 7636 4.6: the verifier comes with every poll and is that of the challenge."""
        self.polled_at.append(self.time)
        form = asked.form
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
        assert (form["device_code"], form["client_id"]) == ("device-code", "docker-credential-harbor")
        digest = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        assert self.begun[-1]["code_challenge"] == digest
        assert self.begun[-1]["code_challenge_method"] == "S256"
        assert len(form["code_verifier"]) >= 43
        return self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]

    def tokens(self, **changes: Any) -> Reply:
        now = int(time.time())
        claims = {"iss": self.answers.url, "sub": "s", "aud": "docker-credential-harbor", "iat": now, "exp": now + 300}
        signed = jwt.encode({"alg": "ES256", "kid": "k"}, claims, KEY, algorithms=["ES256"])
        answer = {"access_token": "a", "expires_in": 300, "id_token": signed, "refresh_token": "r", **changes}
        return 200, {}, {name: value for name, value in answer.items() if value is not None}

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    def sign_in(self, scopes: tuple[str, ...] = ONLINE, **changes: Any) -> SignInResult:
        arguments: dict[str, Any] = {
            "settings": Settings(login_timeout_seconds=120),
            "show": self.shown.append,
            "cancelled": lambda: self.ends_when(),
            "monotonic": lambda: self.time,
            "sleep": self.sleep,
            "provider": self.provider,
            **changes,
        }
        redirect = LoginRedirect(f"{self.answers.url}/auth", "harbor", scopes, arguments.pop("further", ()))
        http = Transport(10)
        return by_device_code.sign_in(http, arguments.pop("provider"), self.registry, redirect, **arguments)


@pytest.fixture
def place() -> Iterator[Place]:
    with answers_server() as answers:
        made = Place(answers)
        answers.replies |= {"/device": made.begin, "/token": made.token}
        answers.replies["/certs"] = (200, {}, {"keys": [KEY.as_dict(private=False)]})
        yield made


# --- What is asked, and what is shown ---------------------------------------------------------------------------------


def test_the_person_confirms(place: Place) -> None:
    place.polls = [PENDING, PENDING, place.tokens()]
    result = place.sign_in()
    assert (result.tokens.subject, result.tokens.refresh_token) == ("s", "r")
    assert not result.offline_access_refused
    assert result.sent_on_at is None
    assert place.polled_at == pytest.approx([5, 10, 15])  # RFC 8628 3.2's default
    [code] = place.shown
    assert code.user_code == "ABCD-EFGH"
    assert code.verification_uri_complete == f"{place.answers.url}/d?user_code=ABCD-EFGH"
    assert "device-code" not in repr(code)


def test_the_request(place: Place) -> None:
    place.polls = [place.tokens()]
    place.sign_in(OFFLINE)
    [form] = place.begun
    assert form["scope"] == "openid profile email offline_access"
    assert form["client_id"] == "docker-credential-harbor"
    assert set(form) == {"client_id", "scope", "code_challenge", "code_challenge_method"}


def test_what_harbor_adds_to_its_own_request(place: Place) -> None:
    place.polls = [place.tokens()]
    place.sign_in(further=(("audience", "harbor"), ("scope", "none")))
    assert (place.begun[0]["audience"], place.begun[0]["scope"]) == ("harbor", "openid profile email")


def test_the_scopes_of_the_configuration(place: Place) -> None:
    place.registry = place.registry._replace(scopes=("openid", "groups"))
    place.polls = [place.tokens()]
    place.sign_in(OFFLINE)
    assert place.begun[0]["scope"] == "openid groups"


@pytest.mark.parametrize(("interval", "taken"), [(None, 5), (2, 2), ("3", 3), (0, 5), (-1, 5), ("x", 5)])
def test_the_interval(place: Place, interval: object, taken: float) -> None:
    place.code = {"interval": interval}
    place.polls = [PENDING, place.tokens()]
    place.sign_in()
    assert place.polled_at == pytest.approx([taken, 2 * taken])


def test_a_secret_of_the_client_goes_along(place: Place) -> None:
    place.registry = place.registry._replace(client_secret="s3cr3t")
    place.polls = [place.tokens()]
    place.sign_in()
    assert all("authorization" in asked.headers for asked in place.answers.asked if asked.path != "/certs")


def test_without_a_complete_address(place: Place) -> None:
    place.code = {"verification_uri_complete": None}
    place.polls = [place.tokens()]
    place.sign_in()
    assert place.shown[0].verification_uri_complete is None


# --- What the provider says meanwhile (RFC 8628 3.5) ------------------------------------------------------------------


@pytest.mark.parametrize("client_secret", ["", "s"])
def test_slow_down_for_this_and_all_polls_that_follow(place: Place, client_secret: str) -> None:
    slow_down = error("slow_down")
    place.registry = place.registry._replace(client_secret=client_secret)
    place.polls = [PENDING, slow_down, PENDING, slow_down, PENDING, place.tokens()]
    place.sign_in()
    assert place.polled_at == pytest.approx([5, 10, 20, 30, 45, 60])


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {}, ""),
        (429, {}, ""),
        (200, {}, "<html>a guest network</html>"),
        (400, {}, "{"),
        (400, {}, {"error": 5}),
        (404, {}, ""),
        error("temporarily_unavailable"),
        error("server_error"),
    ],
)
def test_trouble_on_the_way_does_not_end_it(place: Place, trouble: Reply) -> None:
    place.polls = [PENDING, trouble, trouble, trouble, PENDING, place.tokens()]
    place.sign_in()
    assert place.polled_at == pytest.approx([5, 10, 20, 40, 70, 75])  # doubled up to half a minute, then as before


def test_nobody_listens_for_a_while(place: Place) -> None:
    place.polls = [place.tokens()]
    dead = place.provider._replace(token_endpoint="http://127.0.0.1:9/token")
    with pytest.raises(Unreachable):
        place.sign_in(provider=dead, settings=Settings(login_timeout_seconds=60))
    assert place.time == pytest.approx(60)


def test_trouble_that_lasts_is_what_is_told(place: Place) -> None:
    place.polls = [PENDING, (503, {}, "")]
    with pytest.raises(ServerFault):
        place.sign_in()
    assert place.time == pytest.approx(120)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (error("access_denied"), SignInDeclined),
        (error("expired_token"), DeviceCodeExpired),
        (error("invalid_grant"), SignInFailed),
        (error("invalid_client", 401), ClientRefused),
        (error("something_else"), SignInFailed),
        ((200, {}, {"access_token": "a"}), SignInFailed),
        ((200, {}, {"id_token": "no.token.this"}), IdTokenRejected),
    ],
)
def test_what_ends_it(place: Place, answer: Reply, failure: type[Failure]) -> None:
    place.polls = [PENDING, answer]
    with pytest.raises(failure) as told:
        place.sign_in()
    assert type(told.value) is failure
    assert "device-code" not in str(told.value).replace("docker-credential", "")
    assert len(place.polled_at) == 2


def test_the_code_expires_before_the_persons_time_is_over(place: Place) -> None:
    place.code = {"expires_in": 20}
    place.polls = [PENDING]
    with pytest.raises(DeviceCodeExpired, match="after 20 s"):
        place.sign_in()
    assert place.time == pytest.approx(20)


def test_the_persons_time_is_over(place: Place) -> None:
    place.polls = [PENDING]
    with pytest.raises(SignInTimedOut, match="within 120 s") as told:
        place.sign_in()
    assert type(told.value) is SignInTimedOut
    assert place.time == pytest.approx(120)


def test_nobody_wants_it_any_more(place: Place) -> None:
    place.polls = [PENDING]
    place.ends_when = lambda: place.time > 12
    with pytest.raises(SignInEnded):
        place.sign_in()
    assert place.time < 13


def test_the_keys_are_asked_for_again_since_the_answer_comes_but_once(place: Place) -> None:
    place.polls = [place.tokens(), error("invalid_grant")]
    certs = place.answers.replies["/certs"]
    assert isinstance(certs, tuple)
    replies: list[Reply] = [(503, {}, ""), (503, {}, ""), certs]
    place.answers.replies["/certs"] = lambda _: replies.pop(0)
    assert place.sign_in().tokens.subject == "s"
    assert len(place.polled_at) == 1
    assert place.time == pytest.approx(5 + 1 + 2)


def test_keys_that_never_come(place: Place) -> None:
    place.polls = [place.tokens()]
    place.answers.replies["/certs"] = (503, {}, "")
    with pytest.raises(ServerFault):
        place.sign_in()
    assert place.time == pytest.approx(120)


# --- What the provider cannot do --------------------------------------------------------------------------------------


def test_no_endpoint(place: Place) -> None:
    with pytest.raises(NoDeviceGrant, match="docker login") as told:
        place.sign_in(provider=place.provider._replace(device_authorization_endpoint=None))
    assert "docker-credential-harbor login harbor.example.com where a browser is" in told.value.every_remedy
    assert (place.shown, place.answers.asked) == ([], [])


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (error("unauthorized_client"), NoDeviceGrant),
        (error("unsupported_grant_type"), NoDeviceGrant),
        (error("invalid_client", 401), ClientRefused),
        (error("invalid_request"), SignInFailed),
        (error("server_error"), ServerFault),
        ((503, {}, ""), ServerFault),
        ((404, {}, "<html>"), BrokenAnswer),
        ((200, {}, "<html>"), BrokenAnswer),
        ((200, {}, {"device_code": "d"}), BrokenAnswer),
    ],
)
def test_no_code(place: Place, answer: Reply, failure: type[Failure]) -> None:
    place.answers.replies["/device"] = answer
    with pytest.raises(failure):
        place.sign_in()
    assert place.shown == []


@pytest.mark.parametrize(
    "changes",
    [
        {"device_code": None},
        {"user_code": ""},
        {"user_code": "A\x1b[2J"},
        {"user_code": "A" * 65},
        {"expires_in": None},
        {"verification_uri": None},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "http://sso.example.com/device"},
        {"verification_uri_complete": "file:///etc/passwd"},
    ],
)
def test_a_code_that_cannot_be_shown(place: Place, changes: dict[str, Any]) -> None:
    place.code = changes
    with pytest.raises(BrokenAnswer):
        place.sign_in()
    assert place.shown == []


# --- offline_access refused -------------------------------------------------------------------------------------------


def test_before_the_person_is_asked(place: Place) -> None:
    begin = place.begin

    def refuse(asked: Asked) -> Reply:
        return error("invalid_scope") if "offline_access" in asked.form["scope"] else begin(asked)

    place.answers.replies["/device"] = refuse
    place.polls = [place.tokens()]
    assert place.sign_in(OFFLINE).offline_access_refused
    assert len(place.shown) == 1


def test_after_the_person_confirmed_they_are_asked_once_more(place: Place) -> None:
    place.polls = [error("not_allowed"), PENDING, place.tokens()]
    assert place.sign_in(OFFLINE).offline_access_refused
    assert [form["scope"] for form in place.begun] == ["openid profile email offline_access", "openid profile email"]
    assert len(place.shown) == 2


def test_without_having_asked_for_it(place: Place) -> None:
    place.polls = [error("not_allowed")]
    with pytest.raises(SignInFailed, match="not_allowed"):
        place.sign_in()
    assert len(place.shown) == 1


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        ({"scope": "openid profile", "refresh_expires_in": 1800}, True),
        ({"scope": "openid offline_access", "refresh_expires_in": 0}, False),
        ({"scope": "openid profile"}, False),
        ({}, False),
    ],
)
def test_dropped_without_a_word(place: Place, answer: dict[str, Any], refused: bool) -> None:
    place.polls = [place.tokens(**answer)]
    assert place.sign_in(OFFLINE).offline_access_refused is refused
