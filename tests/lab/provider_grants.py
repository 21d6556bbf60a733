"""What the demo's identity provider knows and grants: its people, clients, sessions, codes and refresh tokens.

Source: RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation), OpenID Connect Core 1.0; the protocol itself is authlib's.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749 import InvalidRequestError  # type: ignore[import-untyped]
from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]
    AuthorizationCodeGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc6750 import BearerTokenGenerator  # type: ignore[import-untyped]
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]
from authlib.oauth2.rfc9207 import IssuerParameter  # type: ignore[import-untyped]
from authlib.oidc.core.grants import OpenIDCode  # type: ignore[import-untyped]
from joserfc.jwk import KeySet, RSAKey

from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT, password_of

if TYPE_CHECKING:
    from flask import Flask

SCOPES = ("openid", "profile", "email", "offline_access")
CODE_SECONDS = 60
AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post", "none"]


@dataclass(frozen=True)
class Somebody:
    """A person of the provider; their password is the lab's usual one."""

    username: str

    @property
    def subject(self) -> str:
        return f"demo-{self.username}"

    def accepts(self, password: str) -> bool:
        return secrets.compare_digest(password_of(self.username).encode(), password.encode())

    def claims(self) -> dict[str, Any]:
        """What ID tokens say about them."""
        return {
            "sub": self.subject,
            "preferred_username": self.username,
            "name": self.username.capitalize(),
            "email": f"{self.username}@example.com",
            "email_verified": True,
        }


@dataclass(frozen=True)
class Client:
    """A client in authlib's sense. Its redirect URI is a path at loopback, on any port (RFC 8252 7.3)."""

    client_id: str
    secret: str
    redirect_path: str
    # Whom its ID tokens are for beside itself: at Keycloak, an audience mapper.
    further_audience: tuple[str, ...] = ()

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        parts = urlsplit(redirect_uri)
        extra = parts.query or parts.fragment or parts.username
        at_loopback = parts.scheme in ("http", "https") and parts.hostname == "127.0.0.1"
        return at_loopback and parts.path == self.redirect_path and not extra

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret) and secrets.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") == (not self.secret)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Session:
    """Somebody signed in at a browser: what codes and refresh tokens hang on."""

    somebody: Somebody
    began_at: float = field(default_factory=time.time)
    ended: bool = False


@dataclass(frozen=True)
class Code:
    """An authorization code, in authlib's sense."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    session: Session
    code_challenge: str
    code_challenge_method: str
    expires_at: float = field(default_factory=lambda: time.time() + CODE_SECONDS)

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.session.began_at)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token, in authlib's sense."""

    value: str
    client_id: str
    scope: str
    session: Session

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id


class Records:
    """All of it, in memory. Single dict operations only, so that any thread may use it."""

    def __init__(self, issuer: str, people: tuple[str, ...]) -> None:
        self.issuer = issuer
        self.people = {username: Somebody(username) for username in people}
        self.clients = {
            HARBOR_CLIENT: Client(HARBOR_CLIENT, HARBOR_CLIENT_SECRET, "/c/oidc/callback"),
            HELPER_CLIENT: Client(HELPER_CLIENT, "", "/callback", (HARBOR_CLIENT,)),
        }
        # Of access and ID tokens alike, as a realm has it.
        self.token_seconds = 300
        self.key: RSAKey = RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}

    def public_keys(self) -> dict[str, Any]:
        """What jwks_uri shows."""
        return dict(KeySet([self.key]).as_dict(private=False))

    def end_sessions(self, username: str) -> None:
        """At every browser; refresh tokens and codes that hang on them are refused from now on."""
        for session in list(self.sessions.values()):
            if session.somebody.username == username:
                session.ended = True

    def live_refresh_tokens(self, client_id: str) -> int:
        """How many of a client's could be used."""
        tokens = list(self.refresh_tokens.values())
        return sum(token.client_id == client_id and not token.session.ended for token in tokens)


class Server(AuthorizationServer):  # type: ignore[misc]
    """authlib's server on the records."""

    def __init__(self, app: Flask, records: Records) -> None:
        self.records = records
        super().__init__(app, records.clients.get, self._keep_refresh_token)
        generator = BearerTokenGenerator(_random, _random, lambda _client, _grant_type: records.token_seconds)
        self.register_token_generator("default", generator)
        identity = Identity(records)
        self.register_grant(CodeGrant, [RequiredChallenge(), identity])
        self.register_grant(RefreshGrant, [identity])
        self.register_endpoint(Revocation)
        self.register_extension(Issuer(records.issuer))

    def _keep_refresh_token(self, token: dict[str, Any], request: Any) -> None:
        value = token["refresh_token"]
        kept = RefreshToken(value, request.client.client_id, token["scope"], request.user)
        self.records.refresh_tokens[value] = kept


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """RFC 6749 4.1. A code is good for one try."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        self.server.records.codes[code] = Code(
            client_id=request.client.client_id,
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            nonce=asked.get("nonce"),
            session=request.user,
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        kept: Code | None = self.server.records.codes.pop(code, None)
        return kept if kept and kept.client_id == client.client_id and time.time() < kept.expires_at else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It went when it was looked up."""

    def authenticate_user(self, authorization_code: Code) -> Session | None:
        return None if authorization_code.session.ended else authorization_code.session


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """RFC 6749 6, with rotation: of two uses at once only one is granted."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        kept: RefreshToken | None = self.server.records.refresh_tokens.pop(refresh_token, None)
        return kept if kept and not kept.session.ended else None

    def authenticate_user(self, refresh_token: RefreshToken) -> Session:
        return refresh_token.session

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """It went when it was looked up."""


class Identity(OpenIDCode):  # type: ignore[misc]
    """ID tokens, with every refresh too, as Keycloak does."""

    def __init__(self, records: Records) -> None:
        super().__init__(require_nonce=False)
        self._records = records

    def exists_nonce(self, _nonce: str, _request: Any) -> bool:
        return False

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        return self._records.key

    def get_encode_header(self, _client: Client) -> dict[str, str | None]:
        return {"alg": "RS256", "typ": "JWT", "kid": self._records.key.kid}

    def get_client_algorithm(self, _client: Client) -> str:
        return "RS256"

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {
            "iss": self._records.issuer,
            "aud": [client.client_id, *client.further_audience],
            "azp": client.client_id,
            "typ": "ID",
            "exp": int(time.time()) + self._records.token_seconds,
        }

    def generate_user_info(self, user: Session, _scope: str) -> dict[str, Any]:
        return user.somebody.claims()


class RequiredChallenge(CodeChallenge):  # type: ignore[misc]
    """PKCE with S256 and nothing less, of every client."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        if grant.request.payload.data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Missing parameter: code_challenge_method", redirect_uri=redirect_uri)
        super().validate_code_challenge(grant, redirect_uri)


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009, of refresh tokens; access tokens open nothing here."""

    CLIENT_AUTH_METHODS = AUTHENTICATION_METHODS

    def query_token(self, token_string: str, _token_type_hint: str | None) -> RefreshToken | None:
        kept: RefreshToken | None = self.server.records.refresh_tokens.get(token_string)
        return kept

    def revoke_token(self, token: RefreshToken, _request: Any) -> None:
        self.server.records.refresh_tokens.pop(token.value, None)


class Issuer(IssuerParameter):  # type: ignore[misc]
    """`iss` in every callback (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def __call__(self, authorization_server: AuthorizationServer) -> None:
        super().__call__(authorization_server)

    def get_issuer(self) -> str:
        return self._issuer


def _random(**_: object) -> str:
    return secrets.token_urlsafe(36)
