"""What an administrator can add at the identity provider, so that people sign in with a client: `setup --admin`.

The provider is recognised by the authorization endpoint that Harbor redirects to, and where many products have one like
that, by the others in its discovery document. What each of them can do, and from where that is known, stands in
docs/providers.md.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from docker_credential_harbor.config import read_config, registry_files
from docker_credential_harbor.errors import BrokenAnswer, Fact
from docker_credential_harbor.model import DEFAULT_CLIENT_ID, PROGRAM
from docker_credential_harbor.outside.clean_text import LONGEST_NAME, is_plain
from docker_credential_harbor.remote.web.answer import host_of
from docker_credential_harbor.use_cases import before_sign_in

if TYPE_CHECKING:
    from docker_credential_harbor.config.registry_files import Given
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.use_cases.before_sign_in import FirstLook


class Provider(NamedTuple):
    """``endpoint``: matches the host and path of its authorization endpoint. ``advice`` is filled with facts.

    ``document``: where another's host and path say too little, how the paths of authorization endpoint, token endpoint
    and keys end in its discovery document, after what they begin with in common. ``takes_second``: a second client can
    be of use to Harbor.
    """

    name: str
    endpoint: str
    advice: str
    document: tuple[str, str, str] | None = None
    takes_second: bool = False


FOR_EACH = """\
One client for each Harbor: an ID token that two Harbors take is sent to neither. Where a client of that ID serves
another Harbor of this realm, add a second one under another ID, and name that as `client_id` in the helper's
[registries.{registry:toml}]. Or have one client whose Audience mappers stand in an optional client scope for each
Harbor, and name that scope among the helper's `scopes`.
"""

CONFIRMED = """\
This provider does not say in its answers who it is (`iss`, RFC 9207), so people have to confirm it: setup asks, or the
configuration names it:

  [registries.{registry:toml}]
  issuer = {issuer:toml}
"""

THERE = """\
The client need not be added. Whether Harbor takes its ID tokens is not seen from outside; a sign-in shows it, and says
what the client lacks if they are not taken:

  docker-credential-harbor login {registry:sh}

Harbor's client must be among their audiences ({harbor_client_id} in `aud`), and `sub` the same for both clients.
"""

KEYCLOAK_THERE = """\
How it should be set is shown, as JSON, by: {program} setup --admin --json {registry:sh}

{for_each}"""

WITHOUT = """\
Go without a client; nothing has to be added. People run
  docker-credential-harbor setup {registry:sh}
and paste their CLI secret once. From then on the helper renews Harbor's side by Harbor's own login.
"""

KEYCLOAK = """\
Add one public client. This is it, ready to be imported (also alone, with --admin --json):

{client}

In the admin console: realm {realm} > Clients > Import client > this JSON as a file > Save.

Or with Keycloak's own kcadm.sh:
  {program} setup --admin --json {registry:sh} > client.json
  kcadm.sh config credentials --server {base:sh} --realm master --user ADMIN
  kcadm.sh create clients --target-realm {realm:sh} --file client.json

