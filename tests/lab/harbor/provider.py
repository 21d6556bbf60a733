"""Harbor's side of OIDC: discovery, code exchange, refresh and verification at the provider, without any time limit.

Source: OpenID Connect Core and Discovery, RFC 7636. Nothing is cached, so that a provider that went away is noticed at
the next use; a real Harbor keeps what it discovered for seconds.
"""

import base64
import hashlib
import secrets
import threading
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.lab.harbor.records import StoredToken

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256"]


class ProviderError(Exception):
    """The provider is away, refused a request, or sent something that does not verify."""


class Provider:
    """The identity provider as Harbor uses it."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str, verify: bool | str = True) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.client_secret = client_secret
        self.scopes = scopes
        # Harbor's setting oidc_extra_redirect_parms.
        self.extra_redirect_parms: dict[str, str] = {}
        self.refreshes = 0
        # For measuring alone: by URL, so that Harbor's own questions take no time. A real one would miss an outage.
        self.answers_kept: dict[str, Any] | None = None
        self._verify = verify
        self._through: tuple[str, str] | None = None
        self._lock = threading.Lock()

    def connect_through(self, proxy_url: str | None) -> None:
        """Harbor alone reaches the provider by that way from now on, under the provider's own name; None: directly."""
        parts = urlsplit(self.issuer)
        self._through = (f"{parts.scheme}://{parts.netloc}", proxy_url) if proxy_url else None

    def authorization_url(self, redirect_uri: str, state: str, verifier: str) -> str:
        """Where a person signs in, with Harbor's client and PKCE; its parameters in the order that Go writes them."""
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "client_id": self.client_id,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": self.scopes,
            "state": state,
            **self.extra_redirect_parms,
        }
        return f"{self._discover()['authorization_endpoint']}?{urlencode(sorted(parameters.items()))}"

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> StoredToken:
        """Exchanges a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        return StoredToken.from_answer(self._token_request(form))

    def refresh(self, token: StoredToken) -> StoredToken:
        """Refreshes a stored token; counted whether it is granted or not."""
        if not token.refresh_token:
            raise ProviderError("token expired and refresh token is not set")
        with self._lock:
            self.refreshes += 1
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
        return StoredToken.from_answer(self._token_request(form), token.refresh_token)

    def end_session(self, token: StoredToken) -> None:
        """Ends the session that the token hangs on, and revokes its refresh token (RFC 7009)."""
        found = self._discover()
        client = (self.client_id, self.client_secret)
        form = {"token": token.refresh_token, "token_type_hint": "refresh_token"}
        self._send("POST", found["revocation_endpoint"], data=form, auth=client, reading=False)
        form = {"refresh_token": token.refresh_token}
        self._send("POST", found["end_session_endpoint"], data=form, auth=client, reading=False)

    def verify(self, id_token: str, check_expiry: bool = True) -> dict[str, Any]:
        """The claims of an ID token that the provider signed for Harbor's client.

        Harbor leaves out the end of life where the token is its own stored one.
        """
        keys = KeySet.import_key_set(self._get(self._discover()["jwks_uri"]))
        rules: dict[str, Any] = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        try:
            claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
            checked = claims if check_expiry else {name: claims[name] for name in claims.keys() - {"exp"}}
            jwt.JWTClaimsRegistry(**rules).validate(checked)
        except (JoseError, ValueError) as error:
            raise ProviderError(f"failed to verify the ID token: {error}") from error
        if claims.get("typ", "ID") != "ID" or "sub" not in claims:
            raise ProviderError("not an ID token")
        return claims

    def userinfo(self, token: StoredToken) -> dict[str, Any]:
        """What the provider tells of a person beside the ID token; nothing where it does not."""
        endpoint = self._discover().get("userinfo_endpoint", "")
        try:
            told = self._send("GET", endpoint, headers={"Authorization": f"Bearer {token.access_token}"})
        except ProviderError:
            return {}
        return told if isinstance(told, dict) else {}

    def _discover(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"{self.issuer}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderError(f"issuer is {found.get('issuer')}, not {self.issuer}")
        return found

    def _token_request(self, form: dict[str, str]) -> dict[str, Any]:
        endpoint = self._discover()["token_endpoint"]
        answer: dict[str, Any] = self._send("POST", endpoint, data=form, auth=(self.client_id, self.client_secret))
        return answer

    def _get(self, url: str) -> Any:
        if self.answers_kept is None:
            return self._send("GET", url)
        if url not in self.answers_kept:
            self.answers_kept[url] = self._send("GET", url)
        return self.answers_kept[url]

    def _send(self, method: str, url: str, *, reading: bool = True, **arguments: Any) -> Any:
        if self._through:
            origin, proxy_url = self._through
            url = proxy_url + url.removeprefix(origin)
            arguments["headers"] = {**arguments.get("headers", {}), "Host": origin.partition("://")[2]}
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(method, url, verify=self._verify, timeout=None, **arguments)
                answer.raise_for_status()
                return answer.json() if reading else None
            except (requests.RequestException, ValueError) as error:
                raise ProviderError(str(error)) from error


def random_text() -> str:
    """A state, a verifier or a session's name."""
    return secrets.token_urlsafe(32)
