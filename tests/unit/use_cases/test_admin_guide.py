"""Which provider is recognised, and what its administrator is told. Keycloak: flows/test_setup_admin.py."""

from __future__ import annotations

import json

import pytest

from docker_credential_harbor.errors import ProviderNotFound
from docker_credential_harbor.model import LoginRedirect, Provider, Registry, SystemInfo
from docker_credential_harbor.use_cases import admin_guide
from docker_credential_harbor.use_cases.before_sign_in import FirstLook

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
WITHOUT = "Go without a client"
REALM = "/realms/dev/protocol/openid-connect/auth"

# What the authorization endpoint alone shows.
ENDPOINTS = [
    ("https://sso.example.com/realms/dev/protocol/openid-connect/auth", "Keycloak"),
    ("https://sso.example.com/auth/realms/dev/protocol/openid-connect/auth", "Keycloak"),
    ("https://login.microsoftonline.com/tenant/oauth2/v2.0/authorize", "Entra ID"),
    ("https://login.microsoftonline.us/tenant/oauth2/v2.0/authorize", "Entra ID"),
    ("https://corp.okta.com/oauth2/v1/authorize", "Okta"),
    ("https://corp.oktapreview.com/oauth2/default/v1/authorize", "Okta"),
    ("https://id.example.com/oauth2/default/v1/authorize", "Okta"),
    ("https://id.example.com/oauth2/aus9o8wzkhckw9TLa0h7/v1/authorize", "Okta"),
    ("https://accounts.google.com/o/oauth2/v2/auth", "Google"),
    ("https://auth.example.com/application/o/authorize/", "Authentik"),
    ("https://gitlab.example.com/oauth/authorize", "GitLab"),
    ("https://example.com/gitlab/oauth/authorize", "GitLab"),
    ("https://dex.example.com/auth", "Dex"),
    ("https://dex.example.com/dex/auth", "Dex"),
    ("https://dex.example.com/dex/auth/ldap", "Dex"),
    ("https://sso.example.com/dex/auth", "Dex"),
    pytest.param("https://id.example.com/oauth/v2/authorize", None, id="Zitadel"),
    pytest.param("https://adfs.example.com/adfs/oauth2/authorize", None, id="AD FS"),
    pytest.param("https://hydra.example.com/oauth2/auth", None, id="Ory Hydra"),
    pytest.param("https://id.example.com/auth", None, id="node oidc-provider, or Dex"),
    pytest.param("https://id.example.com/oidc/auth", None, id="Logto"),
    pytest.param("https://git.example.com/login/oauth/authorize", None, id="Gitea"),
    pytest.param("https://gitlab.example.com/login/oauth/authorize", None, id="Gitea, where a GitLab was"),
    pytest.param("https://git.example.com/oauth/authorize", None, id="GitLab, or another product"),
    pytest.param("https://oauth-openshift.apps.example.com/oauth/authorize", None, id="OpenShift"),
    pytest.param("https://idcs-1.identity.oraclecloud.com/oauth2/v1/authorize", None, id="Oracle"),
    pytest.param("https://dexter.example.com/auth", None, id="a name that begins so"),
]

# What the discovery document shows beside it: authorization and token endpoint and keys, after the same beginning.
DOCUMENTS = [
    (("/auth", "/token", "/keys"), "Dex"),
    (("/idp/auth", "/idp/token", "/idp/keys"), "Dex"),
    (("/oauth/authorize", "/oauth/token", "/oauth/discovery/keys"), "GitLab"),
    (("/oauth2/v1/authorize", "/oauth2/v1/token", "/oauth2/v1/keys"), "Okta"),
    pytest.param(("/auth", "/token", "/jwks"), None, id="node oidc-provider"),
    pytest.param(("/oauth2/auth", "/oauth2/token", "/.well-known/jwks.json"), None, id="Ory Hydra"),
    pytest.param(("/login/oauth/authorize", "/login/oauth/access_token", "/login/oauth/keys"), None, id="Gitea"),
    pytest.param(("/oauth2/v1/authorize", "/oauth2/v1/token", "/admin/v1/SigningCert/jwk"), None, id="Oracle"),
    pytest.param(("/oauth/v2/authorize", "/oauth/v2/token", "/oauth/v2/keys"), None, id="Zitadel"),
    pytest.param(("/auth", "/token", "/other/keys"), None, id="keys from elsewhere"),
]


