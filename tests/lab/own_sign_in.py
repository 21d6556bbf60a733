"""Tokens of a person from the helper's own client, without the helper: for tests of the lab and the recordings."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.lab.person import CookiePerson
from tests.lab.realm import HELPER_CLIENT, Realm

# Nobody listens there: the walk stops before.
REDIRECT_URI = "http://127.0.0.1:9/callback"
WITH_OFFLINE = "openid profile email offline_access"


def pkce() -> tuple[str, str]:
    """A code verifier and its S256 challenge (RFC 7636)."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return verifier, challenge


def authorization_url(realm: Realm, scope: str, challenge: str) -> str:
    """Where the helper's own sign-in begins."""
    parameters = {
        "client_id": HELPER_CLIENT,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": scope,
        "state": secrets.token_urlsafe(),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{realm.endpoint('auth')}?{urlencode(parameters)}"


def authorization_code(realm: Realm, person: CookiePerson, scope: str) -> tuple[dict[str, str], str]:
    """The parameters of the redirect back to the helper, and the code verifier."""
    verifier, challenge = pkce()
    landed = person.walk_to(authorization_url(realm, scope, challenge), REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}, verifier


def token_request(realm: Realm, endpoint: str = "token", **form: str) -> requests.Response:
    """A request of the helper's client to the provider."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(realm.endpoint(endpoint), data={"client_id": HELPER_CLIENT, **form}, timeout=60)


def sign_in(realm: Realm, person: CookiePerson, scope: str = WITH_OFFLINE) -> dict[str, Any]:
    """The token endpoint's answer after a sign-in."""
    back, verifier = authorization_code(realm, person, scope)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT_URI}
    answer: dict[str, Any] = token_request(realm, **form, code_verifier=verifier).json()
    return answer
