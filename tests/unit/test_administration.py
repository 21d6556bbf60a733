"""Which provider is recognised, and what its administrator is told. Keycloak: flows/test_setup_admin.py."""

from __future__ import annotations

import json

import pytest

from docker_credential_harbor import administration
from docker_credential_harbor.errors import ProviderNotFound
from docker_credential_harbor.first_look import FirstLook
from docker_credential_harbor.model import LoginRedirect, Registry, SystemInfo

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
WITHOUT = "Go without a client"

ENDPOINTS = [
    ("https://sso.example.com/realms/dev/protocol/openid-connect/auth", "Keycloak"),
    ("https://sso.example.com/auth/realms/dev/protocol/openid-connect/auth", "Keycloak"),
    ("https://login.microsoftonline.com/tenant/oauth2/v2.0/authorize", "Entra ID"),
    ("https://login.microsoftonline.us/tenant/oauth2/v2.0/authorize", "Entra ID"),
    ("https://corp.okta.com/oauth2/v1/authorize", "Okta"),
    ("https://corp.oktapreview.com/oauth2/default/v1/authorize", "Okta"),
    ("https://id.example.com/oauth2/default/v1/authorize", "Okta"),
    ("https://accounts.google.com/o/oauth2/v2/auth", "Google"),
    ("https://auth.example.com/application/o/authorize/", "Authentik"),
    ("https://gitlab.example.com/oauth/authorize", "GitLab"),
    ("https://dex.example.com/dex/auth", "Dex"),
    ("https://dex.example.com/auth", "Dex"),
    ("https://dex.example.com/dex/auth/ldap", "Dex"),
    ("https://id.example.com/oauth/v2/authorize", None),
    ("https://adfs.example.com/adfs/oauth2/authorize", None),
]


def seen(endpoint: str, *scopes: str) -> FirstLook:
    redirect = LoginRedirect(endpoint, "harbor-client", ("openid", *scopes))
    failure = ProviderNotFound(registry=REGISTRY.name)
    return FirstLook(SystemInfo("oidc_auth", "", None), redirect, None, failure)


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS)
def test_recognised(endpoint: str, name: str | None) -> None:
    found = administration.recognised(endpoint)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS)
def test_the_guide_is_whole(endpoint: str, name: str | None) -> None:
    text = administration.guide(REGISTRY, seen(endpoint))
    assert "harbor-client" in text
    assert "harbor.example.com" in text
    client = json.dumps(administration.keycloak_client(REGISTRY, seen(endpoint)), indent=2)
    assert "{" not in text.replace(client, ""), "every fact is filled in"
    assert max(len(line) for line in text.splitlines()) <= 120
    assert (WITHOUT in text) is (name not in ("Keycloak", "Dex"))
    if name:
        assert name.lower() in text.lower()


def test_where_the_realm_is() -> None:
    text = administration.guide(REGISTRY, seen(ENDPOINTS[1][0]))
    assert "--server https://sso.example.com/auth --realm master" in text
    assert "--target-realm dev " in text


def test_a_providers_own_client_id_and_redirect_uri() -> None:
    registry = REGISTRY._replace(client_id="cli", redirect_uri="http://localhost:7777/cb")
    client = administration.keycloak_client(registry, seen(ENDPOINTS[0][0]))
    assert (client["clientId"], client["redirectUris"]) == ("cli", ["http://localhost:7777/cb"])
