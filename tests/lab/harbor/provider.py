"""Harbor's side of OIDC: discovery, code exchange, refresh and verification at the provider, without any time limit.

Source: OpenID Connect Core and Discovery, RFC 7636; what is kept, and what is asked when, as in Harbor's own source.
"""

import base64
import contextlib
import hashlib
import json
import math
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.lab.harbor.records import StoredToken

# Seconds that Harbor goes by what it discovered, the provider's keys among it.
KEPT_SECONDS = 3.0
ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256"]


class ProviderError(Exception):
    """The provider is away, refused a request, or sent something that does not verify."""


class Provider:
    """The identity provider as Harbor uses it."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        scopes: str,
        verify: bool | str = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self.client_secret = client_secret
        self.scopes = scopes
        self.clock = clock
        # Harbor's setting oidc_extra_redirect_parms.
        self.extra_redirect_parms: dict[str, str] = {}
        self.refreshes = 0
        # With 0 an outage is noticed at once, as a real Harbor does seconds later.
        self.kept_seconds = KEPT_SECONDS
        self._kept: dict[str, Any] = {}
        self._discovered_at = -math.inf
        self._verify = verify
        self._through: tuple[str, str] | None = None
        self._lock = threading.Lock()

    def connect_through(self, proxy_url: str | None) -> None:
        """Harbor alone reaches the provider by that way from now on, under the provider's own name; None: directly.

        What it discovered on another way is forgotten, and what it discovers from now on is not kept.
        """
        self.kept_seconds = 0
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
        return StoredToken.from_answer(self._token_request(form), self.clock())

    def refresh(self, token: StoredToken) -> StoredToken:
        """Refreshes a stored token; counted whether it is granted or not."""
        if not token.refresh_token:
            raise ProviderError("token expired and refresh token is not set")
        with self._lock:
            self.refreshes += 1
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
        return StoredToken.from_answer(self._token_request(form), self.clock(), token.refresh_token)

    def end_session(self, token: StoredToken) -> None:
        """Ends the session that the token hangs on, and revokes its refresh token (RFC 7009)."""
        found = self._discover()
        client = (self.client_id, self.client_secret)
        form = {"token": token.refresh_token, "token_type_hint": "refresh_token"}
        self._send("POST", found["revocation_endpoint"], data=form, auth=client, reading=False)
        form = {"refresh_token": token.refresh_token}
        self._send("POST", found["end_session_endpoint"], data=form, auth=client, reading=False)

    def verify(self, id_token: str, is_stored: bool = False) -> dict[str, Any]:
        """The claims of an ID token that the provider signed for Harbor's client.

        Of the one that Harbor itself stored neither the audience nor the end of life is looked at.
        """
        jwks_uri = self._discover()["jwks_uri"]
        rules: dict[str, Any] = {"iss": {"essential": True, "value": self.issuer}}
        if not is_stored:
            rules["aud"] = {"essential": True, "value": self.client_id}
        try:
            claims = self._decoded(id_token, jwks_uri)
            checked = {name: claims[name] for name in claims.keys() - ({"exp"} if is_stored else set())}
            jwt.JWTClaimsRegistry(now=int(self.clock()), **rules).validate(checked)
        except (JoseError, ValueError) as error:
            raise ProviderError(f"failed to verify the ID token: {error}") from error
        if claims.get("typ", "ID") != "ID" or "sub" not in claims:
            raise ProviderError("not an ID token")
        return claims

    def person_of(self, token: StoredToken) -> dict[str, Any]:
        """Who a token is of, by its ID token and, each time, by the user-info endpoint, which wins where it answers.

        Where that does not answer, the ID token is enough; that the two are of different people is an error.
        """
        claims = self.verify(token.id_token, is_stored=True) if token.id_token else {}
        told = self._userinfo(token)
        if not claims and not told:
            raise ProviderError("failed to get userinfo from both remote and ID token")
        if claims and told and told.get("sub") != claims["sub"]:
            raise ProviderError("the subject from userinfo does not match the subject from ID token")
        return {**claims, **told}

    def _userinfo(self, token: StoredToken) -> dict[str, Any]:
        endpoint = self._discover().get("userinfo_endpoint")
        if not endpoint:
            return {}
        try:
            told = self._send("GET", endpoint, headers={"Authorization": f"Bearer {token.access_token}"})
        except ProviderError:
            return {}
        return told if isinstance(told, dict) else {}

    def _decoded(self, id_token: str, jwks_uri: str) -> dict[str, Any]:
        """Its claims, by the keys that are kept or else, where none of those fits, by the provider's present ones."""
        kept = self._kept
        if jwks_uri in kept:
            with contextlib.suppress(JoseError, ValueError):
                return _claims(id_token, kept[jwks_uri])
        keys = kept[jwks_uri] = self._send("GET", jwks_uri)
        return _claims(id_token, keys)

    def _discover(self) -> dict[str, Any]:
        url = f"{self.issuer}/.well-known/openid-configuration"
        kept = self._kept
        if url not in kept or time.monotonic() - self._discovered_at >= self.kept_seconds:
            kept = {url: self._send("GET", url)}
            if kept[url].get("issuer") != self.issuer:
                raise ProviderError(f"issuer is {kept[url].get('issuer')}, not {self.issuer}")
            self._kept, self._discovered_at = kept, time.monotonic()
        document: dict[str, Any] = kept[url]
        return document

    def _token_request(self, form: dict[str, str]) -> dict[str, Any]:
        endpoint = self._discover()["token_endpoint"]
        answer: dict[str, Any] = self._send("POST", endpoint, data=form, auth=(self.client_id, self.client_secret))
        return answer

    def _send(self, method: str, url: str, *, reading: bool = True, **arguments: Any) -> Any:
        if self._through:
            origin, proxy_url = self._through
            url = proxy_url + url.removeprefix(origin)
            arguments["headers"] = {**arguments.get("headers", {}), "Host": origin.partition("://")[2]}
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(method, url, verify=self._verify, timeout=None, **arguments)
                if method == "POST" and answer.status_code in (400, 401):
                    raise ProviderError(_go_words(answer))
                answer.raise_for_status()
                return answer.json() if reading else None
            except (requests.RequestException, ValueError) as error:
                raise ProviderError(str(error)) from error


def _claims(id_token: str, keys: Any) -> dict[str, Any]:
    return jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims


def _go_words(answer: requests.Response) -> str:
    """A refusal (RFC 6749 5.2) as Go's oauth2 library puts it, which Harbor shows."""
    try:
        told = answer.json()
        words = [told["error"], *(told[name] for name in ("error_description", "error_uri") if told.get(name))]
    except (ValueError, KeyError, TypeError):
        return f"oauth2: cannot fetch token: {answer.status_code} {answer.reason}\nResponse: {answer.text}"
    return " ".join(["oauth2:", *(json.dumps(word) for word in words)])


def random_text() -> str:
    """A state, a verifier or a session's name."""
    return secrets.token_urlsafe(32)
