"""The identity provider's client: token requests, device codes, revocation, the ID token verified with its keys.

Source: OpenID Connect Core 1.0, RFC 6749 (OAuth), RFC 7636 (PKCE), RFC 8628 (device code), RFC 7009 (revocation).
Every function raises Unreachable when the provider cannot be asked or its answer means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote_plus

from docker_credential_harbor.errors import (
    BrokenAnswer,
    ClientRefused,
    DeviceCodeExpired,
    Failure,
    IdTokenRejected,
    NoDeviceGrant,
    OfflineAccessRefused,
    ServerFault,
    SignInDeclined,
    SignInFailed,
)
from docker_credential_harbor.model import Credentials, DeviceCode, TokenSet
from docker_credential_harbor.remote import id_token
from docker_credential_harbor.remote.web.transport import is_secure_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import Provider, Registry
    from docker_credential_harbor.outside.clean_text import Said
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport

CLIENT_ERRORS = ("invalid_client", "unauthorized_client")
OFFLINE_ACCESS_ERRORS = ("not_allowed", "invalid_scope")  # Keycloak's word, and RFC 6749's
# The refresh token is worth nothing any more, or the person has to be asked (OIDC Core 3.1.2.6).
SIGN_IN_NEEDED_ERRORS = ("invalid_grant", "interaction_required", "login_required", "consent_required")
TRANSIENT_ERRORS = ("server_error", "temporarily_unavailable", "slow_down")

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
NO_DEVICE_GRANT_ERRORS = ("unauthorized_client", "unsupported_grant_type")
DEFAULT_INTERVAL_SECONDS = 5.0  # RFC 8628 3.2
LONGEST_USER_CODE = 64  # characters; people are to compare it


# --- Signing in -------------------------------------------------------------------------------------------------------


def exchange_code(
    http: Transport,
    provider: Provider,
    registry: Registry,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    nonce: str,
    now: float,
) -> TokenSet:
    """Our tokens for the code (RFC 6749 4.1.3), the ID token verified. ``now`` is an instant.

    Raises OfflineAccessRefused, ClientRefused, IdTokenRejected, else SignInFailed.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    answer = _token_request(http, provider, registry, {**form, "code_verifier": code_verifier})
    if answer.status != 200:
        raise _refused(registry, _oauth_error(answer))
    return first_tokens(http, provider, registry, answer.json_object(), nonce=nonce, now=now)


def begin_device_code(
    http: Transport,
    provider: Provider,
    registry: Registry,
    *,
    scopes: tuple[str, ...],
    code_verifier: str,
    further: tuple[tuple[str, str], ...] = (),
) -> DeviceCode:
    """What the person opens and confirms on any device (RFC 8628 3.1, with the challenge of RFC 7636 4.3).

    ``further``: what Harbor adds to its own request. Raises NoDeviceGrant, ClientRefused, OfflineAccessRefused, else
    SignInFailed.
    """
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

    url = provider.device_authorization_endpoint
    if url is None:
        raise _no_device_grant(registry, "it has no device_authorization_endpoint")
    challenge = {"code_challenge": create_s256_code_challenge(code_verifier), "code_challenge_method": "S256"}
    answer = _authenticated(http, url, registry, {**dict(further), "scope": " ".join(scopes), **challenge})
    answer.raise_for_server_fault()
    if answer.status != 200:
        error = _oauth_error(answer)
        raise _no_device_grant(registry, error) if error in NO_DEVICE_GRANT_ERRORS else _refused(registry, error)
    return _device_code(answer)


def _device_code(answer: Answer) -> DeviceCode:
    value = answer.json_object()
    code, user_code = value.unseen("device_code"), value.plain("user_code", LONGEST_USER_CODE)
    uri, complete = value.plain("verification_uri"), value.plain("verification_uri_complete")
    expires_in = _seconds(value.value("expires_in"))
    if not (code and user_code and expires_in):
        raise BrokenAnswer(host=answer.host, reason="no device code and user code")
    has_complete = value.unseen("verification_uri_complete") is not None
    if not (uri and is_secure_url(uri) and (not has_complete or (complete and is_secure_url(complete)))):
        raise BrokenAnswer(host=answer.host, reason="its verification_uri is no https:// address")
    return DeviceCode(
        device_code=code,
        user_code=user_code,
        verification_uri=uri,
        verification_uri_complete=complete,
        expires_in_seconds=expires_in,
        interval_seconds=_seconds(value.value("interval")) or DEFAULT_INTERVAL_SECONDS,
    )


