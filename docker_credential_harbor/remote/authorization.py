"""The one authorization request to the identity provider, and the one check of its answer.

Source: RFC 6749 4.1, RFC 7636 (PKCE), OpenID Connect Core 1.0 3.1.2, RFC 9207 (iss). A person's browser goes there with
it and comes back with the answer, or a Kerberos ticket does. Asked by nobody, the provider's first answer to it shows
whether it takes client and redirect URI.
"""

import hmac
import secrets
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from docker_credential_harbor import model
from docker_credential_harbor.errors import ClientUnknown
from docker_credential_harbor.model import DEFAULT_SCOPES, OFFLINE_ACCESS, LoginRedirect, Provider, Registry
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.remote import identity_provider

if TYPE_CHECKING:
    from docker_credential_harbor.model import TokenSet
    from docker_credential_harbor.remote.web.answer import Answer
    from docker_credential_harbor.remote.web.transport import Transport

CLIENT_NOT_FOUND = 404  # Dex's answer to a client that it does not know
ANY_PORT = 49152  # the first dynamic one (RFC 6335), where the redirect URI is only looked at
RANDOM_BYTES = 32  # of state, nonce and code_verifier: 43 characters, RFC 7636's least for a verifier


# --- The request ------------------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """One authorization request, with what only we know of it."""

    provider: Provider
    registry: Registry  # with the client that asks
    redirect_uri: str
    scopes: tuple[str, ...]
    further: tuple[tuple[str, str], ...]  # what Harbor adds
    login_hint: str | None
    state: str
    nonce: str
    code_verifier: str

    def __repr__(self) -> str:
        return model.shown(self, hidden=("state", "nonce", "code_verifier"))

    @property
    def url(self) -> str:
        """Where the person signs in (RFC 6749 4.1.1, RFC 7636 4.3, OIDC Core 3.1.2.1)."""
        from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

        url: str = prepare_grant_uri(
            self.provider.authorization_endpoint,
            self.registry.client_id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=" ".join(self.scopes),
            state=self.state,
            nonce=self.nonce,
            code_challenge=create_s256_code_challenge(self.code_verifier),
            code_challenge_method="S256",
            login_hint=self.login_hint,
        )
        return str(add_params_to_uri(url, self.further))

    @property
    def offline(self) -> bool:
        """Whether it asks for offline_access."""
        return OFFLINE_ACCESS in self.scopes

    def without_offline_access(self) -> "Request":
        """Another one, for the same."""
        scopes = without_offline_access(self.scopes)
        return request(self.provider, self.registry, self.redirect_uri, scopes, self.further, self.login_hint)


def request(
    provider: Provider,
    registry: Registry,
    redirect_uri: str,
    scopes: tuple[str, ...],
    further: tuple[tuple[str, str], ...] = (),
    login_hint: str | None = None,
) -> Request:
    """A new one, which nobody else can know."""
    state, nonce, code_verifier = (secrets.token_urlsafe(RANDOM_BYTES) for _ in range(3))
    return Request(provider, registry, redirect_uri, scopes, further, login_hint, state, nonce, code_verifier)


def scopes_for(registry: Registry, redirect: LoginRedirect) -> tuple[str, ...]:
    """The configured scopes as they stand; else the default ones, with offline_access only where Harbor asks for it.

    Where Harbor does not, its own token dies with the browser's session anyway, and nothing would be gained.
    """
    if registry.scopes is not None:
        return registry.scopes
    return (*DEFAULT_SCOPES, OFFLINE_ACCESS) if OFFLINE_ACCESS in redirect.scopes else DEFAULT_SCOPES