def seen(endpoint: str, *scopes: str, provider: Provider | None = None) -> FirstLook:
    redirect = LoginRedirect(endpoint, "harbor-client", ("openid", *scopes))
    failure = None if provider else ProviderNotFound(registry=REGISTRY.name)
    return FirstLook(SystemInfo("oidc_auth", "", None), redirect, provider, failure)


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS)
def test_recognised_by_the_authorization_endpoint_alone(endpoint: str, name: str | None) -> None:
    found = admin_guide.recognised(seen(endpoint))
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("paths", "name"), DOCUMENTS)
def test_recognised_by_the_discovery_document(paths: tuple[str, str, str], name: str | None) -> None:
    authorization, token, keys = (f"https://id.example.com{path}" for path in paths)
    provider = Provider("https://id.example.com", authorization, token, keys)
    found = admin_guide.recognised(seen(authorization, provider=provider))
    assert (found.name if found else None) == name


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS)
def test_the_guide_is_whole(endpoint: str, name: str | None) -> None:
    text = admin_guide.guide(REGISTRY, seen(endpoint))
    assert "harbor-client" in text
    assert "harbor.example.com" in text
    client = json.dumps(admin_guide.keycloak_client(REGISTRY, seen(endpoint)), indent=2)
    assert "{" not in text.replace(client, ""), "every fact is filled in"
    assert max(len(line) for line in text.splitlines()) <= 120
    assert (WITHOUT in text) is (name not in ("Keycloak", "Dex"))
    if name:
        assert name.lower() in text.lower()
    else:
        assert "do not show which product" in text
        assert "audience:server:client_id:harbor-client" in text, "what is needed if it is Dex"


@pytest.mark.parametrize(("endpoint", "name"), ENDPOINTS)
def test_a_client_that_is_there_is_not_to_be_added(endpoint: str, name: str | None) -> None:
    provider = Provider("https://id.example.com", endpoint, "https://id.example.com/token", "https://id.example.com/k")
    text = admin_guide.guide(REGISTRY, seen(endpoint, provider=provider))
    assert "it is there, with its redirect URI" in text
    assert "Add one public client" not in text
    assert "Then add" not in text
    assert "{" not in text
    assert ("need not be added" in text) is (name in ("Keycloak", "Dex", None))


def test_where_the_realm_is() -> None:
    text = admin_guide.guide(REGISTRY, seen(f"https://sso.example.com/auth{REALM}"))
    assert "--server https://sso.example.com/auth --realm master" in text
    assert "--target-realm dev " in text


def test_a_providers_own_client_id_and_redirect_uri() -> None:
    registry = REGISTRY._replace(client_id="cli", redirect_uri="http://localhost:7777/cb")
    client = admin_guide.keycloak_client(registry, seen(f"https://sso.example.com{REALM}"))
    assert (client["clientId"], client["redirectUris"]) == ("cli", ["http://localhost:7777/cb"])


KEYCLOAK_PLACE = "https://sso.example.com/realms/dev/protocol/openid-connect"


def keycloak(*, iss: bool) -> Provider:
    at = KEYCLOAK_PLACE
    issuer = at.partition("/protocol")[0]
    return Provider(issuer, f"{at}/auth", f"{at}/token", f"{at}/certs", iss_parameter_supported=iss)


@pytest.mark.parametrize("provider", [None, keycloak(iss=True)], ids=["to be added", "there"])
def test_one_client_for_each_harbor(provider: Provider | None) -> None:
    text = admin_guide.guide(REGISTRY, seen(f"{KEYCLOAK_PLACE}/auth", provider=provider))
    assert "an ID token that two Harbors take is sent to neither" in text
    assert "more mapper" not in text


@pytest.mark.parametrize(
    ("iss", "issuer", "told"), [(False, None, True), (True, None, False), (False, "https://sso.example.com", False)]
)
def test_a_provider_that_people_have_to_confirm(iss: bool, issuer: str | None, told: bool) -> None:
    text = admin_guide.guide(
        REGISTRY._replace(issuer=issuer), seen(f"{KEYCLOAK_PLACE}/auth", provider=keycloak(iss=iss))
    )
    assert ('issuer = "https://sso.example.com/realms/dev"' in text) is told
    assert max(len(line) for line in text.splitlines()) <= 120


def test_not_where_no_client_is_of_use() -> None:
    at = "https://company.okta.com/oauth2/v1"
    provider = Provider("https://company.okta.com", f"{at}/authorize", f"{at}/token", f"{at}/keys")
    assert "issuer =" not in admin_guide.guide(REGISTRY, seen(f"{at}/authorize", provider=provider))
