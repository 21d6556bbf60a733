"""Secrets that this process knows, taken out of whatever it says."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

REDACTED = "[secret]"
SHORTEST_SECRET = 4  # shorter ones would take ordinary text apart

_secrets: set[str] = set()


def keep_secret(value: str | None) -> None:
    """Never write this value from now on, nor as it looks in an address."""
    if value and len(value) >= SHORTEST_SECRET:
        _secrets.update((value, quote(value, safe=""), quote_plus(value)))


def redact(text: str) -> str:
    """The text without the secrets that were registered."""
    for secret in sorted(_secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, REDACTED)
    return text
