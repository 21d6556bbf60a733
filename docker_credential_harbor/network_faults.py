"""What went wrong below HTTP, in plain words: the one cause in the nest that requests and urllib3 build around it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.errors import BrokenAnswer, NoAnswer, TlsFailed, Unreachable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

# OpenSSL's verification results (openssl-verification-options(1)), as a person would put them.
UNKNOWN_AUTHORITY = (18, 19, 20, 21)
CERTIFICATE_FAULTS = {
    9: "it is not valid yet",
    10: "it has expired",
    **dict.fromkeys(UNKNOWN_AUTHORITY, "unknown authority"),
    23: "it was revoked",
    62: "it was made out to another name",
    64: "it was made out to another address",
}


def too_slow(limit_seconds: float) -> str:
    """The reason for NoAnswer."""
    return f"no answer within {round(limit_seconds, 1):g} s"


def lacks_authority(error: Exception) -> bool:
    """Whether a certificate was turned down because nobody known vouches for it."""
    return any(getattr(cause, "verify_code", 0) in UNKNOWN_AUTHORITY for cause in _causes(error))


def in_plain_words(error: Exception, host: str, limit_seconds: float) -> Unreachable:
    """The error to raise for whatever requests, urllib3 or a socket raised while ``host`` was asked."""
    import http.client
    import socket
    import ssl

    import requests
    import urllib3

    causes = list(_causes(error))

    def first(*kinds: type[BaseException]) -> Any:
        return next((cause for cause in causes if isinstance(cause, kinds)), None)

    certificate = first(ssl.SSLCertVerificationError)
    if certificate is not None:
        return TlsFailed(host=host, reason=_certificate_fault(certificate))
    proxy = "the proxy: " if first(requests.exceptions.ProxyError) else ""
    if proxy and "Tunnel connection failed" in str(error):  # an OSError without a number (http.client)
        return Unreachable(host=host, reason="the proxy refused to connect to it")
    if name := first(socket.gaierror):
        reason = "its name cannot be looked up" if name.errno == socket.EAI_AGAIN else "name not found"
        return Unreachable(host=host, reason=proxy + reason)
    if first(TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError):
        return NoAnswer(host=host, reason=proxy + too_slow(limit_seconds))
    if first(ssl.SSLError):
        return Unreachable(host=host, reason=f"{proxy}no TLS connection")
    if first(http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength):
        return BrokenAnswer(host=host, reason="it was cut short")
    if first(http.client.RemoteDisconnected):
        return Unreachable(host=host, reason=f"{proxy}connection closed without an answer")
    if first(urllib3.exceptions.DecodeError):
        return BrokenAnswer(host=host, reason="its compression is damaged")
    if first(http.client.HTTPException):
        return BrokenAnswer(host=host, reason="not HTTP")
    system = next((cause for cause in causes if isinstance(cause, OSError) and isinstance(cause.errno, int)), None)
    reason = os.strerror(system.errno).lower() if system is not None and system.errno else type(error).__name__
    return Unreachable(host=host, reason=proxy + reason)


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
