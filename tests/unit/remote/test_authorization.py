"""The authorization request as a provider reads it, and which answers are taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from docker_credential_harbor.errors import BrokenAnswer, ClientUnknown, Failure, ServerFault
from docker_credential_harbor.model import LoginRedirect, Provider, Registry
from docker_credential_harbor.remote import authorization
from docker_credential_harbor.remote.authorization import NotTaken, Request, Response
from docker_credential_harbor.remote.web.transport import Transport
from tests.unit.loopback import Answers, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENT = "docker-credential-harbor"
ISSUER = "https://sso.example.com"
PROVIDER = Provider(ISSUER, f"{ISSUER}/auth", f"{ISSUER}/token", f"{ISSUER}/certs", iss_parameter_supported=True)
REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
CALLBACK = "http://127.0.0.1:5/callback"
# The pair of RFC 7636, appendix B.
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def made(provider: Provider = PROVIDER, *scopes: str, **more: object) -> Request:
    request = authorization.request(provider, REGISTRY, CALLBACK, scopes or ("openid",), **more)  # type: ignore[arg-type]
    return request._replace(state="s", nonce="n", code_verifier=VERIFIER)


def query_of(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}


# --- The request ------------------------------------------------------------------------------------------------------


def test_scopes() -> None:
    with_offline = LoginRedirect("https://sso/auth", "harbor", ("openid", "offline_access"))
    without = LoginRedirect("https://sso/auth", "harbor", ("openid",))
    assert authorization.scopes_for(REGISTRY, with_offline) == ("openid", "profile", "email", "offline_access")
    assert authorization.scopes_for(REGISTRY, without) == ("openid", "profile", "email")
    own = REGISTRY._replace(scopes=("openid", "groups"))
    assert authorization.scopes_for(own, with_offline) == ("openid", "groups")


def test_its_url() -> None:
    provider = PROVIDER._replace(authorization_endpoint="https://sso.example.com/auth?kc_idp_hint=x")
    further = (("access_type", "offline"), ("prompt", "consent"))
    request = made(provider, "openid", "profile", further=further, login_hint="a&b")
    assert request.url.startswith("https://sso.example.com/auth?")
    assert query_of(request) == {
        "kc_idp_hint": "x",
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": CALLBACK,
        "scope": "openid profile",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "login_hint": "a&b",
        "access_type": "offline",
        "prompt": "consent",
    }


def test_no_hint_no_parameter() -> None:
    assert "login_hint" not in made().url


def test_each_one_is_known_to_us_alone() -> None:
    requests = [authorization.request(PROVIDER, REGISTRY, CALLBACK, ("openid",)) for _ in range(2)]
    secrets = {secret for request in requests for secret in (request.state, request.nonce, request.code_verifier)}
    assert len(secrets) == 6
    assert all(len(secret) >= 43 for secret in secrets), "RFC 7636 4.1"
    assert not [secret for secret in secrets if any(secret in repr(request) for request in requests)]


def test_without_offline_access_it_is_another_one_for_the_same() -> None:
    first = made(PROVIDER, "openid", "offline_access", further=(("hd", "example.com"),), login_hint="alice")
    second = first.without_offline_access()
    assert (first.offline, second.offline) == (True, False)
    secrets = {"state", "nonce", "code_challenge"}
    before, after = query_of(first), query_of(second)
    assert {name for name in before if before[name] != after[name]} == {"scope"} | secrets
    assert after["scope"] == "openid"


# --- The answer -------------------------------------------------------------------------------------------------------

RIGHT = {"code": "c", "state": "s", "iss": ISSUER}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "other"}, NotTaken.OTHER_SIGN_IN),
        ({"state": "ü"}, NotTaken.OTHER_SIGN_IN),
        ({"state": None}, NotTaken.OTHER_SIGN_IN),
        ({"iss": "https://evil.example.com"}, NotTaken.OTHER_PROVIDER),
        ({"iss": ""}, NotTaken.OTHER_PROVIDER),
        ({"iss": None}, NotTaken.OTHER_PROVIDER),
        ({"code": None}, NotTaken.NEITHER),
        ({"code": ""}, NotTaken.NEITHER),
        ({"code": "", "error": ""}, NotTaken.NEITHER),
    ],
)
def test_what_is_not_taken(changes: dict[str, str | None], why: NotTaken) -> None:
    query = {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}
    assert authorization.response_to(made(), urlencode(query)) is why


@pytest.mark.parametrize("more", ["code=other", "state=s", "iss=", "x=1&x=1"])
def test_nothing_is_there_twice(more: str) -> None:
    assert authorization.response_to(made(), f"{urlencode(RIGHT)}&{more}") is NotTaken.TWICE


def test_iss_may_be_missing_where_it_was_not_promised() -> None:
    request = made(PROVIDER._replace(iss_parameter_supported=False))
    assert authorization.response_to(request, "code=c&state=s") == Response("c")
    other = authorization.response_to(request, "code=c&state=s&iss=https://evil.example.com")
    assert other is NotTaken.OTHER_PROVIDER


def test_the_code_stays_out_of_repr() -> None:
    response = authorization.response_to(made(), urlencode({**RIGHT, "code": "the-code"}))
    assert response == Response("the-code")
    assert "the-code" not in repr(response)


@pytest.mark.parametrize(
    ("said", "reason", "refuses_offline_access"),
    [
        ({"error": "access_denied"}, "access_denied", False),
        ({"error": "invalid_scope"}, "invalid_scope", True),
        ({"error": "x", "error_description": "no offline_access here"}, "no offline_access here", True),
        ({"error": "x", "error_description": "a\x1b[1mb"}, r"a\x1b[1mb", False),
    ],
)
def test_an_error(said: dict[str, str], reason: str, refuses_offline_access: bool) -> None:
    response = authorization.response_to(made(), urlencode({**RIGHT, **said}))
    assert isinstance(response, Response)
    assert response.error == said["error"]
    assert (response.reason, response.refuses_offline_access) == (reason, refuses_offline_access)


def test_a_code_is_no_refusal_whatever_is_said_beside_it() -> None:
    response = authorization.response_to(made(), urlencode({**RIGHT, "error_description": "offline_access"}))
    assert isinstance(response, Response)
    assert not response.refuses_offline_access


# --- Asked by nobody --------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


def look(server: Answers, status: int) -> None:
    server.replies["/auth"] = (status, {"Location": "/login"} if status == 302 else {}, "")
    provider = PROVIDER._replace(authorization_endpoint=f"{server.url}/auth")
    redirect = LoginRedirect(f"{server.url}/auth", "harbor", ("openid",), (("hd", "example.com"),))
    authorization.look_at_client(Transport(10), provider, REGISTRY, redirect)


@pytest.mark.parametrize("status", [200, 302, 401])
def test_a_client_that_the_provider_takes(server: Answers, status: int) -> None:
    look(server, status)
    [asked] = server.asked
    query = parse_qs(urlsplit(asked.path).query)
    assert urlsplit(query["redirect_uri"][0]).port, "as in a sign-in, where it has one"
    assert query["hd"] == ["example.com"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, ClientUnknown), (422, ClientUnknown), (404, ClientUnknown), (403, BrokenAnswer), (503, ServerFault)],
)
def test_or_does_not(server: Answers, status: int, error: type[Failure]) -> None:
    with pytest.raises(Failure) as caught:
        look(server, status)
    assert type(caught.value) is error
