"""ID tokens that are right, and one fault at a time (OpenID Connect Core 1.0, 3.1.3.7 and 12.2)."""

from __future__ import annotations

import base64
import hmac
import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwk, jwt

from docker_credential_harbor.errors import IdTokenRejected
from docker_credential_harbor.remote import id_token

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

ISSUER = "https://sso.example.com/realms/dev"
CLIENT = "docker-credential-harbor"
NOW = 1_800_000_000
SECRET = "a-client-secret-of-some-length-for-hs256"

RSA = jwk.generate_key("RSA", 2048, {"kid": "rsa", "use": "sig"}, private=True)
EC = jwk.generate_key("EC", "P-256", {"kid": "ec"}, private=True)
OKP = jwk.generate_key("OKP", "Ed25519", {"kid": "okp"}, private=True)
OTHER = jwk.generate_key("RSA", 2048, {"kid": "rsa"}, private=True)


def claims(**changes: Any) -> dict[str, Any]:
    made = {
        "iss": ISSUER,
        "sub": "s-1",
        "aud": [CLIENT, "harbor"],
        "azp": CLIENT,
        "iat": NOW,
        "exp": NOW + 300,
        "nonce": "n",
        "preferred_username": "alice",
        "email": "a@example.com",
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def sign(made: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    full = {"alg": algorithm, "kid": key.kid, **header}
    return jwt.encode({k: v for k, v in full.items() if v is not None}, made, key, algorithms=[algorithm])


def with_signature(signed: str) -> str:
    key = RSA.private_key
    assert key
    return f"{signed}.{in_base64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def in_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def encoded(part: dict[str, Any]) -> str:
    return in_base64(json.dumps(part).encode())


def public(*keys: Any, **more: Any) -> dict[str, Any]:
    return {"keys": [{**key.as_dict(private=False), **more} for key in keys]}


def verify(token: str, keys: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "client_secret": "",
        "keys": keys or public(RSA, EC, OKP),
        "nonce": "n",
        "now": NOW + 0.5,
        **changes,
    }
    return id_token.verified(token, **arguments)


# --- A first one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "RS512"), (RSA, "PS256"), (EC, "ES256"), (OKP, "EdDSA"), (OKP, "Ed25519")],
)
def test_a_good_one(key: Any, algorithm: str) -> None:
    assert verify(sign(claims(), key, algorithm))["sub"] == "s-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": CLIENT},
        {"aud": CLIENT, "azp": None},
        {"aud": [CLIENT]},
        {"aud": ["harbor", CLIENT], "azp": None},
        {"exp": NOW - 125, "iat": NOW - 425},
        {"iat": NOW + 125, "exp": NOW + 425},
        {"nbf": NOW + 100},
        {"locale": "de", "amr": ["pwd"]},
        {"sub": "jörg"},
    ],
)
def test_other_good_ones(changes: dict[str, Any]) -> None:
    verify(sign(claims(**changes)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": ISSUER + "/"}, "iss"),
        ({"iss": None}, "iss"),
        *(({"sub": sub}, "sub is missing") for sub in (None, "", 5, True, ["s-1"], "s" * 256, "s\n")),
        ({"aud": "harbor"}, "aud"),
        ({"aud": ["harbor", "other"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["harbor", CLIENT], "azp": "harbor"}, "azp"),
        ({"exp": NOW - 140, "iat": NOW - 440}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": NOW - 300}, "exp and iat"),
        ({"iat": None}, "iat"),
        ({"iat": NOW + 200, "exp": NOW + 500}, "iat"),
        ({"nbf": NOW + 200}, "nbf"),
        ({"nonce": "other"}, "nonce"),
        ({"nonce": None}, "nonce"),
    ],
)
def test_one_wrong_claim(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdTokenRejected, match=reason):
        verify(sign(claims(**changes)))


DEEP = b"[" * 60_000  # with an end to each it would be longer than any token may be
UNREADABLE = [
    DEEP,
    b'{"sub":' + DEEP + b"}",
    b'{"":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"sub":' + b"[" * 990 + b"]" * 990 + b"}",
    b'{"exp":' + b"9" * 5000 + b"}",
    b'{"exp":-' + b"9" * 5000 + b"}",
    b'{"exp":1e999}',
    b'{"exp":NaN}',
    b'{"exp":Infinity}',
    b'{"sub":"\\ud800"}',
    b'{"sub":"\xff"}',
    b"[]",
    b"null",
    b"",
]


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda content: repr(content[:20]))
def test_signed_and_yet_unreadable(content: bytes) -> None:
    """The signature of a provider that one signs in at is no reason to trust its bytes."""
    header = encoded({"alg": "RS256", "kid": "rsa"})
    for signed in (f"{header}.{in_base64(content)}", f"{in_base64(content)}.{encoded(claims())}"):
        with pytest.raises(IdTokenRejected, match=r"cannot be read|signature"):
            verify(with_signature(signed))
        with pytest.raises(IdTokenRejected, match="cannot be read"):
            id_token.claims_of(f"e30.{in_base64(content)}.", ISSUER)
    assert id_token.longest_claim(f"e30.{in_base64(content)}.") == ""


def test_ten_thousand_audiences() -> None:
    """RFC 7519 sets no bound."""
    assert verify(sign(claims(aud=[*map(str, range(10_000)), CLIENT])))["sub"] == "s-1"


def test_of_a_claim_that_stands_twice_the_last_counts() -> None:
    """RFC 7519 4: for the check as for what is done with it."""
    twice = json.dumps(claims())[:-1] + ', "sub": "s-2"}'
    signed = f"{encoded({'alg': 'RS256', 'kid': 'rsa'})}.{in_base64(twice.encode())}"
    token = with_signature(signed)
    assert (verify(token)["sub"], id_token.claims_of(token, ISSUER)["sub"]) == ("s-2", "s-2")


def test_no_nonce_was_sent() -> None:
    verify(sign(claims(nonce=None)), nonce=None)


def test_another_key() -> None:
    with pytest.raises(IdTokenRejected, match="signature"):
        verify(sign(claims(), OTHER))


def test_changed_after_signing() -> None:
    head, _, signature = sign(claims()).split(".")
    with pytest.raises(IdTokenRejected, match="signature"):
        verify(f"{head}.{encoded(claims(sub='s-2'))}.{signature}")


def test_unsigned() -> None:
    for signature in ("", "AAAA"):
        with pytest.raises(IdTokenRejected, match="algorithm"):
            verify(f"{encoded({'alg': 'none'})}.{encoded(claims())}.{signature}")


def test_the_public_key_as_a_shared_secret() -> None:
    signed = f"{encoded({'alg': 'HS256', 'kid': 'rsa'})}.{encoded(claims())}"
    forged = f"{signed}.{in_base64(hmac.digest(RSA.as_pem(private=False), signed.encode(), 'sha256'))}"
    for client_secret in ("", "another"):
        with pytest.raises(IdTokenRejected):
            verify(forged, client_secret=client_secret)


def test_a_shared_secret_only_where_there_is_one() -> None:
    token = jwt.encode({"alg": "HS256"}, claims(), jwk.OctKey.import_key(SECRET), algorithms=["HS256"])
    verify(token, client_secret=SECRET)
    with pytest.raises(IdTokenRejected, match="algorithm"):
        verify(token)
    offered = {"keys": [jwk.OctKey.import_key(SECRET).as_dict(private=True)]}
    with pytest.raises(IdTokenRejected):
        verify(token, offered)


def test_keys_that_are_for_something_else() -> None:
    for more in ({"use": "enc"}, {"alg": "RSA-OAEP"}, {"kty": "oct"}, {"kid": "other"}):
        with pytest.raises(IdTokenRejected, match="signature"):
            verify(sign(claims()), public(RSA, **more))


def test_keys_that_nobody_knows_are_passed_over() -> None:
    keys = {"keys": [{"kty": "AKP", "kid": "rsa"}, {"kty": "RSA", "kid": "rsa"}, 5, *public(OTHER, RSA)["keys"]]}
    verify(sign(claims()), keys)


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (OKP, "EdDSA")])
def test_a_curve_that_nobody_knows_is_passed_over(key: Any, algorithm: str) -> None:
    [unknown] = public(key, crv="brainpoolP256r1")["keys"]
    verify(sign(claims(), key, algorithm), {"keys": [unknown, *public(key)["keys"]]})
    with pytest.raises(IdTokenRejected, match="signature"):
        verify(sign(claims(), key, algorithm), {"keys": [unknown]})


