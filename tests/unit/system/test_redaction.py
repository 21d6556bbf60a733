"""Secrets that this process knows are taken out of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.system import redaction

if TYPE_CHECKING:
    import pytest


def test_whole_and_as_it_stands_in_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    for secret in ("S3cret/+x", "S3cret/+x-longer", None, "", "ab"):
        redaction.keep_secret(secret)
    assert redaction.redact("S3cret/+x-longer") == "[secret]"
    assert redaction.redact("S3cret%2F%2Bx and ab") == "[secret] and ab"