def ask_for_device_tokens(
    http: Transport, provider: Provider, registry: Registry, code: DeviceCode, *, code_verifier: str
) -> Said | Literal["authorization_pending", "slow_down"]:
    """One poll (RFC 8628 3.4): the token endpoint's answer, for ``first_tokens``, or why there is none yet.

    Raises SignInDeclined, DeviceCodeExpired, and what begin_device_code raises.
    """
    form = {"grant_type": DEVICE_CODE_GRANT, "device_code": code.device_code, "code_verifier": code_verifier}
    answer = _token_request(http, provider, registry, form)
    if answer.status == 200:
        return answer.json_object()
    error = _error_of(answer)
    if error == "authorization_pending":
        return "authorization_pending"
    if error == "slow_down":
        return "slow_down"
    if error == "access_denied":
        raise SignInDeclined(registry=registry.name, reason=error)
    if error == "expired_token":
        raise DeviceCodeExpired(registry=registry.name, seconds=f"{code.expires_in_seconds:g}")
    raise _refused(registry, _oauth_error(answer))


def first_tokens(
    http: Transport, provider: Provider, registry: Registry, value: Said, *, nonce: str | None, now: float
) -> TokenSet:
    """The token endpoint's answer to a sign-in, verified. ``nonce`` None: the grant has none (RFC 8628)."""
    token = value.unseen("id_token")
    if token is None:
        raise SignInFailed(registry=registry.name, reason="the identity provider gave no ID token")
    claims = verify_id_token(http, provider, registry, token, nonce=nonce, now=now)
    return TokenSet(
        issuer=provider.issuer,
        subject=str(claims["sub"]),
        person=id_token.person_of(claims),
        audience=id_token.audience_of(claims),
        id_token=token,
        id_token_expires_at=now + id_token.life_seconds_of(claims, provider.issuer),
        refresh_token=value.unseen("refresh_token"),
        access_token_life_seconds=_seconds(value.value("expires_in")),
        refresh_token_life_seconds=_refresh_life(value),
        refreshed_at=now,
    )


def verify_id_token(
    http: Transport, provider: Provider, registry: Registry, token: str, *, nonce: str | None, now: float
) -> dict[str, Any]:
    """The claims, once signature, iss, aud, azp, exp, nbf, iat and nonce are right. Raises IdTokenRejected."""
    if not id_token.looks_like_a_token(token):
        raise IdTokenRejected(issuer=provider.issuer, reason="it cannot be read")
    answer = http.request("GET", provider.jwks_uri)
    answer.raise_for_server_fault()
    if answer.status != 200:
        raise answer.unexpected()
    return id_token.verified(
        token,
        issuer=provider.issuer,
        client_id=registry.client_id,
        client_secret=registry.client_secret,
        keys={"keys": answer.json_object().value("keys")},
        nonce=nonce,
        now=now,
    )


# --- Staying signed in, and ending it ---------------------------------------------------------------------------------


def refresh(
    http: Transport,
    provider: Provider,
    registry: Registry,
    tokens: TokenSet,
    now: float,
    keep: Callable[[TokenSet], object] = lambda _: None,
) -> TokenSet | None:
    """Fresh tokens (RFC 6749 6); None when the refresh token is refused and the person has to sign in again.

    Whatever the provider leaves out stays as it was. ``now`` is an instant. Raises ClientRefused; and IdTokenRejected,
    after ``keep`` was given the new refresh token, since the old one may be worth nothing any more.
    """
    if tokens.refresh_token is None:
        return None
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    answer = _token_request(http, provider, registry, form)
    if answer.status != 200:
        error = _oauth_error(answer)
        if error in SIGN_IN_NEEDED_ERRORS:
            return None
        raise _client_refused(registry, error)
    value = answer.json_object()
    fresh = tokens._replace(
        refresh_token=value.unseen("refresh_token") or tokens.refresh_token,
        access_token_life_seconds=_seconds(value.value("expires_in")) or tokens.access_token_life_seconds,
        **_refresh_life_anew(value, now),
    )
    token = value.unseen("id_token")
    if token is None or token == tokens.id_token:  # OIDC Core 12.2: there might be none
        return fresh
    try:
        claims = id_token.checked(token, issuer=tokens.issuer, client_id=registry.client_id, subject=tokens.subject)
    except IdTokenRejected:
        keep(fresh)
        raise
    return fresh._replace(
        person=id_token.person_of(claims),
        audience=id_token.audience_of(claims),
        id_token=token,
        id_token_expires_at=now + id_token.life_seconds_of(claims, tokens.issuer),
    )


