"""Values that travel between the files: frozen, without I/O, with every secret left out of ``repr``.

Instants (``…_at``) are seconds since the epoch by this machine's clock; durations end in their unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_CLIENT_ID = "docker-credential-harbor"
DEFAULT_REDIRECT_URI = "http://127.0.0.1/callback"
DEFAULT_SCOPES = ("openid", "profile", "email")
OFFLINE_ACCESS = "offline_access"

StorageChoice = Literal["auto", "keyring", "kernel", "file"]
LoginChoice = Literal["auto", "browser", "device", "never"]


@dataclass(frozen=True)
class Registry:
    """One ``[registries."NAME"]`` table of the configuration."""

    name: str
    url: str  # no trailing slash
    issuer: str | None = None
    client_id: str = DEFAULT_CLIENT_ID  # "" means that there is no client for us at the provider
    client_secret: str = field(default="", repr=False)
    redirect_uri: str = DEFAULT_REDIRECT_URI
    scopes: tuple[str, ...] | None = None  # None: the default ones, and offline_access where Harbor asks for it
    ca_file: Path | None = None


@dataclass(frozen=True)
class Settings:
    """The whole configuration: the keys above the first table, and the registries by name."""

    login: LoginChoice = "auto"
    storage: StorageChoice = "auto"
    cache_ttl_seconds: float = 300
    timeout_seconds: float = 10
    login_timeout_seconds: float = 120
    negotiate: Literal["auto", "never"] = "auto"
    registries: dict[str, Registry] = field(default_factory=dict)


@dataclass(frozen=True)
class Credentials:
    """A pair as Docker uses it: Harbor's user name (not the provider's) and the CLI secret, or a robot's pair."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class TokenSet:
    """Our own tokens (RFC 6749 5.1, OIDC Core 3.1.3.3). Of the access token only its life is kept: nothing uses it."""

    issuer: str
    subject: str
    person: str  # preferred_username, else email, else sub: for messages
    audience: tuple[str, ...]
    id_token: str = field(repr=False)
    id_token_expires_at: float
    refresh_token: str | None = field(repr=False)
    access_token_life_seconds: float | None
    refresh_token_life_seconds: float | None = None  # 0: it does not expire by itself; None: the provider does not tell
    refreshed_at: float | None = None  # when the provider gave the refresh token; None: an older version kept it

    @property
    def login_hint(self) -> str | None:
        """The name that the person types at the provider (OIDC Core 3.1.2.1); nobody types a ``sub``."""
        return self.person if self.person != self.subject else None


@dataclass(frozen=True)
class SignInResult:
    """Our tokens, and whether the provider refused offline_access, so that they last shorter."""

    tokens: TokenSet
    offline_access_refused: bool
    sent_on_at: float | None = None  # when the browser was sent on to Harbor's login; None: it was not


@dataclass(frozen=True)
class DeviceCode:
    """The answer to a device authorization request (RFC 8628 3.2)."""

    device_code: str = field(repr=False)
    user_code: str  # for the person to compare, or to type
    verification_uri: str
    verification_uri_complete: str | None  # with the user code in it
    expires_in_seconds: float
    interval_seconds: float  # between two polls


@dataclass(frozen=True)
class SignIn:
    """What is kept of a person who signed in: the tokens, and the last known pair once Harbor told it."""

    tokens: TokenSet
    pair: Credentials | None = None


class PairKind(Enum):
    """Whose a stored pair is (harbor.py says how it is found out)."""

    UNKNOWN = "unknown"
    ROBOT = "robot"
    LOCAL = "local"
    PERSON = "person"


@dataclass(frozen=True)
class StoredPair:
    """A pair that somebody stored (``docker login``): it wins over a sign-in until ``erase``."""

    pair: Credentials
    kind: PairKind = PairKind.UNKNOWN


@dataclass(frozen=True)
class CurrentUser:
    """Harbor's answer to ``GET /api/v2.0/users/current`` with an ID token."""

    user_id: int
    username: str
    secret: str | None = field(repr=False)  # None: unreadable bytes, Harbor's secretKey has changed
    token_updated_at: str = ""  # oidc_user_meta.update_time, as Harbor writes it; moves when Harbor stores a token
    token_age_seconds: float | None = None  # since then, by Harbor's own clock; None: its answer does not tell


@dataclass(frozen=True)
class LoginRedirect:
    """Where ``GET /c/oidc/login`` of Harbor leads: readable without any account."""

    authorization_endpoint: str  # without its query
    client_id: str
    scopes: tuple[str, ...]
    further: tuple[tuple[str, str], ...] = ()  # what Harbor's administrator adds to the request (harbor.py)


@dataclass(frozen=True)
class Provider:
    """The part of a provider's discovery document that is used (OpenID Connect Discovery 1.0, RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    iss_parameter_supported: bool = False  # authorization_response_iss_parameter_supported, RFC 9207


@dataclass(frozen=True)
class Freshness:
    """When Harbor last renewed the token that it stored: somewhere between two instants, as far as can be known here.

    ``doubtful_since`` is the first passing probe that may or may not have made Harbor refresh.
    """

    earliest_at: float
    latest_at: float
    doubtful_since: float | None = None