def without_offline_access(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """For a provider that has refused it."""
    return tuple(scope for scope in scopes if scope != OFFLINE_ACCESS)


# --- The answer -------------------------------------------------------------------------------------------------------


class NotTaken(Enum):
    """Why what came to the redirect URI is not the answer."""

    TWICE = "a parameter is there twice"
    OTHER_SIGN_IN = "it belongs to no sign-in that is under way"
    OTHER_PROVIDER = "it does not come from the expected identity provider"
    NEITHER = "it brings neither a code nor an error"


class Response(NamedTuple):
    """The provider's answer (RFC 6749 4.1.2): a code, or an ``error``, which goes first."""

    code: str
    error: str = ""
    description: str = ""

    def __repr__(self) -> str:
        return model.shown(self, hidden=("code",))

    @property
    def reason(self) -> str:
        """The error for people, cleaned."""
        return shown(self.description or self.error)

    @property
    def refuses_offline_access(self) -> bool:
        """Whether the error is about the scopes that we asked for (RFC 6749 4.1.2.1)."""
        return self.error == "invalid_scope" or (bool(self.error) and OFFLINE_ACCESS in self.description)


def response_to(asked: Request, query: str) -> Response | NotTaken:
    """The answer to this very request, from the query with which somebody came to the redirect URI."""
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        return NotTaken.TWICE
    if not hmac.compare_digest(parameters.get("state", "").encode(), asked.state.encode()):
        return NotTaken.OTHER_SIGN_IN
    iss = parameters.get("iss")
    if iss != asked.provider.issuer and (iss is not None or asked.provider.iss_parameter_supported):
        return NotTaken.OTHER_PROVIDER
    code, error = parameters.get("code", ""), parameters.get("error", "")
    return Response(code, error, parameters.get("error_description", "")) if code or error else NotTaken.NEITHER


def exchange(http: "Transport", asked: Request, code: str, now: float) -> "TokenSet":
    """The tokens for the answer's code; raises as identity_provider.exchange_code does. ``now`` is an instant."""
    return identity_provider.exchange_code(
        http,
        asked.provider,
        asked.registry,
        code=code,
        redirect_uri=asked.redirect_uri,
        code_verifier=asked.code_verifier,
        nonce=asked.nonce,
        now=now,
    )


# --- Asked by nobody --------------------------------------------------------------------------------------------------


def look_at_client(http: "Transport", provider: Provider, registry: Registry, redirect: LoginRedirect) -> None:
    """Whether the provider takes our client and its redirect URI, by a request that nobody is sent to.

    Raises ClientUnknown, Unreachable.
    """
    parts = urlsplit(registry.redirect_uri)
    netloc = parts.netloc if parts.port else f"{parts.netloc}:{ANY_PORT}"
    redirect_uri = urlunsplit(parts._replace(netloc=netloc))
    asked = request(provider, registry, redirect_uri, scopes_for(registry, redirect), redirect.further)
    check_client(http, registry, asked.url)


def check_client(http: "Transport", registry: Registry, url: str) -> None:
    """Whether the provider takes our authorization request, before a person is sent there with it.

    Raises ClientUnknown, Unreachable.
    """
    answer = first_answer(http, url)
    if is_refusal(answer) or answer.status == CLIENT_NOT_FOUND:
        raise ClientUnknown(registry=registry.name, client_id=registry.client_id, redirect_uri=registry.redirect_uri)
    check_is_clear(answer)


def first_answer(http: "Transport", url: str) -> "Answer":
    """To the authorization request at ``url``, by which nobody signs in. Raises Unreachable."""
    answer = http.request("GET", url)
    answer.raise_for_server_fault()
    return answer


def is_refusal(answer: "Answer") -> bool:
    """Whether it is a page that shows what is wrong with the authorization request.

    An unknown client or redirect URI must not be redirected (RFC 6749 4.1.2.1), and shows without anybody signing in.
    The status is left to the provider: 400 as a rule, 422 at some.
    """
    return answer.status in (400, 422)


def check_is_clear(answer: "Answer") -> None:
    """Any other 4xx can come from a proxy, a gateway or a limit. 401 is a Kerberos ticket's way (RFC 4559).

    Raises BrokenAnswer.
    """
    if 400 <= answer.status < 500 and answer.status != 401 and not is_refusal(answer):
        raise answer.unexpected()
