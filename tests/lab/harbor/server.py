"""The stand-in Harbor itself: its port, who is asking, the routes, and the handles that tests turn.

Source: Harbor's OIDC mode as recorded in tests/recordings/harbor.json, to which a test beside it holds this one.
On purpose, as in the real one, two requests at once that find a stored token expired refresh it twice.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.lab.harbor import api, csrf, pages, registry, sign_in
from tests.lab.harbor.provider import Provider, ProviderError, random_text
from tests.lab.harbor.records import Account, LocalAccount, Project, Robot, User, Users, instant_text
from tests.lab.harbor.sign_in import Session
from tests.lab.harbor.tokens import Signer, service_token, shared_signer
from tests.lab.web import Exchange, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

# As old sessions do in a real Harbor, only sooner: the demo runs for days.
MOST_SESSIONS = 10_000
# What another key makes of what was encrypted.
GARBLED = "\ufffd\x1b\x02\ufffd\ufffdq\x00\ufffd" * 3


@dataclass
class Request:
    """A request that came in. `user` is the name in a Basic pair."""

    method: str
    path: str
    scheme: str
    user: str
    headers: dict[str, str] = field(repr=False)
    exchange: Exchange = field(repr=False)
    at: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> int | None:
        """What was answered, known before the first byte leaves; None while nothing is."""
        return self.exchange.status


class StandInHarbor:
    """A running stand-in. `start` it, turn its handles, `close` it; all of it may be used from any thread."""

    def __init__(self, provider: Provider, signer: Signer, tls: tuple[str, str] | None, host: str) -> None:
        self.provider = provider
        self.clock = provider.clock
        self.signer = signer
        self.auth_mode = "oidc_auth"
        self.version = "v2.15.0-stand-in"
        self.auto_onboard = False
        self.user_claim = ""
        self.groups_claim = ""
        self.admin_group = ""
        # An empty one (a setting of Harbor's) makes a robot's name of every name in a Basic pair.
        self.robot_prefix = "robot$"
        self.users = Users(self.clock)
        self.robots: dict[str, Robot] = {}
        self.local_accounts: dict[str, LocalAccount] = {}
        self.projects: dict[str, Project] = {}
        self.requests: list[Request] = []
        self.registry: registry.Registry = registry.NoRegistry()
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._web = WebServer(self._respond, tls, clock=self.clock)
        self.port = self._web.port
        self.name = f"{host}:{self.port}"  # as in an image's name
        self.url = f"{self._web.url.partition('://')[0]}://{self.name}"
        # What Harbor's `external_url` setting says; a test with a proxy in front sets it to the proxy's.
        self.external_url = self.url

    @classmethod
    def start(
        cls,
        issuer: str,
        client_id: str = "harbor",
        client_secret: str = "harbor-client-secret",  # noqa: S107 - the lab's own
        scopes: str = "openid profile email offline_access",
        *,
        auto_onboard: bool = False,
        user_claim: str = "preferred_username",
        groups_claim: str = "",
        admin_group: str = "",
        extra_redirect_parms: dict[str, str] | None = None,
        registry: str | registry.Registry | None = None,
        tls: tuple[str, str] | None = None,
        verify: bool | str = True,
        signer: Signer | None = None,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
    ) -> StandInHarbor:
        """Starts at once. `tls`: certificate and key files; `verify`: how the provider's certificate is looked at.

        `clock`: its wall clock, seconds since 1970. `host`: by which loopback name it goes.
        """
        provider = Provider(issuer, client_id, client_secret, scopes, verify, clock)
        provider.extra_redirect_parms = extra_redirect_parms or {}
        harbor = cls(provider, signer or shared_signer(), tls, host)
        harbor.auto_onboard, harbor.user_claim = auto_onboard, user_claim
        harbor.groups_claim, harbor.admin_group = groups_claim, admin_group
        if registry is not None:
            harbor.set_registry(registry)
        return harbor

    @property
    def refreshes(self) -> int:
        """How many refresh requests Harbor has made, granted or not."""
        return self.provider.refreshes

    def set_registry(self, behind: str | registry.Registry) -> None:
        """What keeps the images: a registry's URL, or an object. A real one needs this Harbor's port to start."""
        scheme = self.external_url.partition("://")[0]
        self.registry = registry.RegistryBehind(behind, scheme) if isinstance(behind, str) else behind

    def onboard(self, username: str, email: str = "", sub: str = "") -> User:
        """Makes a record as onboarding does, but without a stored token (a walk brings one); ConflictError if taken."""
        return self.users.add(username, email or f"{username}@example.com", sub + self.provider.issuer)

    def add_robot(self, name: str, secret: str) -> None:
        """A robot account, with or without the usual `robot$`."""
        self.robots[name] = Robot(name, secret)

    def add_local(self, name: str, password: str) -> None:
        """An account in Harbor's own database."""
        self.local_accounts[name] = LocalAccount(self.users.next_id(), name, password)

    def add_project(self, name: str, public: bool = False, group: str = "") -> None:
        """A project, of people perhaps only for those in a group; the registry keeps its repositories."""
        self.projects[name] = Project(name, public, group)

    def set_secret(self, username: str, secret: str) -> None:
        """The person made another secret on Harbor's page."""
        self.users[username].set_secret(secret)

    def garble_secret(self, username: str) -> None:
        """Harbor's secretKey changed: users/current shows unreadable bytes, no secret fits until one is set."""
        self.users[username].garbled = GARBLED

    def change_secret_key(self) -> None:
        """Harbor's secretKey changed and its core started anew: its own secret at the provider is unreadable, too.

        Every walk is refused until an administrator enters that one again (`provider.client_secret`).
        """
        self.provider.client_secret = GARBLED
        for user in self.users:
            user.garbled, user.stored_token = GARBLED, None

    def expire_stored_access_token(self, username: str) -> None:
        """The next use refreshes."""
        token = self.users[username].stored_token
        if token is not None:
            token.expires_at = 0

    def make_older(self, seconds: float) -> None:
        """As if what it keeps of its users had been stored so much earlier."""
        for user in self.users:
            stored_at = datetime.fromisoformat(user.update_time.replace("Z", "+00:00")).timestamp()
            user.update_time = instant_text(stored_at - seconds)
            if user.stored_token:
                user.stored_token.expires_at -= seconds

    def kill_stored_token(self, username: str, keep_garbled: bool = True) -> None:
        """The next use is refused, until a walk: the refresh token is refused, or missing with keep_garbled False."""
        token = self.users[username].stored_token
        if token is not None:
            token.expires_at, token.refresh_token = 0, "dead" if keep_garbled else None

    def log_out(self, username: str) -> None:
        """The person logged out on Harbor's page (`oidc_logout`): that ends the session at the provider as well.

        What Harbor stored stays, and works until its access token has expired.
        """
        token = self.users[username].stored_token
        if token is not None:
            self.provider.end_session(token)

    def requests_to(self, path: str, method: str = "") -> list[Request]:
        """The requests so far whose path begins like this."""
        return [seen for seen in list(self.requests) if seen.path.startswith(path) and method in ("", seen.method)]

    def clear_requests(self) -> None:
        """Forgets the requests so far."""
        self.requests = []

    def down(self) -> None:
        """Refuses connections from now on."""
        self._web.down()

    def up(self) -> None:
        """Answers again, with all it knew."""
        self._web.up()

    def close(self) -> None:
        """Ends the server and every request that hangs in it."""
        self._web.close()

    def __enter__(self) -> StandInHarbor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # From here on: what the other files of this folder ask.

    def account_of(self, exchange: Exchange) -> Account | None:
        """Who is asking; None when nobody is named or what they show is worth nothing now."""
        scheme, _, value = exchange.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._owner_of(value)
        if scheme.lower() == "basic":
            name, password = basic_pair(value)
            return self._login(name, password)
        return None

    def name_of(self, account: Account | None) -> str:
        """Harbor's name for an account; empty for nobody."""
        if account is None:
            return ""
        return account.username if isinstance(account, User) else account.name

    def rename_session(self, session: Session) -> str:
        """Keeps a session under a new name: the cookie for it."""
        with self._lock:
            for name in [name for name, kept in self._sessions.items() if kept is session]:
                del self._sessions[name]
            return self._keep(session)

    def _owner_of(self, id_token: str) -> User | None:
        try:
            claims = self.provider.verify(id_token)
        except ProviderError:
            return None
        return self.users.by_subiss(claims["sub"] + claims["iss"])

    def _login(self, name: str, password: str) -> Account | None:
        robot, local, user = self.robots.get(name), self.local_accounts.get(name), self.users.get(name)
        if robot is not None and secrets.compare_digest(robot.secret.encode(), password.encode()):
            return robot
        if local is not None and secrets.compare_digest(local.password.encode(), password.encode()):
            return local
        if self.robot_prefix and user is not None and user.accepts(password) and self._stored_token_lives(user):
            return user
        return None

    def _stored_token_lives(self, user: User) -> bool:
        """Refreshes on use and then asks whose it is; no lock, and stored only afterwards, as the real one does it."""
        token = user.stored_token
        if token is None:
            return False
        try:
            if token.is_expired(self.clock()):
                token = self.provider.refresh(token)
                user.store(token)
            told = self.provider.person_of(token)
        except ProviderError:
            return False
        user.groups = frozenset(told.get(self.groups_claim) or ()) if self.groups_claim else frozenset()
        user.is_admin = bool(self.admin_group) and self.admin_group in user.groups
        return True

    def _respond(self, exchange: Exchange) -> None:
        scheme, _, value = exchange.headers.get("Authorization", "").partition(" ")
        user = basic_pair(value)[0] if scheme.lower() == "basic" else ""
        seen = Request(exchange.method, exchange.target, scheme, user, dict(exchange.headers.items()), exchange)
        self.requests.append(seen)
        session = self._session(exchange)
        if csrf.guards(exchange) and not csrf.passes(exchange, session):
            api.refuse(exchange, 403, "FORBIDDEN", csrf.MISSING)
            return
        self._route(exchange, session)

    def _route(self, exchange: Exchange, session: Session) -> None:
        parts = exchange.path.strip("/").split("/")
        match (exchange.method, parts):
            case ("GET", ["api", "v2.0", "systeminfo"]):
                api.system_info(self, exchange)
            case ("GET", ["api", "v2.0", "users", "current"]):
                api.current_user(self, exchange)
            case ("PUT", ["api", "v2.0", "users", user_id, "cli_secret"]) if user_id.isdigit():
                api.set_cli_secret(self, exchange, user_id)
            case (_, ["service", "token"]):
                service_token(self, exchange)
            case (_, ["v2", *_]):
                registry.serve(self, exchange)
            case ("GET", ["c", "oidc", "login"]):
                sign_in.login(self, exchange, session)
            case ("GET", ["c", "oidc", "callback"]):
                sign_in.callback(self, exchange, session)
            case ("POST", ["c", "oidc", "onboard"]):
                sign_in.onboard(self, exchange, session)
            case ("GET", ["oidc-onboard"]):
                sign_in.onboard_page(exchange, session)
            case ("GET", [""] | ["harbor", *_]):
                exchange.answer_html(200, pages.portal(session.username))
            case _:
                api.refuse(exchange, 404, "NOT_FOUND", f"path {exchange.path} was not found")

    def _session(self, exchange: Exchange) -> Session:
        with self._lock:
            session = self._sessions.get(exchange.cookies.get(csrf.SESSION_COOKIE, ""))
            if session is None:
                session = Session()
                exchange.extra_headers.append(("Set-Cookie", self._keep(session)))
            return session

    def _keep(self, session: Session) -> str:
        if len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        name = random_text()
        self._sessions[name] = session
        return f"{csrf.SESSION_COOKIE}={name}; Path=/; HttpOnly"


def basic_pair(value: str) -> tuple[str, str]:
    """The pair in a Basic header; two empty strings when it cannot be read."""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
