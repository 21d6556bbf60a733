"""What is known of one registry while it is found out: from what is kept, and from each step that run.py carries out.

The caller holds the registry's lock. What came of it all is kept by ``save``. Nothing is decided here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.errors import Busy, FoundOut, NobodyToAsk, SignInPaused
from docker_credential_harbor.policy import pause_after_decline, trust_window
from docker_credential_harbor.policy.known import HandOut, Known, NotFound, Probe

if TYPE_CHECKING:
    from docker_credential_harbor.account.account import Account
    from docker_credential_harbor.model import Credentials, CurrentUser, PairKind
    from docker_credential_harbor.remote.web.transport import Transport


class Inquiry:
    """What is known of a registry, at first from what is kept, then from every step carried out."""

    def __init__(self, account: Account, *, trust: bool = True) -> None:
        """Reads what is kept. ``trust=False``: probes even within the trust window. Raises Store… errors."""
        self.account = account
        self.context = account.context
        self.registry = account.registry
        self.began_at = time.time()
        if account.stored:  # without an ID token nothing can be learnt of Harbor's
            account.stored_token = trust_window.of_anybody(account.stored_token)
        self.user: CurrentUser | None = None
        self.spares_bursts = trust
        self.probed_at = self.probe_ended_at = 0.0
        self.token_before = account.stored_token  # as it was known before the last probe
        self.walk_began_at: float | None = None
        self.kind_found: PairKind | None = None
        self.paused_seconds = pause_after_decline.seconds_left(
            account.notes.declines, account.notes.declined_at, self.began_at
        )
        self.known = self._start(trust)

    @property
    def http(self) -> Transport:
        return self.account.http

    def _start(self, trust: bool) -> Known:
        now = time.time()
        notes, stored, sign_in = self.account.notes, self.account.stored, self.account.sign_in
        ends_at = notes.trusted_until
        return Known(
            registry=self.registry,
            pair=self.account.pair,
            pair_kind=stored.kind if stored else None,
            trusted=trust and ends_at is not None and now < ends_at and notes.config_stamp == self.context.stamp_digest,
            signed_in=sign_in is not None,
            person=sign_in.tokens.person if sign_in else "",
            can_refresh=bool(sign_in and sign_in.tokens.refresh_token),
            id_token_expired=bool(sign_in and sign_in.tokens.id_token_is_over(now)),
            nobody_to_ask=self.context.reach.reason if self.context.reach.way == "nobody" else None,
            paused_seconds=self.paused_seconds,
            last_window=notes.last_window,
            has_ticket=None if self.context.settings.negotiate == "auto" else False,
        )

    def start_anew(self) -> None:
        """As if nothing were kept and nobody could be asked: what is left is a ticket."""
        self.account.stored = self.account.sign_in = None
        self.account.stored_token = trust_window.of_anybody(self.account.stored_token)
        has_ticket = self.known.has_ticket
        self.known = Known(registry=self.registry, nobody_to_ask="only a ticket is tried", has_ticket=has_ticket)

    def learn(self, **findings: Any) -> None:
        self.known = self.known._replace(**findings)

    def found_by_another(self, since: float) -> HandOut | NotFound | None:
        """What another process found out, if it began that after ``since``; None if there is nothing so new."""
        notes = self.account.notes
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
        account = self.account
        failure = end.unverified if isinstance(end, HandOut) else end.reason
        if self.known.probe is Probe.ACCEPTED and self.known.pair and not failure:
            self._keep_pair(self.known.pair)
        elif failure and not isinstance(failure, Busy):
            account.notes = account.notes._replace(
                outcome_began_at=self.began_at,
                outcome_code=failure.note_code,
                outcome_message=str(failure),
                config_stamp=self.context.stamp_digest,
            )
        if self.kind_found and account.stored:
            self.context.store.save_stored(self.registry.key, account.stored._replace(kind=self.kind_found))
        account.save_notes()

    def _keep_pair(self, pair: Credentials) -> None:
        account = self.account
        if account.sign_in and pair != account.sign_in.pair:
            account.save_sign_in(account.sign_in._replace(pair=pair))
        if not self.known.trusted:  # else nothing new was asked of Harbor
            account.keep_verified(pair, self.probed_at)


def _is_shared(outcome_code: str, known: Known) -> bool:
    """Whether the reason why another process had no pair is one for this one: whom each can ask may differ."""
    if outcome_code == NobodyToAsk.code:
        return known.nobody_to_ask is not None
    if outcome_code == SignInPaused.code:
        return known.paused_seconds > 0
    return True
