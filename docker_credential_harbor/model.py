"""Values that travel between the files: frozen, without I/O, with every secret left out of ``repr``.

They are NamedTuples, which are made nine times as fast as dataclasses: every `get` that is not warm makes all of them.

Durations end in their unit.

The annotations are not put off (``from __future__``): compiled one by one as texts they would cost more than all else
here, and outside/json_record.py reads them.
"""

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NewType

from docker_credential_harbor.outside import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = "docker-credential-harbor"
DEFAULT_CLIENT_ID = "docker-credential-harbor"
DEFAULT_REDIRECT_URI = "http://127.0.0.1/callback"
DEFAULT_SCOPES = ("openid", "profile", "email")
OFFLINE_ACCESS = "offline_access"

Instant = Annotated[float, "seconds since the epoch by this machine's clock"]
HarborsInstant = Annotated[str, "as Harbor writes one, by its own clock"]
StorageChoice = Literal["auto", "keyring", "kernel", "file"]
LoginChoice = Literal["auto", "browser", "device", "never"]


def shown(record: Any, hidden: tuple[str, ...]) -> str:
    """A NamedTuple's ``repr`` without its secrets."""
    fields = (f"{name}={value!r}" for name, value in zip(record._fields, record, strict=True) if name not in hidden)
    return f"{type(record).__name__}({', '.join(fields)})"


class Registry(NamedTuple):
    """One ``[registries."NAME"]`` table of the configuration."""

    name: str
    url: str  # no trailing slash
    issuer: str | None = None
    client_id: str = DEFAULT_CLIENT_ID  # "" means that there is no client for us at the provider
    client_secret: str = ""
    redirect_uri: str = DEFAULT_REDIRECT_URI
    scopes: tuple[str, ...] | None = None  # None: the default ones, and offline_access where Harbor asks for it
    ca_file: "Path | None" = None

    def __repr__(self) -> str:
        return shown(self, hidden=("client_secret",))

    @property
    def key(self) -> str:
        """What a pair that somebody stores for it is kept under, however they spelt the server URL."""
        return f"https://{self.name}"


class Settings(NamedTuple):
    """The whole configuration: the keys above the first table, and the registries by name."""

    login: LoginChoice = "auto"
    storage: StorageChoice = "auto"
    cache_ttl_seconds: float = 300
    timeout_seconds: float = 10
    login_timeout_seconds: float = 120
    negotiate: Literal["auto", "never"] = "auto"
    registries: "Mapping[str, Registry]" = MappingProxyType({})


class Credentials(NamedTuple):
    """A pair as Docker uses it: Harbor's user name (not the provider's) and the CLI secret, or a robot's pair."""

    username: str
    secret: str

    def __repr__(self) -> str:
        return shown(self, hidden=("secret",))

    @property
    def who(self) -> str:
        """The user name for messages: Docker stores any."""
        return clean_text.shown(self.username)


ID_TOKEN_EARLY_SECONDS = 5


class TokenSet(NamedTuple):
    """Our own tokens (RFC 6749 5.1, OIDC Core 3.1.3.3). Of the access token only its life is kept: nothing uses it."""

    issuer: str
    subject: str
    person: str  # preferred_username, else email, else sub: for messages
    audience: tuple[str, ...]
    id_token: str
    id_token_expires_at: Instant
    refresh_token: str | None
    access_token_life_seconds: float | None
    refresh_token_life_seconds: float | None = None  # 0: it does not expire by itself; None: the provider does not tell
    refreshed_at: Instant | None = None  # when the provider gave the refresh token; None: an older version kept it

    def __repr__(self) -> str:
        return shown(self, hidden=("id_token", "refresh_token"))

    def id_token_is_over(self, now: float) -> bool:
        """Whether Harbor would refuse the ID token for its age at that instant; seconds early, since it travels."""
        return now >= self.id_token_expires_at - ID_TOKEN_EARLY_SECONDS

    @property
    def login_hint(self) -> str | None:
        """The name that the person types at the provider (OIDC Core 3.1.2.1); nobody types a ``sub``."""
        return self.person if self.person != self.subject else None


# An ID token that may leave for its registry (shared_audience.py): Harbor's client takes no other.
ReleasedIdToken = NewType("ReleasedIdToken", str)


class SignInResult(NamedTuple):
    """Our tokens, and whether the provider refused offline_access, so that they last shorter."""

    tokens: TokenSet
    offline_access_refused: bool
    sent_on_at: Instant | None = None  # when the browser was sent on to Harbor's login; None: it was not


class DeviceCode(NamedTuple):
    """The answer to a device authorization request (RFC 8628 3.2)."""

    device_code: str
    user_code: str  # for the person to compare, or to type
    verification_uri: str
    verification_uri_complete: str | None  # with the user code in it
    expires_in_seconds: float
    interval_seconds: float  # between two polls

    def __repr__(self) -> str:
        return shown(self, hidden=("device_code",))


