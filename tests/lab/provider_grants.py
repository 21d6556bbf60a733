"""What the embedded identity provider grants: codes for sessions, tokens for codes and refresh tokens.

Source: RFC 6749, RFC 7636 (PKCE), RFC 7009 (revocation), OpenID Connect Core 1.0; the protocol itself is authlib's.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import flask
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

from tests.lab.provider_records import CODE_SECONDS, OFFLINE_SCOPE, Code, RefreshToken

if TYPE_CHECKING:
    from flask import Flask
    from joserfc.jwk import RSAKey

    from tests.lab.provider_records import Client, Records, Session

AUTHENTICATION_METHODS = ["client_secret_basic", "client_secret_post", "none"]


def issuer() -> str:
    """The provider's own address, taken from the request as Keycloak does: through a proxy it is the proxy's."""
    return flask.request.root_url.rstrip("/")


class Server(AuthorizationServer):  # type: ignore[misc]
    """authlib's server on the records."""

    def __init__(self, app: Flask, records: Records) -> None:
        self.records = records
        super().__init__(app, records.clients.get, self._keep_refresh_token)
        self.register_token_generator("default", Tokens(records))
        identity = Identity(records)
        self.register_grant(CodeGrant, [RequiredChallenge(), identity])
        self.register_grant(RefreshGrant, [identity])
        self.register_endpoint(Revocation)
        self.register_extension(Issuer())

    def _keep_refresh_token(self, token: dict[str, Any], request: Any) -> None:
        if OFFLINE_SCOPE not in token["scope"].split():  # an offline token is used without the browser's session
            request.user.used_at = self.records.clock()
        if value := token.get("refresh_token"):
            kept = RefreshToken(value, request.client.client_id, token["scope"], request.user)
            self.records.refresh_tokens[value] = kept


class Tokens(BearerTokenGenerator):  # type: ignore[misc]
    """RFC 6750; how long a refresh token lives is told as Keycloak tells it, 0 for ever."""

    def __init__(self, records: Records) -> None:
        super().__init__(_random, _random, lambda client, _grant_type: records.seconds_of(client))
        self._records = records

    def generate(
        self,
        grant_type: str,
        client: Client,
        user: Session | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        with_refresh = include_refresh_token and client.gets_refresh_tokens
        token: dict[str, Any] = super().generate(grant_type, client, user, scope, expires_in, with_refresh)
        if with_refresh and self._records.session_idle_seconds is not None:
            is_offline = OFFLINE_SCOPE in (scope or "").split()
            token["refresh_expires_in"] = 0 if is_offline else self._records.session_idle_seconds
        return token


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
            expires_at=self.server.records.clock() + CODE_SECONDS,
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        kept: Code | None = self.server.records.codes.pop(code, None)
        now = self.server.records.clock()
        return kept if kept and kept.client_id == client.client_id and now < kept.expires_at else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It went when it was looked up."""

    def authenticate_user(self, authorization_code: Code) -> Session | None:
        return None if authorization_code.session.ended else authorization_code.session


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """RFC 6749 6; with rotation only one of two uses at once is granted."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        records: Records = self.server.records
        tokens = records.refresh_tokens
        kept = tokens.pop(refresh_token, None) if records.rotation else tokens.get(refresh_token)
        return kept if kept and records.is_good(kept) else None

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
        now = int(self._records.clock())
        return {
            "iss": issuer(),
            "aud": [client.client_id, *client.further_audience],
            "azp": client.client_id,
            "typ": "ID",
            "iat": now,
            "exp": now + self._records.seconds_of(client),
        }

    def generate_user_info(self, user: Session, _scope: str) -> dict[str, Any]:
        return {**user.somebody.claims(), "sid": user.name}


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

    def get_issuer(self) -> str:
        return issuer()


def _random(**_: object) -> str:
    return secrets.token_urlsafe(36)