def revoke(http: Transport, provider: Provider, registry: Registry, refresh_token: str) -> bool:
    """End the sign-in at the provider (RFC 7009); False when it cannot or does not want to."""
    if provider.revocation_endpoint is None:
        return False
    form = {"token": refresh_token, "token_type_hint": "refresh_token"}
    answer = _authenticated(http, provider.revocation_endpoint, registry, form)
    answer.raise_for_server_fault()
    return answer.status == 200


# --- The token endpoint -----------------------------------------------------------------------------------------------


def _token_request(http: Transport, provider: Provider, registry: Registry, form: dict[str, str]) -> Answer:
    answer = _authenticated(http, provider.token_endpoint, registry, form)
    answer.raise_for_server_fault()
    return answer


def _authenticated(http: Transport, url: str, registry: Registry, form: dict[str, str]) -> Answer:
    """With the client's name, and its secret where there is one (RFC 6749 2.3.1).

    Every provider has to take Basic; those that were told to take the form alone (client_secret_post) refuse the
    client before they look at the grant, so that asking again costs nothing.
    """
    form = {**form, "client_id": registry.client_id}
    if not registry.client_secret:
        return http.request("POST", url, form=form)
    client = Credentials(quote_plus(registry.client_id), quote_plus(registry.client_secret))
    answer = http.request("POST", url, basic=client, form=form)
    if _refuses_client(answer):
        answer = http.request("POST", url, form={**form, "client_secret": registry.client_secret})
    return answer


def _refuses_client(answer: Answer) -> bool:
    """Raises nothing: what else is answered, each caller reads by rules of its own (``slow_down``: RFC 8628 3.5)."""
    try:
        return answer.status in (400, 401) and answer.json_object().value("error") in CLIENT_ERRORS
    except BrokenAnswer:
        return False


def _oauth_error(answer: Answer) -> str:
    """The ``error`` of RFC 6749 5.2. Raises BrokenAnswer for what is none, ServerFault for one that passes."""
    error = _error_of(answer)
    if error in TRANSIENT_ERRORS:
        raise ServerFault(host=answer.host, status=f"{answer.status} ({error})")
    return error


def _error_of(answer: Answer) -> str:
    error = answer.json_object().shown("error") if 400 <= answer.status < 500 else ""
    if not error:
        raise answer.unexpected()
    return error


def _refused(registry: Registry, error: str) -> Failure:
    """What a sign-in ends with."""
    if error in CLIENT_ERRORS:
        return _client_refused(registry, error)
    if error in OFFLINE_ACCESS_ERRORS:
        return OfflineAccessRefused(registry=registry.name, reason=error)
    return SignInFailed(registry=registry.name, reason=f"the identity provider answered {error}")


def _no_device_grant(registry: Registry, reason: str) -> NoDeviceGrant:
    return NoDeviceGrant(registry=registry.name, client_id=registry.client_id, url=registry.url, reason=reason)


def _client_refused(registry: Registry, error: str) -> ClientRefused:
    return ClientRefused(client_id=registry.client_id, reason=error, registry=registry.name)


def _refresh_life(value: Said) -> float | None:
    """How long the refresh token of a token answer lives; 0: no end of its own; None: that cannot be known.

    ``refresh_expires_in`` is Keycloak's and others' habit, in no RFC; a refresh token that is a JWT tells by itself.
    """
    told = value.value("refresh_expires_in")
    if told in (0, "0") and not isinstance(told, bool):
        return 0.0
    token = value.unseen("refresh_token")
    if told is None and id_token.looks_like_a_token(token):
        try:
            return id_token.life_seconds_of(id_token.claims_of(str(token), ""), "")
        except IdTokenRejected:  # encrypted, or without an end
            return None
    return _seconds(told)


def _refresh_life_anew(value: Said, now: float) -> dict[str, Any]:
    """The fields of TokenSet on that, where the answer brings a refresh token; else nothing about it has changed."""
    if value.unseen("refresh_token") is None:
        return {}
    return {"refresh_token_life_seconds": _refresh_life(value), "refreshed_at": now}


def _seconds(value: object) -> float | None:
    """``expires_in``; some providers send it in quotes."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else 0.0
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None
