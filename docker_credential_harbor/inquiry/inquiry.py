"""Finds out about one registry whatever needs no person: carries out the policy's steps and collects the findings.

`get` and `status` both go through here. The caller holds the registry's lock. Nothing is decided here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from docker_credential_harbor.account import own_tokens, shared_audience, verified_pair
from docker_credential_harbor.errors import (
    AudienceMissing,
    BrokeOff,
    Busy,
    Failure,
    FoundOut,
    NobodyToAsk,
    SignInPaused,
    Unreachable,
)
from docker_credential_harbor.inquiry import harbor_steps, ticket_steps
from docker_credential_harbor.model import Credentials, CurrentUser, PairKind, SignIn, StoredPair, StoredToken
from docker_credential_harbor.policy import next_step, trust_window
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry, ReleasedIdToken
    from docker_credential_harbor.remote.web.transport import Transport

End = Step | HandOut | NotFound


def last_known(context: Context, registry: Registry) -> Credentials | None:
    """The pair that is kept, a stored one first; nothing is found out about it. Raises Store… errors."""
    return _pair_of(*_kept(context, registry))


def _kept(context: Context, registry: Registry) -> tuple[StoredPair | None, SignIn | None]:
    stored = context.store.load_stored(f"https://{registry.name}")
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
        self.paused_seconds = next_step.paused_seconds(self.notes.declines, self.notes.declined_at, self.began_at)
        self.known = self._start(trust)

    @property
    def _key(self) -> str:
        return f"https://{self.registry.name}"

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

    def run(self) -> End:
        """Until there is an answer, or a step that only a person can take."""
        while True:
            step = next_step.decide(self.known)
            console.trace(f"{self.registry.name}: {_describe(step)}")
            carry_out = _CARRIED_OUT.get(step) if isinstance(step, Step) else None
            if carry_out is None:
                return step
            try:
                carry_out(self)
            except Exception as fault:  # what nobody foresaw, too: nothing is concluded from it
                failure = harbor.or_its_provider(self.http, self.registry, console.told(fault))
                if isinstance(failure, BrokeOff) and step in _BY_TICKET:  # a person may be asked instead
                    self.learn(has_ticket=False, ticket_sign_in=False, ticket_walk=False)
                else:
                    self.learn(**{"unreachable" if isinstance(failure, Unreachable) else "stopped": failure})

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
            self.context.store.save_stored(self._key, self.stored._replace(kind=self.kind_found))
        registry_notes.save(self.registry.name, self.notes)

    def _keep_pair(self, pair: Credentials) -> None:
        if self.sign_in and pair != self.sign_in.pair:
            self.sign_in = self.sign_in._replace(pair=pair)
            self.context.store.save_sign_in(self.registry.name, self.sign_in)
        if self.known.trusted:
            return  # nothing new was asked of Harbor
        self.notes = verified_pair.keep(self.context, self.registry.name, self.notes, pair, probed_at=self.probed_at)

    # --- The steps, one method each ---------------------------------------------------------------------------------

    def _read_pair_kind(self) -> None:
        assert self.known.pair
        self.kind_found = harbor.pair_kind(self.http, self.registry, self.known.pair)
        self.learn(pair_kind=self.kind_found)

    def _refresh(self) -> None:
        assert self.sign_in
        found, self.notes = own_tokens.provider_of(self.http, self.registry, self.notes)
        fresh = own_tokens.refresh(self.http, found, self.registry, self.sign_in, self.context.store)
        if fresh is None:
            self.learn(refresh=Refresh.INVALID_GRANT)
            return
        self.sign_in = fresh
        if own_tokens.id_token_expired(fresh, time.time()):  # OIDC Core 12.2: an answer may come without a new one
            self.learn(refresh=Refresh.INVALID_GRANT)
            return
        self.learn(refresh=Refresh.FRESH, id_token_expired=False, user=None)

    def _read_current_user(self) -> None:
        assert self.sign_in
        began_at = time.time()
        try:
            self.user = harbor.current_user(self.http, self.registry, self.id_token(self.sign_in))
        except AudienceMissing:  # Harbor would not take it
            self.user = None
        if self.user is None:
            self.learn(user=User.REFUSED)
        elif self.user.secret is None:
            self.learn(user=User.UNREADABLE_SECRET)
        else:
            shown = Credentials(self.user.username, self.user.secret)
            console.keep_secret(shown.secret)
            if shown == self.known.pair:
                seen = harbor_steps.reading(self, self.user, began_at)
                self.token = trust_window.after_refusal(self.token, seen, self.notes.verified_at)
                self.learn(user=User.SAME_SECRET)
                self.notes = self.notes._replace(early_ends=next_step.early_ends(self.notes.early_ends, self.user))
            else:
                self.token = trust_window.after_secret_seen(self.token, self.user.token_updated_at)
                self.learn(user=User.ANOTHER_SECRET, pair=shown, probe=None)

    def _read_login_redirect(self) -> None:
        redirect = harbor.login_redirect(self.http, self.registry)
        self.notes = self.notes._replace(redirect=redirect)
        audience = self.sign_in.tokens.audience if self.sign_in else ()
        self.learn(redirect=redirect, audience_has_harbor=redirect.client_id in audience)

    def _set_secret(self) -> None:
        assert self.sign_in
        assert self.user
        secret = harbor.new_cli_secret()
        console.keep_secret(secret)
        harbor.set_cli_secret(self.http, self.registry, self.id_token(self.sign_in), self.user.user_id, secret)
        console.hint(f"Harbor at {self.registry.name} could not read its CLI secret any more; a new one was set")
        self.token = trust_window.unread(self.token)
        self.learn(secret_set=True, pair=Credentials(self.user.username, secret), probe=None)


_CARRIED_OUT: dict[Step, Callable[[Inquiry], None]] = {
    Step.PROBE: harbor_steps.probe,
    Step.READ_PAIR_KIND: Inquiry._read_pair_kind,
    Step.REFRESH: Inquiry._refresh,
    Step.READ_CURRENT_USER: Inquiry._read_current_user,
    Step.READ_UPDATE_TIME: harbor_steps.read_update_time,
    Step.READ_LOGIN_REDIRECT: Inquiry._read_login_redirect,
    Step.SET_SECRET: Inquiry._set_secret,
    Step.LOOK_FOR_TICKET: ticket_steps.look_for_ticket,
    Step.SIGN_IN_BY_TICKET: ticket_steps.sign_in,
    Step.RENEW_BY_TICKET: ticket_steps.renew_harbor_side,
}
_BY_TICKET = (Step.LOOK_FOR_TICKET, Step.SIGN_IN_BY_TICKET, Step.RENEW_BY_TICKET)


class Ended(NamedTuple):
    """How asking the person ended: the step, and what came of it or why nothing did."""

    step: Step
    asked: Asked | None
    failure: Failure | None


def with_person(known: Known, ended: Ended) -> Known:
    """What is known once the person was asked: how that ended, as the one finding of its step."""
    failure = ended.failure
    if isinstance(failure, Unreachable) or (isinstance(failure, FoundOut) and failure.unreachable):
        return known._replace(unreachable=failure)
    if failure is not None:
        return known._replace(stopped=failure)
    return known._replace(sign_in=ended.asked) if ended.step is Step.SIGN_IN else known._replace(walk=ended.asked)


def _is_shared(outcome_code: str, known: Known) -> bool:
    """Whether the reason why another process had no pair is one for this one: whom each can ask may differ."""
    if outcome_code == NobodyToAsk.code:
        return known.nobody_to_ask is not None
    if outcome_code == SignInPaused.code:
        return known.paused_seconds > 0
    return True


def _describe(step: End) -> str:
    if isinstance(step, HandOut):
        return "hand out" + (f", unverified: {step.unverified}" if step.unverified else "")
    if isinstance(step, NotFound):
        return f"not found: {step.reason}"
    return step.name.lower().replace("_", " ")
