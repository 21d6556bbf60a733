"""The ID token (OpenID Connect Core 1.0, 2): its claims read and checked, of a first one the signature too. No I/O."""

from __future__ import annotations

import base64
import json
import re
import warnings
from typing import TYPE_CHECKING, Any, TypeGuard

from docker_credential_harbor.errors import IdTokenRejected
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.clean_text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

LEEWAY_SECONDS = 130  # clocks that differ by two minutes, and the seconds that a request takes
MAXIMUM_CHARACTERS = 128 * 1024
LONGEST_SUBJECT = (
    255  # characters; OIDC Core 2 wants ASCII, which not every provider keeps to, nor does Harbor ask for it
)

# Signatures that anybody can verify with the provider's public keys (RFC 7518 3.1, RFC 8037, RFC 9864).
PUBLIC_KEY_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
# Only a client with a secret can tell whether this one is true (OIDC Core 3.1.3.7, 8).
SHARED_SECRET_ALGORITHM = "HS256"  # noqa: S105 - the name of an algorithm

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def looks_like_a_token(value: object) -> bool:
    """Whether it is a JWT in compact form (RFC 7515 7.1), so that it can stand in a header as it is."""
    return isinstance(value, str) and len(value) <= MAXIMUM_CHARACTERS and _COMPACT.fullmatch(value) is not None


def claims_of(token: str, issuer: str) -> dict[str, Any]:
    """The claims, unverified. Raises IdTokenRejected, naming ``issuer``, when they cannot be read."""
    return _json_part(token, 1, issuer)


def session_of(token: str) -> str | None:
    """The provider's session that it was given in (`sid`, OIDC Front-Channel Logout 3); None: it does not tell."""
    try:
        session = claims_of(token, "").get("sid")
    except IdTokenRejected:
        return None
    return session if isinstance(session, str) and session else None


def longest_claim(token: str) -> str:
    """The name of the claim that takes the most room in it; empty where its claims cannot be read."""
    try:
        claims = claims_of(token, "")
    except IdTokenRejected:
        return ""
    return max(claims, key=lambda name: len(json.dumps(claims[name])), default="")


def checked(token: str, *, issuer: str, client_id: str, subject: str) -> dict[str, Any]:
    """The claims of a refreshed ID token, checked as OIDC Core 12.2 asks; its signature is not (3.1.3.7, 6).

    It came over TLS from the token endpoint. ``aud`` may have gained or lost Harbor's client ID since the sign-in: an
    administrator who adds the mapper must not make everybody sign in anew. Raises IdTokenRejected.
    """
    claims = claims_of(token, issuer)
    if claims.get("iss") != issuer:
        raise IdTokenRejected(issuer=issuer, reason="iss is another")
    _check_subject(claims, issuer)
    if claims.get("sub") != subject:
        raise IdTokenRejected(issuer=issuer, reason="sub is another person's")
    if client_id not in audience_of(claims):
        raise IdTokenRejected(issuer=issuer, reason="aud lacks our client ID")
    if claims.get("azp", client_id) != client_id:
        raise IdTokenRejected(issuer=issuer, reason="azp is another client")
    life_seconds_of(claims, issuer)
    return claims


def verified(
    token: str,
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    keys: Mapping[str, Any],
    nonce: str | None,
    now: float,
) -> dict[str, Any]:
    """The claims of a first ID token, all of it verified (OIDC Core 3.1.3.7).

    ``keys`` is the provider's key set (RFC 7517), ``now`` an instant; ``nonce`` None: none was sent (device grant).
    Raises IdTokenRejected.
    """
    from authlib.oidc.core.claims import CodeIDToken  # type: ignore[import-untyped]

    header, claims = _signed(token, issuer, client_secret, keys)
    life_seconds_of(claims, issuer)
    _check_subject(claims, issuer)
    # One without azp may be for others, too, where the client trusts them (OIDC Core with errata 2, 3.1.3.7, 3 to 5).
    claims.setdefault("azp", client_id)
    options = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
    params = {"client_id": client_id} if nonce is None else {"client_id": client_id, "nonce": nonce}
    try:
        CodeIDToken(claims, header, options, params).validate(now=int(now), leeway=LEEWAY_SECONDS)
    except Exception as error:  # a check that breaks is a check that was not passed
        raise IdTokenRejected(issuer=issuer, reason=_plain(error)) from error
    return claims