def test_no_kid_on_either_side() -> None:
    keys = public(OTHER, RSA)
    for key in keys["keys"]:
        del key["kid"]
    verify(sign(claims(), kid=None), keys)
    verify(sign(claims()), keys)


@pytest.mark.parametrize("keys", [{"keys": []}, {}, {"keys": 5}])
def test_no_keys(keys: dict[str, Any]) -> None:
    with pytest.raises(IdTokenRejected, match="signature"):
        verify(sign(claims()), {**keys, "x": 1})


def test_a_header_with_members_of_its_own_and_certificates() -> None:
    header = {"alg": "RS256", "kid": "rsa", "x-own": "y", "x5c": ["A" * 3000]}
    signed = f"{encoded(header)}.{encoded(claims())}"
    assert RSA.private_key
    signature = RSA.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    verify(f"{signed}.{in_base64(signature)}")


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "x\ny.b.c", "e30.W10.AA", "e" * 200_000])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(IdTokenRejected):
        verify(token)
    with pytest.raises(IdTokenRejected):
        id_token.checked(token, issuer=ISSUER, client_id=CLIENT, subject="s-1")


# --- A refreshed one --------------------------------------------------------------------------------------------------


def check(**changes: Any) -> dict[str, Any]:
    return id_token.checked(sign(claims(**changes)), issuer=ISSUER, client_id=CLIENT, subject="s-1")


