"""What the embedded identity provider knows: its people, clients, sessions, codes and refresh tokens.

Source: RFC 6749, OpenID Connect Core 1.0; what it grants by them stands in provider_grants.py.
"""

from __future__ import annotations

import functools
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from joserfc.jwk import KeySet, RSAKey

from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT, password_of

if TYPE_CHECKING:
    from collections.abc import Callable

OFFLINE_SCOPE = "offline_access"
SCOPES = ("openid", "profile", "email", OFFLINE_SCOPE)
CODE_SECONDS = 60


@dataclass(frozen=True)
class Somebody:
    """A person of the provider; their password is the lab's usual one."""

    username: str

    @property
    def subject(self) -> str:
        return f"demo-{self.username}"

    def accepts(self, password: str) -> bool:
        return secrets.compare_digest(password_of(self.username).encode(), password.encode())

    def claims(self) -> dict[str, Any]:
        """What ID tokens say about them."""
        return {
            "sub": self.subject,
            "preferred_username": self.username,
            "name": self.username.capitalize(),
            "email": f"{self.username}@example.com",
            "email_verified": True,
        }


@dataclass(frozen=True)
class Client:
    """A client in authlib's sense. Its redirect URI is a path at loopback, on any port (RFC 8252 7.3)."""

    client_id: str
    secret: str
    redirect_path: str
    # Whom its ID tokens are for beside itself: at Keycloak, an audience mapper.
    further_audience: tuple[str, ...] = ()
    # Of its access and ID tokens, where they live otherwise than the others'.
    token_seconds: int | None = None
    gets_refresh_tokens: bool = True

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(word for word in (scope or "").split() if word in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        parts = urlsplit(redirect_uri)
        extra = parts.query or parts.fragment or parts.username
        at_loopback = parts.scheme in ("http", "https") and parts.hostname == "127.0.0.1"
        return at_loopback and parts.path == self.redirect_path and not extra

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(self.secret) and secrets.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") == (not self.secret)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Session:
    """Somebody signed in at a browser: what codes and refresh tokens hang on."""

    somebody: Somebody
    began_at: float
    used_at: float
    ended: bool = False
    name: str = field(default_factory=lambda: secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Code:
    """An authorization code, in authlib's sense."""

    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    session: Session
    code_challenge: str
    code_challenge_method: str
    expires_at: float

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.session.began_at)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(frozen=True)
class RefreshToken:
    """A refresh token, in authlib's sense."""

    value: str
    client_id: str
    scope: str
    session: Session

    @property
    def is_offline(self) -> bool:
        """Whether it outlives its session's idle time (OIDC Core 11)."""
        return OFFLINE_SCOPE in self.scope.split()

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id


@functools.cache
def shared_key() -> RSAKey:
    """One for all issuers of a process, since making one takes time."""
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig", "alg": "RS256"})


class Records:
    """All of it, in memory. Single dict operations only, so that any thread may use it.

    `session_idle_seconds`: a session ends that was not used for so long (None: never); `rotation`: each refresh token
    is good once; `clock`: the provider's wall clock.
    """

    def __init__(
        self,
        people: tuple[str, ...],
        *,
        token_seconds: int = 300,
        session_idle_seconds: int | None = None,
        rotation: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.rotation = rotation
        self.session_idle_seconds = session_idle_seconds
        self.people = {username: Somebody(username) for username in people}
        self.clients = {
            HARBOR_CLIENT: Client(HARBOR_CLIENT, HARBOR_CLIENT_SECRET, "/c/oidc/callback"),
            HELPER_CLIENT: Client(HELPER_CLIENT, "", "/callback", (HARBOR_CLIENT,)),
        }
        # Of access and ID tokens alike, as a realm has it.
        self.token_seconds = token_seconds
        self.key = shared_key()
        self.sessions: dict[str, Session] = {}
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        # Of each request to the token and revocation endpoints, the client and what came of it, as Keycloak names that.
        self.events: list[tuple[str, str]] = []

    def begin_session(self, somebody: Somebody) -> Session:
        """Somebody has just signed in at a browser."""
        now = self.clock()
        session = Session(somebody, began_at=now, used_at=now)
        self.sessions[session.name] = session
        return session

    def lives(self, session: Session) -> bool:
        """Whether the browser that it began at needs no form."""
        idle_seconds = self.clock() - session.used_at
        return not session.ended and (self.session_idle_seconds is None or idle_seconds < self.session_idle_seconds)

    def is_good(self, token: RefreshToken) -> bool:
        """Whether a refresh token that is known would be taken."""
        return not token.session.ended if token.is_offline else self.lives(token.session)

    def seconds_of(self, client: Client) -> int:
        """How long that client's access and ID tokens live."""
        return client.token_seconds or self.token_seconds

    def public_keys(self) -> dict[str, Any]:
        """What jwks_uri shows."""
        return dict(KeySet([self.key]).as_dict(private=False))

    def end_sessions(self, username: str) -> None:
        """At every browser; refresh tokens and codes that hang on them are refused from now on."""
        for session in list(self.sessions.values()):
            if session.somebody.username == username:
                session.ended = True

    def live_refresh_tokens(self, client_id: str) -> int:
        """How many of a client's could be used."""
        tokens = list(self.refresh_tokens.values())
        return sum(token.client_id == client_id and self.is_good(token) for token in tokens)
