"""One registry's sessions kept alive: one probe, which makes Harbor refresh what it stored, and our tokens when due.

Nobody is asked, nothing is opened, and what is found out is kept as a `get` keeps it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account.account import Account
from docker_credential_harbor.inquiry import run
from docker_credential_harbor.inquiry.state import Inquiry
from docker_credential_harbor.policy import durations, harbor_ends_early, keepalive_interval, next_step
from docker_credential_harbor.policy.known import HandOut, NotFound, Probe, Step, User
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system import console, lock
from docker_credential_harbor.system.time_limit import Allowance
from docker_credential_harbor.use_cases import current_state

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Registry


@dataclass(frozen=True)
class Upkeep:
    """What came of it. ``problem`` None: alive, unless ``nothing`` says why there was nothing to keep alive."""

    username: str = ""
    nothing: str | None = None
    problem: Failure | None = None
    is_known: bool = (
        False  # the problem passes by itself, and an earlier run has met it already, or pulls work all the same
    )


@dataclass(frozen=True)
class Sessions:
    """What can be known from here of how long a registry's sessions last."""

    needs_none: bool  # a robot's or local account's pair
    harbor_has_offline_access: bool | None  # None: Harbor could not be asked now, and has not been before
    life_seconds: float | None  # of our refresh token; 0: no end; None: not known
    no_refresh_token: bool = False  # somebody is signed in, and the provider gave us none
    harbor_ends_after: float | None = None  # seconds, where Harbor's own sign-in was seen to end by itself


def keep_alive(context: Context, registry: Registry) -> Upkeep:
    """``context`` must be one that reaches nobody. Never raises."""
    try:
        with lock.hold(registry_lock.path(registry.name), context.lock_seconds) as locked:
            if not locked:
                return Upkeep(nothing="in use by another process just now")
            together = Allowance.shared(context.settings.timeout_seconds)  # for a `get` that waits
            look = Inquiry(Account(context, registry, context.transport(registry, together)), trust=False)
            nothing = _nothing_to_keep(look)
            return Upkeep(nothing=nothing) if nothing else _keep_alive(look)
    except Exception as fault:
        return Upkeep(problem=console.told(fault))


def sessions(context: Context, registry: Registry) -> Sessions:
    """Asks Harbor for its scopes; what it said last where it cannot be asked. Raises Store… errors."""
    look = Inquiry(Account(context, registry, context.transport(registry)))
    sign_in = look.account.sign_in
    if next_step.is_robot(look.known):
        return Sessions(needs_none=True, harbor_has_offline_access=None, life_seconds=None)
    redirect = look.account.notes.redirect
    with suppress(errors.Failure):
        redirect = harbor.login_redirect(look.http, registry)
    return Sessions(
        needs_none=False,
        harbor_has_offline_access=redirect.asks_for_offline_access if redirect else None,
        life_seconds=sign_in.tokens.refresh_token_life_seconds if sign_in else None,
        no_refresh_token=sign_in is not None and sign_in.tokens.refresh_token is None,
        harbor_ends_after=harbor_ends_early.after_seconds(look.account.notes.early_ends),
    )


def _nothing_to_keep(look: Inquiry) -> str | None:
    if next_step.is_robot(look.known):
        return "a robot's or local account's pair has no session"
    if not look.known.signed_in and not look.known.pair:
        return "nobody is signed in"
    return None


def _keep_alive(look: Inquiry) -> Upkeep:
    met_before, verified_before = look.account.notes.outcome_message, look.account.notes.verified_at
    end = run.until_answered(look)
    assert not isinstance(end, Step)  # where nobody can be asked there is no such step
    if look.known.probe is Probe.ACCEPTED and _outlives_what_was_noted(look, verified_before):
        look.account.notes = look.account.notes._replace(early_ends=None)
    with console.only_telling():
        if isinstance(end, HandOut) and look.known.probe is Probe.REFUSED:
            look.account.save_notes()  # the next `get` is the first to look at that pair
        else:
            look.save(end)
    problem = _problem(look, end)
    if problem:
        ours_has_ended = _refresh_own(look)
        seconds = harbor_ends_early.after_seconds(look.account.notes.early_ends)
        is_as_ever = look.known.user is User.SAME_SECRET and look.known.last_window is None
        if seconds is not None and is_as_ever and not ours_has_ended:
            age = durations.in_words(seconds)
            return Upkeep(_username(look), problem=errors.HarborNotKeptAlive(registry=look.registry.name, age=age))
        away = isinstance(problem, errors.Unreachable)
        return Upkeep(_username(look), problem=problem, is_known=away and str(problem) == met_before)
    problem = _refresh_own(look)
    return Upkeep(_username(look), problem=problem, is_known=isinstance(problem, errors.Unreachable))


def _problem(look: Inquiry, end: HandOut | NotFound) -> Failure | None:
    registry, pair = look.registry, look.known.pair
    if isinstance(end, NotFound):
        if isinstance(end.reason, errors.NobodyToAsk):
            return errors.SessionEnded(finding=current_state.finding(look.known), todo=end.reason.facts["todo"])
        return end.reason
    if pair and look.known.probe is Probe.REFUSED and not end.unverified:
        return current_state.provider_away(look) or next_step.stored_pair_refused(registry, pair)
    return end.unverified


def _outlives_what_was_noted(look: Inquiry, verified_before: float | None) -> bool:
    """Harbor accepts the pair so long after it last did that it must have refreshed its token since."""
    noted = look.account.notes.early_ends
    return bool(noted and verified_before and time.time() - verified_before > noted.age_seconds)


def _refresh_own(look: Inquiry) -> Failure | None:
    """Our own tokens, if they are due and were not refreshed just now; whatever Harbor says, they are worth keeping."""
    account = look.account
    if not account.sign_in or look.known.refresh or not keepalive_interval.is_due(account.sign_in.tokens, time.time()):
        return None
    # Not cut short by what Harbor has used of the time: a refresh token must not be lost on its way.
    account.http, before = look.context.transport(look.registry), account.notes
    try:
        is_fresh = account.refresh()
    except errors.Failure as failure:
        return failure
    if account.notes != before:
        with console.only_telling():
            account.save_notes()
    return None if is_fresh else errors.OwnSessionEnded(registry=look.registry.name)


def _username(look: Inquiry) -> str:
    return look.known.pair.username if look.known.pair else look.known.person
