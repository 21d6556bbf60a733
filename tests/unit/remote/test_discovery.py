"""Finding the provider: its discovery document, and the one behind Harbor's redirect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import BrokenAnswer, Failure, IssuerMismatch, ProviderNotFound, ServerFault
from docker_credential_harbor.model import LoginRedirect, Provider, Registry
from docker_credential_harbor.remote import discovery
from docker_credential_harbor.remote.web.transport import Transport
from tests.unit.loopback import Answers, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
REALM = "/realms/dev"


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


def document(server: Answers, **changes: Any) -> dict[str, Any]:
    issuer = server.url + REALM
    made = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/certs",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/auth/device",
        "authorization_response_iss_parameter_supported": True,
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def provider_at(server: Answers) -> Provider:
    issuer = server.url + REALM
    return Provider(issuer, f"{issuer}/auth", f"{issuer}/token", f"{issuer}/certs", f"{issuer}/revoke")


def test_discover(server: Answers) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server))
    found = discovery.discover(Transport(10), server.url + REALM)
    assert found == provider_at(server)._replace(
        device_authorization_endpoint=f"{server.url}{REALM}/auth/device",
        iss_parameter_supported=True,
    )


def test_discover_without_what_is_optional(server: Answers) -> None:
    left_out = document(
        server,
        revocation_endpoint=None,
        device_authorization_endpoint=None,
        authorization_response_iss_parameter_supported=None,
    )
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, left_out)
    found = discovery.discover(Transport(10), server.url + REALM)
    assert found == provider_at(server)._replace(revocation_endpoint=None)


@pytest.mark.parametrize(
    ("status", "changes", "error"),
    [
        (200, {"issuer": "https://evil.example.com"}, IssuerMismatch),
        (200, {"issuer": None}, IssuerMismatch),
        (200, {"token_endpoint": "http://sso.example.com/token"}, BrokenAnswer),
        (200, {"token_endpoint": None}, BrokenAnswer),
        (200, {"jwks_uri": 5}, BrokenAnswer),
        (200, {"authorization_endpoint": "javascript:alert(1)"}, BrokenAnswer),
        (404, {}, BrokenAnswer),
        (301, {}, BrokenAnswer),
        (503, {}, ServerFault),
    ],
)
def test_discover_refuses(server: Answers, status: int, changes: dict[str, Any], error: type[Failure]) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (status, {}, document(server, **changes))
    with pytest.raises(error):
        discovery.discover(Transport(10), server.url + REALM)


@pytest.mark.parametrize("name", ["revocation_endpoint", "device_authorization_endpoint"])
@pytest.mark.parametrize("url", ["http://sso.example.com/x", "ftp://x/", "", "/x", "x", 5, True, [], {}, "https://[x/"])
def test_an_optional_endpoint_that_cannot_be_used_is_as_good_as_none(server: Answers, name: str, url: object) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server, **{name: url}))
    found = discovery.discover(Transport(10), server.url + REALM)
    assert getattr(found, name) is None


def test_which_keycloaks_end_one_session_alone(server: Answers) -> None:
    def revokes_one(**changes: object) -> bool:
        server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server, **changes))
        return discovery.discover(Transport(10), server.url + REALM).revokes_one_session

    keycloak = f"{server.url}{REALM}/protocol/openid-connect/revoke"
    assert revokes_one(revocation_endpoint=keycloak, prompt_values_supported=["none", "login"])
    assert not revokes_one(revocation_endpoint=keycloak), "before 26.1"
    assert not revokes_one(prompt_values_supported=["none", "login"]), "another provider"
    assert not revokes_one(revocation_endpoint=None, prompt_values_supported=["none", "login"])


def test_the_issuer_must_match_to_the_last_slash(server: Answers) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server))
    with pytest.raises(IssuerMismatch, match="calls itself"):
        discovery.discover(Transport(10), f"{server.url}{REALM}/")


def redirect_to(server: Answers, path: str = f"{REALM}/protocol/openid-connect/auth") -> LoginRedirect:
    return LoginRedirect(server.url + path, "harbor", ("openid",))


def test_find_behind_harbors_redirect(server: Answers) -> None:
    redirect = redirect_to(server)
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (
        200,
        {},
        document(server, authorization_endpoint=redirect.authorization_endpoint),
    )
    assert discovery.find(Transport(10), redirect, REGISTRY).issuer == server.url + REALM
    assert [asked.path.removesuffix("/.well-known/openid-configuration") for asked in server.asked] == [REALM]


@pytest.mark.parametrize(
    ("path", "prefixes"),
    [
        ("/a/b/c/auth", ["/a/b/c", "/a/b", "/a", ""]),
        ("/auth", [""]),
        (f"{REALM}/protocol/openid-connect/auth", [REALM, f"{REALM}/protocol/openid-connect", f"{REALM}/protocol"]),
        ("/protocol/openid-connect/auth", ["", "/protocol/openid-connect", "/protocol"]),
    ],
)
def test_in_which_order_they_are_asked(server: Answers, path: str, prefixes: list[str]) -> None:
    with pytest.raises(ProviderNotFound):
        discovery.find(Transport(10), redirect_to(server, path), REGISTRY)
    asked = [asked.path.removesuffix("/.well-known/openid-configuration") for asked in server.asked]
    assert asked[: len(prefixes)] == prefixes
    assert len(set(asked)) == len(asked) == len(path.split("/")) - 1, "each once"


def test_find_at_the_hosts_root_with_a_slash(server: Answers) -> None:
    server.replies["/.well-known/openid-configuration"] = (
        200,
        {},
        document(server, issuer=f"{server.url}/", authorization_endpoint=f"{server.url}/authorize"),
    )
    assert discovery.find(Transport(10), redirect_to(server, "/authorize"), REGISTRY).issuer == f"{server.url}/"


@pytest.mark.parametrize(
    ("issuer", "authorization"),
    [
        pytest.param("", "/o/oauth2/v2/auth", id="Google"),
        pytest.param("", "/oauth2/v1/authorize", id="Okta, the organization's"),
        pytest.param("/oauth2/default", "/oauth2/default/v1/authorize", id="Okta, an authorization server's own"),
        pytest.param("/", "/authorize", id="Auth0"),
        pytest.param("/dex", "/dex/auth", id="Dex"),
        pytest.param("", "/oauth/authorize", id="GitLab"),
        pytest.param("", "/oauth/v2/authorize", id="Zitadel"),
        pytest.param("/adfs", "/adfs/oauth2/authorize/", id="AD FS"),
    ],
)
def test_issuers_of_others_that_are_found(server: Answers, issuer: str, authorization: str) -> None:
    """Shapes of addresses as the providers document them (docs/providers.md)."""
    endpoint = server.url + authorization
    found = document(server, issuer=server.url + issuer, authorization_endpoint=endpoint)
    server.replies[f"{issuer.rstrip('/')}/.well-known/openid-configuration"] = (200, {}, found)
    redirect = LoginRedirect(endpoint, "harbor", ("openid",))
    assert discovery.find(Transport(10), redirect, REGISTRY).issuer == server.url + issuer


@pytest.mark.parametrize(
    ("issuer", "authorization"),
    [
        pytest.param("/tenant/v2.0", "/tenant/oauth2/v2.0/authorize", id="Entra ID"),
        pytest.param("/application/o/harbor/", "/application/o/authorize/", id="Authentik"),
    ],
)
def test_issuers_of_others_that_must_be_configured(server: Answers, issuer: str, authorization: str) -> None:
    endpoint = server.url + authorization
    found = document(server, issuer=server.url + issuer, authorization_endpoint=endpoint)
    server.replies[f"{issuer.rstrip('/')}/.well-known/openid-configuration"] = (200, {}, found)
    redirect = LoginRedirect(endpoint, "harbor", ("openid",))
    with pytest.raises(ProviderNotFound):
        discovery.find(Transport(10), redirect, REGISTRY)
    configured = REGISTRY._replace(issuer=server.url + issuer)
    assert discovery.find(Transport(10), redirect, configured).authorization_endpoint == endpoint


def test_find_passes_over_what_is_no_document(server: Answers) -> None:
    redirect = redirect_to(server, f"{REALM}/oauth/v2/auth")
    right = document(server, authorization_endpoint=redirect.authorization_endpoint)
    paths = [f"{REALM}/oauth/v2", f"{REALM}/oauth", REALM]
    replies: list[Reply] = [(200, {}, "<html>"), (500, {}, ""), (200, {}, right)]
    for path, reply in zip(paths, replies, strict=True):
        server.replies[f"{path}/.well-known/openid-configuration"] = reply
    assert discovery.find(Transport(10), redirect, REGISTRY).issuer == server.url + REALM


@pytest.mark.parametrize(
    "changes", [{}, {"issuer": "https://evil.example.com"}, {"authorization_endpoint": "https://sso.example.com/auth"}]
)
def test_provider_not_found(server: Answers, changes: dict[str, Any]) -> None:
    redirect = redirect_to(server)
    if changes:
        made = {"authorization_endpoint": redirect.authorization_endpoint, **changes}
        server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server, **made))
    with pytest.raises(ProviderNotFound, match="set issuer"):
        discovery.find(Transport(10), redirect, REGISTRY)


def test_a_fault_on_the_way_is_not_the_absence_of_a_provider(server: Answers) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (503, {}, "")
    with pytest.raises(ServerFault):
        discovery.find(Transport(10), redirect_to(server), REGISTRY)


def test_find_asks_only_a_few_prefixes(server: Answers) -> None:
    with pytest.raises(ProviderNotFound):
        discovery.find(Transport(10), redirect_to(server, "/x" * 1000), REGISTRY)
    assert len(server.asked) == discovery.MOST_PREFIXES


def test_a_configured_issuer_comes_first(server: Answers) -> None:
    server.replies[f"{REALM}/.well-known/openid-configuration"] = (200, {}, document(server))
    registry = REGISTRY._replace(issuer=server.url + REALM)
    assert discovery.find(Transport(10), redirect_to(server), registry).issuer == server.url + REALM
    assert len(server.asked) == 1
