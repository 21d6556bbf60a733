"""`/c/oidc`: a person's sign-in to Harbor's web page, and onboarding at the first one.

Source: tests/recordings/harbor.json (login-*, callback-*, onboard*); OpenID Connect Core 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.lab.harbor import pages
from tests.lab.harbor.api import refuse
from tests.lab.harbor.provider import ProviderError, random_text
from tests.lab.harbor.records import ILLEGAL_IN_NAMES, ConflictError, StoredToken, User

if TYPE_CHECKING:
    from tests.lab.harbor.server import StandInHarbor
    from tests.lab.web import Exchange


@dataclass
class Session:
    """What Harbor remembers behind the cookie `sid`."""

    csrf_token: str = field(default_factory=random_text)
    state: str = ""
    verifier: str = ""
    redirect_url: str = ""
    username: str = ""
    # Between a stranger's callback and their choice of a name.
    token: StoredToken | None = None
    claims: dict[str, Any] = field(default_factory=dict)


def login(harbor: StandInHarbor, exchange: Exchange, session: Session) -> None:
    """GET /c/oidc/login: to the provider."""
    if harbor.auth_mode != "oidc_auth":
        refuse(exchange, 412, "PRECONDITION", "the auth mode is not oidc based.")
        return
    target = exchange.parameter("redirect_url")
    if target and (not target.startswith("/") or target.startswith(("//", "/\\"))):
        refuse(exchange, 400, "BAD_REQUEST", "cannot redirect to other site")
        return
    session.state, session.verifier, session.redirect_url = random_text(), random_text(), target
    try:
        url = harbor.provider.authorization_url(_callback_url(harbor), session.state, session.verifier)
    except ProviderError:
        refuse(exchange, 500, "UNKNOWN", "internal server error")
        return
    _found(exchange, url)


def callback(harbor: StandInHarbor, exchange: Exchange, session: Session) -> None:
    """GET /c/oidc/callback: the code becomes the stored token of a known user, or a stranger is onboarded."""
    # It is not forgotten by being used.
    if not session.state or exchange.parameter("state") != session.state:
        refuse(exchange, 400, "BAD_REQUEST", "State mismatch")
        return
    if error := exchange.parameter("error"):
        description = exchange.parameter("error_description")
        refuse(exchange, 400, "BAD_REQUEST", f"OIDC callback returned error: {error} - {description}")
        return
    try:
        token = harbor.provider.exchange(exchange.parameter("code"), _callback_url(harbor), session.verifier)
    except ProviderError as error:
        refuse(exchange, 400, "BAD_REQUEST", str(error))
        return
    try:
        verified = harbor.provider.verify(token.id_token)
        claims = harbor.provider.person_of(token)
    except ProviderError:
        refuse(exchange, 500, "UNKNOWN", "internal server error")
        return
    user = harbor.users.by_subiss(verified["sub"] + verified["iss"])
    if user is None and not harbor.auto_onboard:
        session.token, session.claims = token, claims
        proposed = {"username": _name(harbor, claims), "redirect_url": session.redirect_url}
        _found(exchange, f"/oidc-onboard?{urlencode(proposed)}")
        return
    if user is None:
        try:
            user = harbor.onboard(_name(harbor, claims), claims.get("email", ""), claims["sub"])
        except ConflictError as error:
            refuse(exchange, 409, "UNKNOWN", str(error))
            return
    user.store(token)
    _sign_in(harbor, exchange, session, user)
    _found(exchange, session.redirect_url or "/")


def onboard_page(exchange: Exchange, session: Session) -> None:
    """GET /oidc-onboard: the form for a user name."""
    page = pages.onboard(exchange.parameter("username"), session.csrf_token, exchange.parameter("redirect_url"))
    exchange.answer_html(200, page)


def onboard(harbor: StandInHarbor, exchange: Exchange, session: Session) -> None:
    """POST /c/oidc/onboard: the name a person chose, in the session of their callback."""
    name = str(exchange.json_body().get("username", ""))
    if session.token is None:
        refuse(exchange, 400, "BAD_REQUEST", "Failed to get OIDC token from session")
        return
    if any(letter in ILLEGAL_IN_NAMES for letter in name):
        refuse(exchange, 400, "BAD_REQUEST", f"username {name} contains illegal characters: {ILLEGAL_IN_NAMES}")
        return
    try:
        user = harbor.onboard(name, session.claims.get("email", ""), session.claims["sub"])
    except ConflictError as error:
        refuse(exchange, 409, "UNKNOWN", str(error))
        return
    user.store(session.token)
    session.token = None
    _sign_in(harbor, exchange, session, user)
    exchange.answer(200)


def _sign_in(harbor: StandInHarbor, exchange: Exchange, session: Session, user: User) -> None:
    """A session that gains a person gets a new name."""
    session.username = user.username
    exchange.extra_headers.insert(0, ("Set-Cookie", harbor.rename_session(session)))


def _found(exchange: Exchange, url: str) -> None:
    """302 as Go's http.Redirect writes it."""
    body = f'<a href="{escape(url)}">Found</a>.\n\n'
    exchange.redirect(url, [("Content-Type", "text/html; charset=utf-8")], body.encode())


def _callback_url(harbor: StandInHarbor) -> str:
    return f"{harbor.external_url}/c/oidc/callback"


def _name(harbor: StandInHarbor, claims: dict[str, Any]) -> str:
    """The name that Harbor proposes, or gives when it onboards by itself; with no claim set the full name."""
    return str(claims.get(harbor.user_claim or "name", "")).replace(" ", "_")
