"""Which provider our own tokens are of, and how long that is kept; a refresh, which outlives a `get`, is in flows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.model import LoginRedirect, Provider, Registry
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.storage.registry_notes import Notes

if TYPE_CHECKING:
    from tests.unit.loopback import Answers


@pytest.fixture
def provider(server: Answers) -> Provider:
    """What is found at the server."""
    found = Provider(server.url, f"{server.url}/auth", f"{server.url}/token", f"{server.url}/keys")
    document = {
        name: getattr(found, name) for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    server.replies["/.well-known/openid-configuration"] = (200, {}, document)
    return found


def noted(provider: Provider, age_seconds: float = 60) -> Notes:
    return Notes(provider=provider, provider_found_at=time.time() - age_seconds)


def registry(server: Answers, issuer: str | None = None) -> Registry:
    return Registry("h", server.url, issuer=issuer)


def test_kept_for_a_day(server: Answers, provider: Provider) -> None:
    notes = noted(provider, own_tokens.PROVIDER_KEPT_SECONDS - 60)
    assert own_tokens.provider_of(Transport(10), registry(server), notes) == (provider, notes)
    assert not server.asked


@pytest.mark.parametrize("age_seconds", [own_tokens.PROVIDER_KEPT_SECONDS + 60, -60], ids=["older", "of the future"])
def test_then_found_anew(server: Answers, provider: Provider, age_seconds: float) -> None:
    notes = noted(provider._replace(token_endpoint="https://old"), age_seconds)
    began_at = time.time()
    found, after = own_tokens.provider_of(Transport(10), registry(server, server.url), notes)
    assert found == after.provider == provider
    assert after.provider_found_at is not None
    assert after.provider_found_at >= began_at


def test_another_one_that_is_configured(server: Answers, provider: Provider) -> None:
    notes = noted(provider._replace(issuer="https://other"))
    assert own_tokens.provider_of(Transport(10), registry(server, server.url), notes)[0] == provider


def test_another_one_that_harbor_names_now(server: Answers, provider: Provider) -> None:
    redirect = LoginRedirect(provider.authorization_endpoint, "harbor", ("openid",))
    same = noted(provider)
    assert own_tokens.provider_of(Transport(10), registry(server), same, redirect) == (provider, same)
    assert not server.asked
    moved = noted(provider._replace(issuer="https://other", authorization_endpoint="https://other/auth"))
    assert own_tokens.provider_of(Transport(10), registry(server), moved, redirect)[0] == provider