@pytest.mark.parametrize("changes", [{}, {"nonce": None}, {"aud": CLIENT}, {"azp": None}, {"aud": [CLIENT, "x", "y"]}])
def test_a_refreshed_one(changes: dict[str, Any]) -> None:
    assert check(**changes)["sub"] == "s-1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.example.com"}, "iss"),
        ({"sub": "s-2"}, "sub"),
        ({"aud": ["harbor"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"azp": "harbor"}, "azp"),
        ({"exp": None}, "exp"),
        ({"iat": NOW + 400}, "exp and iat"),
        ({"exp": True}, "exp"),
    ],
)
def test_a_refreshed_one_with_one_wrong_claim(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdTokenRejected, match=reason):
        check(**changes)


def test_a_refreshed_one_costs_no_library() -> None:
    code = (
        "import sys; from docker_credential_harbor.remote import id_token; "
        f"id_token.checked({sign(claims())!r}, issuer={ISSUER!r}, client_id={CLIENT!r}, subject='s-1'); "
        "print([m for m in sys.modules if m.split('.')[0] in ('authlib', 'joserfc', 'cryptography', 'requests')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_who_it_is() -> None:
    assert id_token.person_of({"preferred_username": "alice", "email": "a@x", "sub": "1"}) == "alice"
    assert id_token.person_of({"preferred_username": "", "email": "a@x", "sub": "1"}) == "a@x"
    assert id_token.person_of({"sub": "1"}) == "1"
    assert id_token.person_of({"preferred_username": "ali\x1b[2Jce\x9b", "sub": "1"}) == "ali\\x1b[2Jce\\x9b"


def test_for_whom_it_is() -> None:
    assert id_token.audience_of({"aud": "a"}) == ("a",)
    assert id_token.audience_of({"aud": ["a", "b"]}) == ("a", "b")
    assert id_token.audience_of({}) == ()


def test_how_long_it_lives() -> None:
    assert id_token.life_seconds_of({"iat": NOW, "exp": NOW + 60}, ISSUER) == 60