Or by hand: Clients > Create client
  Client ID                           {client_id}
  Client authentication               Off
  Authentication flow                 Standard flow, OAuth 2.0 Device Authorization Grant
  Valid redirect URIs                 {redirect_uri}        (stands for any port, RFC 8252)
  Advanced > PKCE method              S256
  Client scopes > {client_id}-dedicated > Add mapper > By configuration > Audience
    Included Client Audience          {harbor_client_id}        (Harbor's client)
    Add to ID token                   On

{for_each}"""

DEX = """\
Add one public client to Dex's configuration, and let Harbor's client trust it:

  staticClients:
  - id: {harbor_client_id:toml}
    trustedPeers: [{client_id:toml}]        # beside what stands there
  - id: {client_id:toml}
    name: Docker
    public: true                       # and no redirectURIs: then any loopback port is allowed

In the helper's configuration, on each machine or in its image (/etc/xdg/docker-credential-harbor/config.toml):

  [registries.{registry:toml}]
  scopes = ["openid", "profile", "email", "offline_access", {audience_scope:toml}]
"""

ENTRA = """\
Entra ID makes ID tokens for one application alone, and another sub for each: Harbor cannot take those of a second one.
{without}
Or share Harbor's own registration (not tried on the real one): in Entra's admin center, App registrations >
{harbor_client_id} > Authentication > Add a platform > Mobile and desktop applications, enter
http://localhost/callback, then in the helper's configuration:

  [registries.{registry:toml}]
  issuer = "https://login.microsoftonline.com/TENANT-ID/v2.0"
  client_id = {harbor_client_id:toml}
  redirect_uri = "http://localhost/callback"
"""

ONE_APPLICATION = """\
{name} makes ID tokens for one application alone: Harbor cannot take those of a second one.
{without}"""

AUTHENTIK = """\
In authentik each application has an issuer of its own: Harbor cannot take the ID tokens of a second one.
{without}"""

OTHER = """\
The addresses do not show which product this provider is. A client of its own is of use if Harbor takes that
client's ID token: `iss` must be Harbor's issuer, `aud` must contain {harbor_client_id} (Harbor's client), and `sub`
must be the same for both clients. Then add

  client ID       {client_id}
  type            public (no secret), authorization code with PKCE (S256), refresh token; device code if there is one
  redirect URI    {redirect_uri}        (any port of it, RFC 8252)

If it is Dex: no redirect URI, {client_id} among the trustedPeers of {harbor_client_id}, and
audience:server:client_id:{harbor_client_id} among the helper's scopes. If it is Okta, GitLab, Entra ID or AD FS: go
without. docs/providers.md has these and others.

Otherwise:
{without}"""

# Dex: server/discovery of its source. GitLab: doorkeeper-openid_connect. Okta: a domain of the company's own, and
# not Oracle's, whose authorization endpoint is the same (docs/providers.md).
PROVIDERS = (
    Provider("Keycloak", r".*/realms/[^/]+/protocol/openid-connect/auth", KEYCLOAK, takes_second=True),
    Provider("Entra ID", r"login\.(microsoftonline|partner\.microsoftonline|windows)\..*|sts\.windows\.net/.*", ENTRA),
    Provider(
        "Okta",
        r"[^/]*\.okta(preview|-emea)?\.com/.*|[^/]+/oauth2/(default|aus\w{17})/v1/authorize",
        ONE_APPLICATION,
        ("/v1/authorize", "/v1/token", "/v1/keys"),
    ),
    Provider("Google", r"accounts\.google\.com/.*", ONE_APPLICATION),
    Provider("Authentik", r".*/application/o/authorize/?", AUTHENTIK),
    Provider(
        "GitLab",
        r"gitlab\.[^/]+/oauth/authorize|[^/]+/gitlab/oauth/authorize",
        ONE_APPLICATION,
        ("/oauth/authorize", "/oauth/token", "/oauth/discovery/keys"),
    ),
    Provider(
        "Dex",
        r"dex\.[^/]+/auth(/[^/]+)?|.*/dex/auth(/[^/]+)?",
        DEX,
        ("/auth", "/token", "/keys"),
        takes_second=True,
    ),
)
WITHOUT_THAT_SCOPE = ("Google", "GitLab")  # they do not know offline_access (docs/providers.md)


def look(name: str, given: Given) -> tuple[Registry, FirstLook]:
    """The registry with the client that is to be added, and what it says now. Raises Unreachable, NotOidcMode.

    ``given``: as for ``registry_files.wanted``. A configuration that is broken raises as it does there.
    """
    settings = read_config.load()
    registry = registry_files.wanted(settings, name, given)
    if not registry.client_id:  # which is what may be changed
        registry = registry._replace(client_id=DEFAULT_CLIENT_ID)
    return registry, before_sign_in.first_look(settings, registry)


def guide(registry: Registry, seen: FirstLook) -> str:
    """All that is to be done, for this Harbor and its provider, as text for a terminal. Raises BrokenAnswer."""
    provider = recognised(seen)
    facts = {
        "program": PROGRAM,
        "registry": registry.name,
        "client_id": registry.client_id,
        "redirect_uri": registry.redirect_uri,
        "harbor_client_id": seen.redirect.client_id,
        "audience_scope": f"audience:server:client_id:{seen.redirect.client_id}",
        "client": json.dumps(keycloak_client(registry, seen), indent=2),
        "name": provider.name if provider else "",
        "issuer": _issuer(seen),
    }
    if provider and provider.name == "Keycloak":
        facts["base"], facts["realm"] = _realm(seen)
    facts = {name: Fact(fact) for name, fact in facts.items()}
    facts["without"] = Fact(WITHOUT.format_map(facts))
    facts["for_each"] = Fact(FOR_EACH.format_map(facts))
    advice = _advice(provider, client_is_there=_is_there(seen)).format_map(facts)
    confirmed = CONFIRMED.format_map(facts) if _to_be_confirmed(registry, seen) else ""
    about_harbor = "" if provider and provider.name in WITHOUT_THAT_SCOPE else _about_harbor(seen)
    return "\n".join(filter(None, (_heading(registry, seen, provider), advice, confirmed, about_harbor)))


def _to_be_confirmed(registry: Registry, seen: FirstLook) -> bool:
    """Whether people with a client have to say that the provider is theirs, as far as that shows without asking it."""
    provider = recognised(seen)
    is_of_use = provider is None or provider.takes_second
    return bool(is_of_use and not registry.issuer and seen.provider and not seen.provider.iss_parameter_supported)


def _advice(provider: Provider | None, *, client_is_there: bool) -> str:
    if client_is_there and (provider is None or provider.takes_second):
        is_keycloak = provider is not None and provider.name == "Keycloak"
        return f"{THERE}\n{KEYCLOAK_THERE}" if is_keycloak else THERE
    return provider.advice if provider else OTHER


def recognised(seen: FirstLook) -> Provider | None:
    """Which product it is, where its addresses show that; None: they are those of several, or of another."""
    return next((each for each in PROVIDERS if _has_its_place(seen, each) or _has_its_document(seen, each)), None)


def _has_its_place(seen: FirstLook, provider: Provider) -> bool:
    parts = urlsplit(seen.redirect.authorization_endpoint)
    return re.fullmatch(provider.endpoint, f"{parts.hostname}{parts.path}") is not None


def _has_its_document(seen: FirstLook, provider: Provider) -> bool:
    if seen.provider is None or provider.document is None:
        return False
    endpoints = (seen.provider.authorization_endpoint, seen.provider.token_endpoint, seen.provider.jwks_uri)
    beginning = endpoints[0].removesuffix(provider.document[0])
    return endpoints == tuple(beginning + end for end in provider.document)


def keycloak_client(registry: Registry, seen: FirstLook) -> dict[str, Any]:
    """Our client as a ClientRepresentation of Keycloak's Admin REST API."""
    harbor_client_id = seen.redirect.client_id
    return {
        "clientId": registry.client_id,
        "name": "Docker credential helper for Harbor",
        "protocol": "openid-connect",
        "publicClient": True,
        "standardFlowEnabled": True,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": False,
        "redirectUris": [registry.redirect_uri],
        "webOrigins": [],
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "oauth2.device.authorization.grant.enabled": "true",
        },
        "protocolMappers": [
            {
                "name": f"audience {harbor_client_id}",
                "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "config": {
                    "included.client.audience": harbor_client_id,
                    "id.token.claim": "true",
                    "access.token.claim": "false",
                },
            }
        ],
    }


