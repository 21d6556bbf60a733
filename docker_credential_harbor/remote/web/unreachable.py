"""What went wrong below HTTP, in plain words: the one cause in the nest that requests and urllib3 build around it."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docker_credential_harbor.errors import (
    BrokenAnswer,
    ClientCertificateWanted,
    HandshakeFailed,
    HttpsWanted,
    NoAnswer,
    NoFilesLeft,
    NotTls,
    ProxyFailed,
    ProxyWantsPassword,
    TlsFailed,
    TlsTooOld,
    Unreachable,
)
from docker_credential_harbor.remote.web.proxies import WANTS_PASSWORD, ProxyError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.proxies import Proxy

# OpenSSL's verification results (openssl-verification-options(1)), as a person would put them.
UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
CERTIFICATE_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    **dict.fromkeys(UNKNOWN_AUTHORITY, "unknown authority"),
    23: "it was revoked",
    62: "it was made out to another name",
    64: "it was made out to another address",
}
# OpenSSL's reasons for a failed handshake (SSLError.reason); alerts are the server's (RFC 8446 6.2, RFC 5246 7.2.2).
TLS_FAULTS: dict[str, tuple[type[Unreachable], str]] = {
    **dict.fromkeys(
        ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION"), (TlsTooOld, "it offers no safe TLS version")
    ),
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"),
        (NotTls, "it does not speak TLS"),
    ),
    **dict.fromkeys(
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE"),
        (ClientCertificateWanted, "it wants a client certificate"),
    ),
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        HandshakeFailed,
        "it has no cipher in common, or wants a client certificate, for which there is no setting",
    ),
    "TLSV1_UNRECOGNIZED_NAME": (HandshakeFailed, "it does not know that host name"),
}
# What Go, nginx and Apache write into a 400 where TLS was expected, and nginx where a client certificate was.
_TLS_EXPECTED = re.compile(
    b"HTTP request to an HTTPS server|HTTP request was sent to HTTPS port|SSL-enabled server port"
)
_CERTIFICATE_EXPECTED = b"No required SSL certificate was sent"


def too_slow(limit_seconds: float) -> str:
    """The reason for NoAnswer."""
    return f"no answer within {round(limit_seconds, 1):g} s"


def lacks_authority(error: Exception) -> bool:
    """Whether a certificate was turned down because nobody known vouches for it."""
    return any(getattr(cause, "verify_code", 0) in UNKNOWN_AUTHORITY for cause in _causes(error))


def in_plain_words(error: Exception, host: str, limit_seconds: float, proxy: Proxy | None = None) -> Unreachable:
    """The error to raise for whatever requests, urllib3 or a socket raised while ``host`` was asked."""
    import ssl

    import requests

    causes = list(_causes(error))
    at_proxy = proxy if _first(causes, requests.exceptions.ProxyError, ProxyError) else None
    if certificate := _first(causes, ssl.SSLCertVerificationError):
        whose = f"the proxy {at_proxy.address}" if at_proxy else host
        return TlsFailed(host=whose, reason=_certificate_fault(certificate))
    kind, reason = _fault(causes, limit_seconds)
    if at_proxy is None:
        return kind(host=host, reason=reason)
    reason = _proxys_words(causes) or reason
    kind = ProxyWantsPassword if reason == WANTS_PASSWORD else ProxyFailed
    return kind(host=host, proxy=at_proxy.address, variable=at_proxy.named_by, reason=reason)


def check_answer(answer: Answer) -> None:
    """Raises HttpsWanted or ClientCertificateWanted where a server says that by HTTP."""
    if answer.status == 400 and _CERTIFICATE_EXPECTED in answer.body:
        raise ClientCertificateWanted(host=answer.host)
    said = answer.status == 400 and _TLS_EXPECTED.search(answer.body)
    if answer.url.startswith("http:") and (said or _leads_to_https(answer)):
        raise HttpsWanted(host=answer.host)


def _leads_to_https(answer: Answer) -> bool:
    """To nothing but the same by https://, whatever the port."""
    try:
        there, asked = urlsplit(answer.headers.get("location", "")), urlsplit(answer.url)
    except ValueError:
        return False
    return (there.scheme, there.hostname, there.path) == ("https", asked.hostname, asked.path)


def _fault(causes: list[BaseException], limit_seconds: float) -> tuple[type[Unreachable], str]:
    """The error for whoever was asked, and its reason in words."""
    import http.client
    import socket
    import ssl

    import requests
    import urllib3

    if name := _first(causes, socket.gaierror):
        again = name.errno == socket.EAI_AGAIN
        return Unreachable, "its name cannot be looked up" if again else "name not found"
    if _first(causes, TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        return NoAnswer, too_slow(limit_seconds)
    if handshake := _first(causes, ssl.SSLError):
        return _tls_fault(handshake)
    if _first(
        causes, http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength
    ):
        return BrokenAnswer, "it was cut short"
    if _first(causes, http.client.RemoteDisconnected):
        return Unreachable, "connection closed without an answer"
    if line := _first(causes, http.client.BadStatusLine):
        return (HttpsWanted, "it speaks TLS") if _is_tls_record(line) else (BrokenAnswer, "not HTTP")
    if _first(causes, http.client.HTTPException, urllib3.exceptions.InvalidHeader):
        return BrokenAnswer, "not HTTP"
    system = next((cause for cause in causes if isinstance(cause, OSError) and isinstance(cause.errno, int)), None)
    if system is not None and system.errno in (errno.EMFILE, errno.ENFILE):
        return NoFilesLeft, os.strerror(system.errno).lower()
    if system is not None and system.errno:
        return Unreachable, os.strerror(system.errno).lower()
    if _first(causes, urllib3.exceptions.ProtocolError):
        return BrokenAnswer, "not HTTP"
    return Unreachable, "its name is no host name" if _first(
        causes, requests.exceptions.InvalidURL
    ) else "the request cannot be sent"


def _tls_fault(error: ssl.SSLError) -> tuple[type[Unreachable], str]:
    import ssl

    reason = error.reason or ""
    if reason in TLS_FAULTS:
        return TLS_FAULTS[reason]
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):  # the latter by Python 3.11.2, Debian 12's
        return HandshakeFailed, "it closed the connection in the handshake"
    alert = reason.partition("ALERT_")[2].lower().replace("_", " ")
    return HandshakeFailed, f"the handshake failed: {alert}" if alert else "the handshake failed"


def _proxys_words(causes: list[BaseException]) -> str:
    """What a SOCKS proxy answered, or another to CONNECT (http.client puts that into an OSError's text)."""
    if said := str(_first(causes, ProxyError) or ""):
        return said
    statuses = (re.match(r"Tunnel connection failed: (\d+)", str(cause)) for cause in causes)
    status = next((found[1] for found in statuses if found), "")
    return WANTS_PASSWORD if status == "407" else f"it answered with status {status}" if status else ""


def _is_tls_record(error: Any) -> bool:
    """An alert (RFC 8446 5.1)."""
    return str(error.line).startswith("\x15\x03")


def _first(causes: list[BaseException], *kinds: type[BaseException]) -> Any:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything nested in it: in its arguments, as its ``reason``, or chained."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]


def _certificate_fault(error: ssl.SSLCertVerificationError) -> str:
    known = CERTIFICATE_FAULTS.get(getattr(error, "verify_code", 0))
    return known or str(getattr(error, "verify_message", "") or error).strip(". ")