def audience_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """``aud`` is one string or a list of them (RFC 7519 4.1.3)."""
    aud = claims.get("aud")
    return (aud,) if isinstance(aud, str) else tuple(str(each) for each in aud) if isinstance(aud, list) else ()


def person_of(claims: Mapping[str, Any]) -> str:
    """A name that the person knows, and that the provider takes as login_hint; fit to be shown at terminals."""
    named = (claims.get(name) for name in ("preferred_username", "email", "sub"))
    return shown(next((name for name in named if isinstance(name, str) and name), ""))


def life_seconds_of(claims: Mapping[str, Any], issuer: str) -> float:
    """``exp`` - ``iat``: both by the provider's clock, so that a wrong clock here does no harm."""
    exp, iat = claims.get("exp"), claims.get("iat")
    if not _is_number(exp) or not _is_number(iat) or not exp > iat:
        raise IdTokenRejected(issuer=issuer, reason="exp and iat make no sense")
    return float(exp - iat)


def _check_subject(claims: Mapping[str, Any], issuer: str) -> None:
    """Every provider has to name the person, in ``sub`` (OIDC Core 2)."""
    sub = claims.get("sub")
    if not (isinstance(sub, str) and sub.isprintable() and 0 < len(sub) <= LONGEST_SUBJECT):
        raise IdTokenRejected(
            issuer=issuer, reason="sub is missing, or no text of 1 to 255 characters that can be shown"
        )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _json_part(token: str, index: int, issuer: str) -> dict[str, Any]:
    try:
        if not looks_like_a_token(token):
            raise ValueError("three parts are needed")
        part = token.split(".")[index]
        value = json_value.decoded(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as error:
        raise IdTokenRejected(issuer=issuer, reason="it cannot be read") from error
    if not isinstance(value, dict):
        raise IdTokenRejected(issuer=issuer, reason="it cannot be read")
    return value


def _signed(
    token: str, issuer: str, client_secret: str, keys: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    from joserfc import jwt
    from joserfc.jwk import import_key
    from joserfc.jws import JWSRegistry

    header = _json_part(token, 0, issuer)
    _json_part(token, 1, issuer)  # joserfc reads both with no bounds
    algorithm = header.get("alg")
    if algorithm == SHARED_SECRET_ALGORITHM and client_secret:
        shared = base64.urlsafe_b64encode(client_secret.encode()).decode().rstrip("=")
        candidates: list[dict[str, Any]] = [{"kty": "oct", "k": shared}]
    elif algorithm in PUBLIC_KEY_ALGORITHMS:
        candidates = _usable(keys, header)
    else:
        raise IdTokenRejected(issuer=issuer, reason=f"its algorithm {algorithm!r} is not accepted")
    # Providers put members of their own into the header; those that must be understood are named by crit.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = 8192  # some carry their certificates (x5c)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of short keys, on standard error: not the person's to change
        for candidate in candidates:
            try:
                decoded = jwt.decode(token, import_key(candidate), algorithms=[algorithm], registry=registry)
            except Exception:  # noqa: S112 - an unknown curve, a number that is none, …: another key may be the one
                continue
            return dict(decoded.header), dict(decoded.claims)
    raise IdTokenRejected(issuer=issuer, reason="its signature is not the provider's")


def _usable(keys: Mapping[str, Any], header: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The public signing keys that the header's ``kid`` and ``alg`` allow (RFC 7517 4). Symmetric ones never."""
    found = keys.get("keys")
    kid, algorithm = header.get("kid"), header.get("alg")
    return [
        key
        for key in (found if isinstance(found, list) else [])
        if isinstance(key, dict)
        and key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") in (None, kid))
    ]


def _plain(error: Exception) -> str:
    claim = getattr(error, "claim", None) or getattr(error, "claim_name", None)
    if type(error).__name__ == "ExpiredTokenError":
        return "it has expired"
    return f"{claim} is wrong or missing" if claim else str(error) or "it cannot be read"