def _is_there(seen: FirstLook) -> bool:
    """Whether the provider was asked for the client and its redirect URI, and took them."""
    return seen.provider is not None and seen.hindrance is None


def _issuer(seen: FirstLook) -> str:
    if seen.provider:
        return seen.provider.issuer
    return seen.redirect.authorization_endpoint.removesuffix("/protocol/openid-connect/auth")


def _realm(seen: FirstLook) -> tuple[str, str]:
    """Keycloak's own address, and the realm by its name. Raises BrokenAnswer."""
    endpoint = seen.redirect.authorization_endpoint
    base, _, path = endpoint.rpartition("/realms/")
    realm = unquote(path.partition("/")[0])
    if not is_plain(realm, LONGEST_NAME) or "/" in realm:
        raise BrokenAnswer(host=host_of(endpoint), reason="a realm whose name is none")
    return base, realm


def _heading(registry: Registry, seen: FirstLook, provider: Provider | None) -> str:
    found = [
        f"Harbor                  {registry.name}",
        f"identity provider       {f'{provider.name}, ' if provider else ''}{_issuer(seen)}",
        f"Harbor's client there   {seen.redirect.client_id}",
    ]
    if _is_there(seen):
        found.append(f"the helper's client     {registry.client_id}: it is there, with its redirect URI")
    return "\n".join((*found, ""))


def _about_harbor(seen: FirstLook) -> str:
    if seen.redirect.asks_for_offline_access:
        return "Harbor asks for offline access: its sessions outlive the browser's."
    return (
        "In Harbor, Administration > Configuration > Authentication > OIDC Scope: add offline_access. Without it\n"
        "Harbor's side of a sign-in ends with the browser's session at the provider."
    )
