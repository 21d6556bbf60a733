"""Whether Harbor's side has been renewed: what the worker asks Harbor while the person's browser walks its login.

The browser cannot be seen from here. What shows is that a refused pair passes the probe, and that ``update_time`` of
``users/current`` moves, since Harbor writes it whenever it stores a token.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.errors import AudienceShared, TokenTooLong, Unreachable
from docker_credential_harbor.model import Credentials
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import redaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import CurrentUser, Registry, ReleasedIdToken
    from docker_credential_harbor.remote.web.transport import Transport

WALK_IS_OVER_SECONDS = 5  # after the browser was sent to Harbor's login with a session at the provider that lives


class Renewed(NamedTuple):
    """Harbor's side is renewed: the pair that passes now, and the bounds of when Harbor stored its new token.

    ``pair`` None: Harbor cannot read its CLI secret, and a new one has to be set. ``earliest_at`` None: the pair
    passes, but nothing shows that Harbor's login was walked.
    """

    pair: Credentials | None
    earliest_at: float | None
    probed_at: float
    updated_at: str = ""  # update_time as it was read then


class Watch:
    """``id_token``: one that Harbor takes now; None where nobody is signed in here."""

    def __init__(
        self,
        http: Transport,
        registry: Registry,
        pair: Credentials | None,
        id_token: Callable[[], ReleasedIdToken | None],
    ) -> None:
        self._http = http
        self._registry = registry
        self._pair = pair
        self._id_token = id_token
        self._earliest_at = self._began_at = time.time()
        self._over_at = 0.0
        self._updated_at: str | None = ""  # None: Harbor could not be asked
        self.in_vain = False  # Harbor has stored a new token since the walk began, and refuses the pair all the same
        self.probed_at = 0.0

    def as_it_is(self) -> Renewed | None:
        """Whether Harbor's side is alive without a walk, asked once. Raises Unreachable."""
        user = self._user()
        if user is None or user.secret is None:
            return None
        shown = Credentials(user.username, user.secret)
        return self._renewed(shown, user, seen=False) if self.probe(shown) else None

    def before_walk(self) -> None:
        """To be called before Harbor's login is opened; the pair in hand has just been refused."""
        self._remember_update()
        self._earliest_at = self._began_at = time.time()

    def in_sign_in(self, sent_on_at: float) -> None:
        """To be called once a sign-in has sent the browser on to Harbor's login, at ``sent_on_at``."""
        self._earliest_at = self._began_at = sent_on_at
        self._over_at = sent_on_at + WALK_IS_OVER_SECONDS
        try:
            self._remember_update()
        except Unreachable:  # the person has signed in by now: the next look is the first one then
            self._updated_at = None

    def after_walk(self) -> Renewed | None:
        """Asks once whether a walk is over; None: not yet. Raises Unreachable."""
        if self._pair and self.probe(self._pair):
            return self._renewed(self._pair)
        user = self._user()
        if user is None:
            return None
        if user.secret is None:
            return self._renewed(None) if self._is_updated(user) else None
        shown = Credentials(user.username, user.secret)
        if shown != self._pair and self.probe(shown):
            return self._renewed(shown, user, seen=False)  # `update_time` may be that of the new secret
        self.in_vain = self.in_vain or user.token_updated_at != self._updated_at  # which was read before the walk
        return None

    def after_sign_in(self) -> Renewed | None:
        """Asks once whether Harbor's walk in the tab of a sign-in is over; None: not yet. Raises Unreachable.

        A pair may pass before that, by the token that Harbor stored earlier; it is waited for a moment then, so that
        Docker's requests do not meet the walk.
        """
        user = self._user()
        if user is None:
            return None
        if self._updated_at is None:
            self._updated_at = user.token_updated_at
        seen = self._is_updated(user)
        if not seen and time.time() < self._over_at:
            return None
        if user.secret is None:
            return self._renewed(None)
        shown = Credentials(user.username, user.secret)
        if self.probe(shown):
            return self._renewed(shown, user, seen=seen)
        self.in_vain = self.in_vain or self._is_updated(user)
        return None

    def probe(self, pair: Credentials) -> bool:
        """Whether Harbor accepts the pair now; notes when it was asked."""
        began_at = time.time()
        if harbor.probe(self._http, self._registry, pair):
            self.probed_at = began_at
            return True
        self._earliest_at = max(self._earliest_at, began_at)
        return False

    def _renewed(self, pair: Credentials | None, user: CurrentUser | None = None, *, seen: bool = True) -> Renewed:
        updated_at = user.token_updated_at if user else ""
        return Renewed(pair, self._earliest_at if seen else None, self.probed_at, updated_at)

    def _is_updated(self, user: CurrentUser) -> bool:
        """Whether Harbor has stored a token since the walk began; a quick browser may be done before the first look."""
        if user.token_updated_at != self._updated_at:
            return True
        age = user.token_age_seconds
        return age is not None and age <= time.time() - self._began_at + trust_window.DATE_SECONDS

    def _remember_update(self) -> None:
        user = self._user()
        self._updated_at = user.token_updated_at if user else ""

    def _user(self) -> CurrentUser | None:
        try:
            token = self._id_token()
            user = harbor.current_user(self._http, self._registry, token) if token else None
        except (AudienceShared, TokenTooLong):
            if self._pair is None:
                raise
            return None  # the pair in hand shows it as well
        if user:
            redaction.keep_secret(user.secret)
        return user
