"""What is known of one registry while it is found out: from what is kept, and from each step that run.py carries out.

The caller holds the registry's lock. What came of it all is kept by ``save``. Nothing is decided here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.account import own_tokens, shared_audience, verified_pair
from docker_credential_harbor.errors import (
    Busy,
    FoundOut,
    NobodyToAsk,
    SignInPaused,
)
from docker_credential_harbor.policy import pause, trust_window
from docker_credential_harbor.policy.known import HandOut, Known, NotFound, Probe
from docker_credential_harbor.storage import registry_notes

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import (
        Credentials,
        CurrentUser,
        PairKind,
        Registry,
        ReleasedIdToken,
        SignIn,
        StoredPair,
        StoredToken,
    )
    from docker_credential_harbor.remote.web.transport import Transport


def last_known(context: Context, registry: Registry) -> Credentials | None:
    """The pair that is kept, a stored one first; nothing is found out about it. Raises Store… errors."""
    return _pair_of(*_kept(context, registry))


def _kept(context: Context, registry: Registry) -> tuple[StoredPair | None, SignIn | None]:
    stored = context.store.load_stored(registry.key)
    return stored, None if stored else _kept_sign_in(context, registry)


def _kept_sign_in(context: Context, registry: Registry) -> SignIn | None:
    sign_in = context.store.load_sign_in(registry.name)
    return sign_in if sign_in and own_tokens.belongs_to(sign_in, registry) else None


def _pair_of(stored: StoredPair | None, sign_in: SignIn | None) -> Credentials | None:
    return stored.pair if stored else sign_in.pair if sign_in else None


class Inquiry:
    """What is known of a registry, at first from what is kept, then from every step carried out."""

    def __init__(self, context: Context, registry: Registry, http: Transport, *, trust: bool = True) -> None:
        """Reads what is kept. ``trust=False``: probes even within the trust window. Raises Store… errors."""
        self.context = context
        self.registry = registry
        self.http = http
        self.began_at = time.time()
        self.notes = registry_notes.load(registry.name)
        self.stored, self.sign_in = _kept(context, registry)
        if self.stored:  # without an ID token nothing can be learnt of Harbor's
            self.token = trust_window.of_anybody(self.token)
        self.user: CurrentUser | None = None
        self.spares_bursts = trust
        self.probed_at = self.probe_ended_at = 0.0
        self.token_before = self.token  # as it was known before the last probe
        self.walk_began_at: float | None = None
        self.kind_found: PairKind | None = None
        self.paused_seconds = pause.paused_seconds(self.notes.declines, self.notes.declined_at, self.began_at)
        self.known = self._start(trust)

    @property
    def token(self) -> StoredToken:
        """What is known of the one that Harbor stored."""
        return self.notes.stored_token

    @token.setter
    def token(self, known: StoredToken) -> None:
        self.notes = self.notes._replace(stored_token=known)

    def load_sign_in(self) -> SignIn | None:
        """What is kept of the person who signed in, whether or not a stored pair goes first."""
        return _kept_sign_in(self.context, self.registry)

    def id_token(self, sign_in: SignIn) -> ReleasedIdToken:
        """For Harbor. Raises AudienceMissing, AudienceShared, AudienceUnknown, Unreachable."""
        return self.release(sign_in).id_token()

    def release(self, sign_in: SignIn) -> shared_audience.Release:
        registries = self.context.settings.registries
        return shared_audience.Release(registries, self.registry, sign_in.tokens, self.notes, self.http, self._keep)

    def _keep(self, notes: registry_notes.Notes) -> None:
        self.notes = notes

    def _start(self, trust: bool) -> Known:
        now = time.time()
        ends_at = self.notes.trusted_until
        return Known(
            registry=self.registry,
            pair=_pair_of(self.stored, self.sign_in),
            pair_kind=self.stored.kind if self.stored else None,
            trusted=trust
            and ends_at is not None
            and now < ends_at
            and self.notes.config_stamp == self.context.stamp_digest,
            signed_in=self.sign_in is not None,
            person=self.sign_in.tokens.person if self.sign_in else "",
            can_refresh=bool(self.sign_in and self.sign_in.tokens.refresh_token),
            id_token_expired=bool(self.sign_in and own_tokens.id_token_expired(self.sign_in, now)),
            nobody_to_ask=self.context.reach.reason if self.context.reach.way == "nobody" else None,
            paused_seconds=self.paused_seconds,
            last_window=self.notes.last_window,
            has_ticket=None if self.context.settings.negotiate == "auto" else False,
        )

    def start_anew(self) -> None:
        """As if nothing were kept and nobody could be asked: what is left is a ticket."""
        self.stored = self.sign_in = None
        self.token = trust_window.of_anybody(self.token)
        has_ticket = self.known.has_ticket
        self.known = Known(registry=self.registry, nobody_to_ask="only a ticket is tried", has_ticket=has_ticket)

    def learn(self, **findings: Any) -> None:
        self.known = self.known._replace(**findings)

    def found_by_another(self, since: float) -> HandOut | NotFound | None:
        """What another process found out, if it began that after ``since``; None if there is nothing so new."""
        notes = self.notes
        if notes.config_stamp != self.context.stamp_digest:
            return None
        if notes.verified_at is not None and notes.verified_at >= since and self.known.pair:
            return HandOut()
        if notes.outcome_began_at is None or notes.outcome_began_at < since or not notes.outcome_code:
            return None
        if not _is_shared(notes.outcome_code, self.known):
            return None
        failure = FoundOut(notes.outcome_code, notes.outcome_message or "")
        return HandOut(unverified=failure) if failure.unreachable and self.known.pair else NotFound(failure)

    def save(self, end: HandOut | NotFound) -> None:
        """Keeps what this run found out: a new pair, its kind, how long it is trusted, or why there is none."""
        failure = end.unverified if isinstance(end, HandOut) else end.reason
        if self.known.probe is Probe.ACCEPTED and self.known.pair and not failure:
            self._keep_pair(self.known.pair)
        elif failure and not isinstance(failure, Busy):
            self.notes = self.notes._replace(
                outcome_began_at=self.began_at,
                outcome_code=failure.note_code,
                outcome_message=str(failure),
                config_stamp=self.context.stamp_digest,
            )
        if self.kind_found and self.stored:
            self.context.store.save_stored(self.registry.key, self.stored._replace(kind=self.kind_found))
        registry_notes.save(self.registry.name, self.notes)

    def _keep_pair(self, pair: Credentials) -> None:
        if self.sign_in and pair != self.sign_in.pair:
            self.sign_in = self.sign_in._replace(pair=pair)
            self.context.store.save_sign_in(self.registry.name, self.sign_in)
        if self.known.trusted:
            return  # nothing new was asked of Harbor
        self.notes = verified_pair.keep(self.context, self.registry.name, self.notes, pair, probed_at=self.probed_at)


def _is_shared(outcome_code: str, known: Known) -> bool:
    """Whether the reason why another process had no pair is one for this one: whom each can ask may differ."""
    if outcome_code == NobodyToAsk.code:
        return known.nobody_to_ask is not None
    if outcome_code == SignInPaused.code:
        return known.paused_seconds > 0
    return True
