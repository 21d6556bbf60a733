"""ID tokens to the last second, character and word: what a change of one of them in id_token.py would break."""

from __future__ import annotations

import json
from typing import Any

import pytest
from authlib.oidc.core.claims import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwk

from docker_credential_harbor.errors import IdTokenRejected
from docker_credential_harbor.remote import id_token
from tests.unit.remote.test_id_token import CLIENT, EC, ISSUER, NOW, RSA, claims, encoded, public, sign, verify

P384 = jwk.generate_key("EC", "P-384", {"kid": "p384"}, private=True)
P521 = jwk.generate_key("EC", "P-521", {"kid": "p521"}, private=True)
LONGEST = 128 * 1024


def unsigned(made: object) -> str:
    return f"e30.{encoded(made)}.x"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS384"), (RSA, "PS384"), (RSA, "PS512"), (P384, "ES384"), (P521, "ES512"), (EC, "ES256")],
)
def test_every_other_algorithm(key: Any, algorithm: str) -> None:
    assert verify(sign(claims(), key, algorithm), public(key))["sub"] == "s-1"


def refusal(token: str, **changes: Any) -> str:
    with pytest.raises(IdTokenRejected) as caught:
        verify(token, **changes)
    assert caught.value.facts["issuer"] == ISSUER
    return str(caught.value.facts["reason"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 129, "iat": NOW - 429}, ""),
        ({"exp": NOW - 130, "iat": NOW - 430}, "it has expired"),
        ({"iat": NOW + 130, "exp": NOW + 430}, ""),
        ({"iat": NOW + 131, "exp": NOW + 431}, "iat is wrong or missing"),
        ({"iss": "https://evil.example.com"}, "iss is wrong or missing"),
        ({"aud": "harbor"}, "aud is wrong or missing"),
        ({"nonce": "other"}, "nonce is wrong or missing"),
        ({"azp": "other"}, "azp is wrong or missing"),
        ({"exp": NOW, "iat": NOW}, "exp and iat make no sense"),
        ({"exp": NOW + 1, "iat": NOW}, ""),
        ({"exp": 10**12, "iat": NOW}, "exp and iat make no sense"),
        ({"exp": NOW, "iat": -1}, "exp and iat make no sense"),
    ],
)
def test_the_reason(changes: dict[str, Any], reason: str) -> None:
    token = sign(claims(**changes))
    if reason:
        assert refusal(token) == reason
    else:
        verify(token)


def test_azp_without_a_nonce() -> None:
    """As after a device code."""
    token = sign(claims(nonce=None, aud=["harbor", CLIENT], azp="harbor"))
    assert refusal(token, nonce=None) == "azp is wrong or missing"
    verify(sign(claims(nonce=None, azp=None)), nonce=None)


def test_a_key_that_names_its_algorithm() -> None:
    verify(sign(claims()), public(RSA, alg="RS256"))
    assert refusal(sign(claims()), keys=public(RSA, alg="RS384")) == "its signature is not the provider's"


def test_the_reason_of_what_is_not_signed_so() -> None:
    assert refusal(f"{encoded({'alg': 'none'})}.{encoded(claims())}.") == "its algorithm 'none' is not accepted"
    assert refusal(f"{encoded({'alg': 'HS256'})}.{encoded(claims())}.AA") == "its algorithm 'HS256' is not accepted"
    assert refusal(sign(claims()), keys=public(EC)) == "its signature is not the provider's"
    for token in ("a.b", f"{encoded([1])}.{encoded(claims())}.x"):  # type: ignore[arg-type]
        assert refusal(token) == "it cannot be read"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example.com"}, "iss is another"),
        ({"sub": "s-2"}, "sub is another person's"),
        ({"aud": ["harbor"]}, "aud lacks our client ID"),
        ({"azp": "harbor"}, "azp is another client"),
        ({"exp": NOW}, "exp and iat make no sense"),
    ],
)
def test_the_reason_of_a_refreshed_one(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdTokenRejected) as caught:
        id_token.checked(unsigned(claims(**changes)), issuer=ISSUER, client_id=CLIENT, subject="s-1")
    assert caught.value.facts == {"issuer": ISSUER, "reason": reason}


def test_how_long_a_token_may_be() -> None:
    assert id_token.looks_like_a_token("a.b." + "c" * (LONGEST - 4))
    assert not id_token.looks_like_a_token("a.b." + "c" * (LONGEST - 3))
    assert id_token.looks_like_a_token("a-_9.b.")
    for value in ("a..c", ".b.c", "a.b", "a=.b.c", None, 5, b"a.b.c"):
        assert not id_token.looks_like_a_token(value)


def test_a_long_header_is_read() -> None:
    header = {"alg": "none", "x5c": "A" * 8000}
    assert refusal(f"{encoded(header)}.{encoded(claims())}.x") == "its algorithm 'none' is not accepted"


@pytest.mark.parametrize(("sid", "session"), [("s", "s"), ("", None), (5, None), (None, None)])
def test_the_providers_session(sid: object, session: str | None) -> None:
    assert id_token.session_of(unsigned({"sid": sid, "XXsidXX": "x"})) == session
    assert id_token.session_of("no token") is None


def test_the_longest_claim() -> None:
    made = {"zz": "z", "groups": ["a", "b"], "a": "x", "b": ""}
    assert id_token.longest_claim(unsigned(made)) == max(made, key=lambda name: len(json.dumps(made[name]))) == "groups"
    assert id_token.longest_claim(unsigned({})) == ""
    assert id_token.longest_claim("no token") == ""


def test_who_refuses() -> None:
    for token in ("no token", unsigned([])):
        with pytest.raises(IdTokenRejected) as caught:
            id_token.claims_of(token, ISSUER)
        assert caught.value.facts == {"issuer": ISSUER, "reason": "it cannot be read"}


def test_for_whom() -> None:
    assert id_token.audience_of({"aud": ["a", 5]}) == ("a", "5")
    assert id_token.audience_of({"aud": "a"}) == ("a",)
    assert id_token.audience_of({"aud": {"a": 1}}) == id_token.audience_of({}) == ()


def test_its_life() -> None:
    assert id_token.life_seconds_of({"iat": 0, "exp": 300}, ISSUER) == 300.0
    assert id_token.life_seconds_of({"iat": 1.5, "exp": 2}, ISSUER) == 0.5
    for exp, iat in ((True, 0), (1, False), ("2", 1), (2, None), (1e12, 1)):
        with pytest.raises(IdTokenRejected, match="exp and iat"):
            id_token.life_seconds_of({"exp": exp, "iat": iat}, ISSUER)


def test_who_it_is_without_a_name() -> None:
    assert id_token.person_of({}) == ""
    assert id_token.person_of({"preferred_username": 5, "email": None, "sub": "s"}) == "s"


class OlderError(Exception):
    """As in authlib.jose.errors, which older versions raise."""

    claim_name = "nonce"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OlderError("invalid_claim"), "nonce is wrong or missing"),
        (TypeError("a check broke"), "a check broke"),
        (TypeError(), "it cannot be read"),
    ],
)
def test_the_reason_where_the_library_tells_it_in_another_way(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(CodeIDToken, "validate", refuse)
    assert refusal(sign(claims())) == reason


def test_a_long_header_that_is_signed() -> None:
    """Some carry their certificates; joserfc itself takes no more than 512 characters."""
    assert verify(sign(claims(), x5c=["A" * 6000]))["sub"] == "s-1"
    assert refusal(sign(claims(), x5c=["A" * 7000])) == "its signature is not the provider's"
