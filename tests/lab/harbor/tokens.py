"""`GET /service/token`: the tokens that Harbor signs for its registry, and the probe (the same without a scope).

Source: the distribution project's "Token Authentication Specification" and JWT profile; statuses and bodies from
tests/recordings/harbor.json.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import secrets
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from tests.lab.harbor.records import Account, Project
    from tests.lab.harbor.server import StandInHarbor
    from tests.lab.web import Exchange

SERVICE = "harbor-registry"
ISSUER = "harbor-token-issuer"
LIFE_SECONDS = 1800
Access = list[dict[str, Any]]


class Signer:
    """A key with a self-signed certificate: `certificate_pem` is what the registry's rootcertbundle holds."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer")])
        now = datetime.now(timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
        self._header = {"alg": "RS256", "typ": "JWT", "kid": _key_id(key.public_key())}
        private = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
        self._key = RSAKey.import_key(pem)

    def sign(self, subject: str, access: Access) -> str:
        """A registry token. `aud` is one string and `exp` a whole number, else the registry refuses it."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": subject,
            "aud": SERVICE,
            "exp": now + LIFE_SECONDS,
            "nbf": now,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": access,
        }
        return jwt.encode(self._header, claims, self._key)

    def access(self, token: str) -> Access | None:
        """What a token of this signer allows; None when it is not one or has expired."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["RS256"]).claims
            jwt.JWTClaimsRegistry().validate(claims)
        except (JoseError, ValueError):
            return None
        return list(claims["access"])


def _key_id(key: rsa.RSAPublicKey) -> str:
    """The registry's own way to name a key (libtrust); it refuses a JWK thumbprint."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[at : at + 4] for at in range(0, len(text), 4))


@functools.cache
def shared_signer() -> Signer:
    """One for all stand-ins of a process, since making a key takes time."""
    return Signer()


def granted(account: Account | None, scope: str, projects: dict[str, Project]) -> dict[str, Any]:
    """One entry of `access`: what of a scope this account (None: a stranger) may do. Nothing for unknown projects."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    project = projects.get(name.partition("/")[0])
    wanted = [action for action in actions.split(",") if action]
    if kind != "repository" or project is None:
        wanted = []
    elif account is None or project.keeps_out(account):
        wanted = [action for action in wanted if action == "pull" and project.public]
    return {"type": kind, "name": name, "actions": wanted}


def service_token(harbor: StandInHarbor, exchange: Exchange) -> None:
    """Answers the token endpoint."""
    if exchange.method not in ("GET", "HEAD"):
        exchange.answer(405, b"Method Not Allowed\n", [("Content-Type", "text/plain; charset=utf-8")])
        return
    scopes = [scope for value in exchange.query.get("scope", []) for scope in value.split()]
    account = harbor.account_of(exchange)
    if account is None and not scopes:
        exchange.answer(401)
        return
    # A wrong or dead secret counts as nobody here: what is public is granted all the same.
    access = [granted(account, scope, harbor.projects) for scope in scopes]
    issued_at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = harbor.signer.sign(harbor.name_of(account), access)
    exchange.answer_json(200, {"token": token, "access_token": "", "expires_in": LIFE_SECONDS, "issued_at": issued_at})
