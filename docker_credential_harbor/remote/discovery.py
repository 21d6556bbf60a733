"""Where the identity provider is: its discovery document, or the one found behind Harbor's login redirect.

Source: OpenID Connect Discovery 1.0, RFC 8414. Every function raises Unreachable when nobody answers, or when the
answer means nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from docker_credential_harbor.errors import BrokenAnswer, IssuerMismatch, ProviderNotFound, ServerFault
from docker_credential_harbor.model import Provider
from docker_credential_harbor.outside.clean_text import Said
from docker_credential_harbor.remote.web.transport import is_secure_url

if TYPE_CHECKING:
    from docker_credential_harbor.model import LoginRedirect, Registry
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport

WELL_KNOWN_PATH = "/.well-known/openid-configuration"
KEYCLOAK_AUTHORIZATION_PATH = "/protocol/openid-connect/auth"
KEYCLOAK_REVOCATION_PATH = "/protocol/openid-connect/revoke"
MOST_PREFIXES = 10  # of the authorization endpoint's path that are tried


def discover(http: Transport, issuer: str) -> Provider:
    """The provider that calls itself exactly ``issuer`` (Discovery 4.3). Raises IssuerMismatch."""
    answer = http.request("GET", issuer.rstrip("/") + WELL_KNOWN_PATH)
    answer.raise_for_server_fault()
    if answer.status != 200:
        raise answer.unexpected()
    document = answer.json_object()
    if document.value("issuer") != issuer:
        raise IssuerMismatch(issuer=issuer, found=document.shown("issuer") or "nothing")
    return _provider(issuer, document, answer)


def find(http: Transport, redirect: LoginRedirect, registry: Registry) -> Provider:
    """The provider behind Harbor's login: each shorter prefix of the authorization endpoint's path is asked.

    A Keycloak's realm, known by the path, comes first. The first discovery document whose authorization_endpoint is the
    redirect's own is taken. Where ``registry.issuer`` is set, it is that one's. Raises ProviderNotFound.
    """
    if registry.issuer is not None:
        return discover(http, registry.issuer)
    fault: ServerFault | None = None
    for prefix in _prefixes(redirect.authorization_endpoint):
        answer = http.request("GET", prefix + WELL_KNOWN_PATH)
        try:
            answer.raise_for_server_fault()
            document = answer.json_object() if answer.status == 200 else Said({})
        except ServerFault as error:  # some fail on paths that they do not know: another prefix may be right
            fault = error
            continue
        except BrokenAnswer:  # a web page, for one
            continue
        issuer = document.plain("issuer")
        right_place = issuer in (prefix, prefix + "/")
        if issuer and right_place and document.value("authorization_endpoint") == redirect.authorization_endpoint:
            return _provider(issuer, document, answer)
    if fault is not None:
        raise fault
    raise ProviderNotFound(registry=registry.name)


def _prefixes(endpoint: str) -> list[str]:
    """The endpoint without the last part of its path, without the last two, … and the host; Keycloak's realm first."""
    realm = endpoint.removesuffix(KEYCLOAK_AUTHORIZATION_PATH)
    parts = urlsplit(endpoint)
    segments = [segment for segment in parts.path.split("/") if segment][:MOST_PREFIXES]
    prefixes = [
        urlunsplit((parts.scheme, parts.netloc, "".join(f"/{segment}" for segment in segments[:kept]), "", ""))
        for kept in range(len(segments) - 1, -1, -1)
    ] or [urlunsplit((parts.scheme, parts.netloc, "", "", ""))]
    return sorted(prefixes, key=lambda prefix: prefix != realm)


def _provider(issuer: str, document: Said, answer: Answer) -> Provider:
    def needed(name: str) -> str:
        if document.value(name) is None:
            raise BrokenAnswer(host=answer.host, reason=f"it names no {name}")
        url = optional(name)
        if url is None:
            raise BrokenAnswer(host=answer.host, reason=f"its {name} is no https:// address")
        return url

    def optional(name: str) -> str | None:
        """One that cannot be used is as good as none: sign-in does not hang on it."""
        url = document.plain(name)
        return url if url and is_secure_url(url) else None

    revocation_endpoint = optional("revocation_endpoint")

    return Provider(
        issuer=issuer,
        authorization_endpoint=needed("authorization_endpoint"),
        token_endpoint=needed("token_endpoint"),
        jwks_uri=needed("jwks_uri"),
        revocation_endpoint=revocation_endpoint,
        device_authorization_endpoint=optional("device_authorization_endpoint"),
        iss_parameter_supported=document.value("authorization_response_iss_parameter_supported") is True,
        pairwise_only=document.value("subject_types_supported") == ["pairwise"],
        # Keycloaks before 26.1 end every session that the person has with the client (keycloak/keycloak#35486), and
        # other providers may; the other member came with 26.1 as well (keycloak/keycloak#35903).
        revokes_one_session=(revocation_endpoint or "").endswith(KEYCLOAK_REVOCATION_PATH)
        and document.value("prompt_values_supported") is not None,
    )
