"""oidc-provider does what the helper's flows will ask of it, without the helper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from docker_credential_harbor.remote import id_token
from tests.lab.oidc_provider import OidcProvider, harbor_client, helper_client
from tests.lab.own_sign_in import REDIRECT_URI, pkce
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.person import CookiePerson


def request_url(provider: OidcProvider, scope: str, **changes: str) -> tuple[str, str]:
    """An authorization request of the helper's client, and its code verifier."""
    verifier, challenge = pkce()
    parameters = {
        "client_id": HELPER_CLIENT,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": scope,
        "state": "state-of-this-request",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{provider.endpoint('auth')}?{urlencode(parameters)}", verifier


def token_request(provider: OidcProvider, **form: str) -> requests.Response:
    return requests.post(provider.endpoint("token"), data={"client_id": HELPER_CLIENT, **form}, timeout=30)


def sign_in(provider: OidcProvider, person: CookiePerson, scope: str = "openid", **changes: str) -> dict[str, Any]:
    """The token endpoint's answer after a sign-in; what came with the code as `back`."""
    url, verifier = request_url(provider, scope, **changes)
    landed = person.walk_to(url, REDIRECT_URI)
    back = {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT_URI}
    answer: dict[str, Any] = token_request(provider, **form, code_verifier=verifier).json()
    return {**answer, "back": back}


def claims(provider: OidcProvider, answer: dict[str, Any]) -> dict[str, Any]:
    return id_token.claims_of(answer["id_token"], provider.issuer)


def refresh(provider: OidcProvider, token: str) -> requests.Response:
    return token_request(provider, grant_type="refresh_token", refresh_token=token)


def test_a_sign_in_as_it_comes(make_provider: Callable[..., OidcProvider], person: CookiePerson) -> None:
    provider = make_provider()
    answer = sign_in(provider, person, "openid profile email offline_access")
    assert person.forms == 1
    assert answer["back"]["iss"] == provider.issuer
    told = claims(provider, answer)
    assert (told["aud"], told["sub"], told["preferred_username"]) == (HELPER_CLIENT, "id-of-alice", "alice")
    assert "refresh_token" not in answer, "offline_access without prompt=consent is ignored (OIDC Core 11)"
    sign_in(provider, person)
    assert person.forms == 1, "its session lives"


def test_a_second_use_ends_the_grant(make_provider: Callable[..., OidcProvider], person: CookiePerson) -> None:
    provider = make_provider()
    answer = sign_in(provider, person, "openid offline_access", prompt="consent")
    first = refresh(provider, answer["refresh_token"]).json()
    assert "id_token" in first
    assert refresh(provider, answer["refresh_token"]).json()["error"] == "invalid_grant"
    assert refresh(provider, first["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_second_use_in_time_is_forgiven(make_provider: Callable[..., OidcProvider], person: CookiePerson) -> None:
    provider = make_provider(graceSeconds=60)
    answer = sign_in(provider, person, "openid offline_access", prompt="consent")
    first = refresh(provider, answer["refresh_token"]).json()
    assert refresh(provider, answer["refresh_token"]).ok
    assert refresh(provider, first["refresh_token"]).ok


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "http://127.0.0.1:9/other"}])
def test_who_may_ask(make_provider: Callable[..., OidcProvider], changes: dict[str, str]) -> None:
    url, _ = request_url(make_provider(), "openid", **changes)
    assert requests.get(url, timeout=30).status_code == 400


def test_weather(make_provider: Callable[..., OidcProvider], person: CookiePerson) -> None:
    """What other providers do and this one does not by itself."""
    provider = make_provider(
        iss=False, revocation=False, device=False, pairwise=True, audiences={HELPER_CLIENT: ["harbor"]}, alg="ES256"
    )
    found = provider.discovered()
    assert "authorization_response_iss_parameter_supported" not in found
    assert "revocation_endpoint" not in found
    assert "device_authorization_endpoint" not in found
    answer = sign_in(provider, person)
    assert "iss" not in answer["back"]
    told = claims(provider, answer)
    assert told["aud"] == [HELPER_CLIENT, "harbor"]
    assert told["sub"] == provider.subject("alice", HELPER_CLIENT) != provider.subject("alice")


def test_orders(make_provider: Callable[..., OidcProvider], person: CookiePerson) -> None:
    provider = make_provider(refreshTokens="always", refreshedIdToken=False)
    answer = sign_in(provider, person)
    assert "id_token" not in refresh(provider, answer["refresh_token"]).json()
    provider.end_sessions("bob")
    sign_in(provider, person)
    assert person.forms == 1
    provider.end_sessions("alice")
    answer = sign_in(provider, person)
    assert person.forms == 2
    provider.end_grants("alice")
    assert refresh(provider, answer["refresh_token"]).json()["error"] == "invalid_grant"
    provider.remove_client(HELPER_CLIENT)
    assert requests.get(request_url(provider, "openid")[0], timeout=30).status_code == 400
    provider.register(helper_client(redirect_uris=[REDIRECT_URI]))
    assert requests.get(request_url(provider, "openid")[0], timeout=30).ok


def test_it_ends(make_provider: Callable[..., OidcProvider]) -> None:
    provider = make_provider(clients=(harbor_client(),))
    provider.close()
    with pytest.raises(requests.ConnectionError):
        provider.discovered()
