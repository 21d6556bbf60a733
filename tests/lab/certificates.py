"""A certificate authority of the test's own, and server certificates: good, expired, and for another name.

Source: RFC 5280 as `cryptography` implements it.
"""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Kind = Literal["valid", "expired", "other-name"]
DAY = timedelta(days=1)
LOOPBACK, OTHER_NAME = ("127.0.0.1", "localhost"), ("other.example.com",)


class Authority:
    """An authority, or an intermediate one of `issuer`'s; `ca_file` is its certificate in PEM."""

    def __init__(self, folder: Path, name: str = "Lab Authority", issuer: "Authority | None" = None) -> None:
        self._folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        now = datetime.now(timezone.utc)
        signer = issuer or self
        certificate = (
            _builder(self.name, signer.name, self.key.public_key(), now - DAY, now + 30 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else 1), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(_usage(for_authority=True), critical=True)
            .sign(signer.key, hashes.SHA256())
        )
        self.ca_file = folder / f"{name.lower().replace(' ', '-')}.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, kind: Kind = "valid", hosts: Sequence[str] = LOOPBACK) -> tuple[str, str]:
        """Certificate and key files for a server of those names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(timezone.utc)
        end = now - DAY if kind == "expired" else now + 30 * DAY
        names = [_host(host) for host in (OTHER_NAME if kind == "other-name" else hosts)]
        authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(_name(kind), self.name, key.public_key(), now - 2 * DAY, end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(authority_key, critical=False)
            .add_extension(_usage(for_authority=False), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        certificate_file, key_file = (self._folder / f"{kind}-{hosts[0]}.{ending}" for ending in ("pem", "key"))
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
        return str(certificate_file), str(key_file)


def context_of(files: tuple[str, str]) -> ssl.SSLContext:
    """What a server needs to speak TLS with them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(for_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not for_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=for_authority,
        crl_sign=for_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