class SignIn(NamedTuple):
    """What is kept of a person who signed in: the tokens, and the last known pair once Harbor told it."""

    tokens: TokenSet
    pair: Credentials | None = None


class PairKind(Enum):
    """Whose a stored pair is (harbor.py says how it is found out)."""

    UNKNOWN = "unknown"
    ROBOT = "robot"
    LOCAL = "local"
    PERSON = "person"


class StoredPair(NamedTuple):
    """A pair that somebody stored (``docker login``): it wins over a sign-in until ``erase``."""

    pair: Credentials
    kind: PairKind = PairKind.UNKNOWN


class CurrentUser(NamedTuple):
    """Harbor's answer to ``GET /api/v2.0/users/current`` with an ID token."""

    user_id: int
    username: str
    secret: str | None  # None: unreadable bytes, Harbor's secretKey has changed
    token_updated_at: HarborsInstant = ""  # oidc_user_meta.update_time; moves when Harbor stores a token
    token_age_seconds: float | None = None  # since then, by Harbor's own clock; None: its answer does not tell

    def __repr__(self) -> str:
        return shown(self, hidden=("secret",))


class SystemInfo(NamedTuple):
    """Harbor's answer to ``GET /api/v2.0/systeminfo``; some of it is told to people who are signed in only."""

    auth_mode: str  # oidc_auth, db_auth, …
    version: str  # "": not told
    clock: float | None  # what Harbor's clock showed, from the Date header (RFC 9110 6.6.1)


class LoginRedirect(NamedTuple):
    """Where ``GET /c/oidc/login`` of Harbor leads: readable without any account."""

    authorization_endpoint: str  # without its query
    client_id: str
    scopes: tuple[str, ...]
    further: tuple[tuple[str, str], ...] = ()  # what Harbor's administrator adds to the request (harbor.py)
    redirect_uri: str = ""  # Harbor's own callback; "": an older version did not note it

    @property
    def asks_for_offline_access(self) -> bool:
        """Whether Harbor's sign-in outlives the browser's session: by scope, or as Google has it."""
        return OFFLINE_ACCESS in self.scopes or ("access_type", "offline") in self.further


class Provider(NamedTuple):
    """The part of a provider's discovery document that is used (OpenID Connect Discovery 1.0, RFC 8414)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    iss_parameter_supported: bool = False  # authorization_response_iss_parameter_supported, RFC 9207
    pairwise_only: bool = False  # subject_types_supported: each client is given another sub (OIDC Core 8)
    revokes_one_session: bool = False  # known to end, with a refresh token, no other sign-in of the person

    @property
    def endpoint_without_query(self) -> str:
        """The authorization endpoint as a LoginRedirect has it: it may have a query of its own (RFC 6749 3.1)."""
        return self.authorization_endpoint.partition("?")[0]


class Pin(NamedTuple):
    """The provider that a registry is held to, and what that has vouched for: Harbor's client there and its callback.

    The last two are "" where a person took a new issuer that has not vouched for them yet.
    """

    issuer: str
    harbor_client_id: str
    redirect_uri: str


class Word(NamedTuple):
    """A provider's word for a registry, as long as it is not the one that makes a pin: what it said of a callback.

    ``refuses_made_up`` None: it was not asked that.
    """

    of: Pin
    takes_own: bool
    refuses_made_up: bool | None = None


class EarlyEnds(NamedTuple):
    """Of tokens that Harbor stored, one after the other: each was found dead minutes later, never refreshed.

    One alone may have been revoked; where they all end so, the provider gives Harbor no refresh token.
    """

    times: int
    age_seconds: float  # the least at which one was found so
    token_updated_at: HarborsInstant  # of the last, as in CurrentUser


class StoredToken(NamedTuple):
    """What is known of the token that Harbor stored for the person, and of the life of all such tokens.

    It was stored between two instants by this machine's clock (None: not known), when Harbor's ``update_time`` became
    what it is (""). Proven of the life: at least, at most (None: nothing yet).
    """

    earliest_at: Instant | None = None
    latest_at: Instant | None = None
    updated_at: HarborsInstant = ""  # "": it was not read since, or moved for another reason
    least_seconds: float | None = None
    most_seconds: float | None = None


class UpdateTime(NamedTuple):
    """One reading of ``update_time`` after a probe that passed; the instants bound both requests."""

    probe_began_at: Instant
    probe_ended_at: Instant
    began_at: Instant
    ended_at: Instant
    updated_at: HarborsInstant
    age_seconds: float | None  # by Harbor's clock, when it answered
