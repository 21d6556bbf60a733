"""The steps that ask Harbor: the probe and what is asked beside it, the current user, its login's redirect.

What follows from the answers for the life of the token that Harbor stored is in trust_window.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import AudienceMissing, Failure
from docker_credential_harbor.model import Credentials, PairKind, UpdateTime
from docker_credential_harbor.policy import harbor_ends_early, next_step, trust_window
from docker_credential_harbor.policy.known import Probe, User
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import console, redaction

if TYPE_CHECKING:
    from docker_credential_harbor.inquiry.state import Inquiry
    from docker_credential_harbor.model import CurrentUser

WATCHED_EVERY_SECONDS = 1  # to which the life of Harbor's tokens is learnt
UNREAD_SECONDS = 3600  # after a reading that failed none is tried


def probe(look: Inquiry) -> None:
    """Whether Harbor accepts the pair; where its token is about to expire, after that."""
    seconds = _seconds_to_spare(look)
    is_exact = trust_window.is_exact(look.account.stored_token)
    if seconds and look.context.settings.cache_ttl_seconds and _can_be_read(look) and not is_exact:
        _watch(look, time.time() + seconds)
    else:
        time.sleep(seconds)
        _ask(look)


def read_update_time(look: Inquiry) -> None:
    """For the trust windows of later `get`s: whatever goes wrong is no reason to keep a pair back that has passed."""
    account = look.account
    look.learn(update_time_wanted=False)
    try:
        seen = _read(look)
    except Exception as fault:
        console.trace(f"{look.registry.name}: update_time cannot be read: {console.told(fault)}")
        seen = None
    if seen:
        account.stored_token = trust_window.after_reading(look.token_before, seen)
    else:
        account.stored_token = trust_window.after_failed_reading(account.stored_token)
        account.notes = account.notes._replace(unread_at=time.time())


def read_pair_kind(look: Inquiry) -> None:
    """Whose a stored pair is."""
    assert look.known.pair
    look.kind_found = harbor.pair_kind(look.http, look.registry, look.known.pair)
    look.learn(pair_kind=look.kind_found)


def read_current_user(look: Inquiry) -> None:
    """The CLI secret as Harbor has it now."""
    account, began_at = look.account, time.time()
    try:
        look.user = harbor.current_user(look.http, look.registry, account.id_token())
    except AudienceMissing:  # Harbor would not take it
        look.user = None
    if look.user is None:
        look.learn(user=User.REFUSED)
    elif look.user.secret is None:
        look.learn(user=User.UNREADABLE_SECRET)
    else:
        shown = Credentials(look.user.username, look.user.secret)
        redaction.keep_secret(shown.secret)
        if shown == look.known.pair:
            seen = reading(look, look.user, began_at)
            account.stored_token = trust_window.after_refusal(account.stored_token, seen, account.notes.verified_at)
            look.learn(user=User.SAME_SECRET)
            ends = harbor_ends_early.after_refusal(account.notes.early_ends, look.user)
            account.notes = account.notes._replace(early_ends=ends)
        else:
            updated_at = look.user.token_updated_at
            account.stored_token = trust_window.after_secret_seen(account.stored_token, updated_at)
            look.learn(user=User.ANOTHER_SECRET, pair=shown, probe=None)


def read_login_redirect(look: Inquiry) -> None:
    """Harbor's client at its provider, and so whether it takes our ID token."""
    account = look.account
    redirect = harbor.login_redirect(look.http, look.registry)
    account.notes = account.notes._replace(redirect=redirect)
    audience = account.sign_in.tokens.audience if account.sign_in else ()
    look.learn(redirect=redirect, audience_has_harbor=redirect.client_id in audience)


def set_secret(look: Inquiry) -> None:
    """Another CLI secret in the place of one that Harbor cannot read any more."""
    account = look.account
    assert look.user
    secret = harbor.new_cli_secret()
    redaction.keep_secret(secret)
    harbor.set_cli_secret(look.http, look.registry, account.id_token(), look.user.user_id, secret)
    console.hint(f"Harbor at {look.registry.name} could not read its CLI secret any more; a new one was set")
    account.stored_token = trust_window.unread(account.stored_token)
    look.learn(secret_set=True, pair=Credentials(look.user.username, secret), probe=None)


def reading(look: Inquiry, user: CurrentUser, began_at: float) -> UpdateTime:
    """What `users/current` has just answered, asked at ``began_at``, beside the last probe."""
    return UpdateTime(
        probe_began_at=look.probed_at,
        probe_ended_at=look.probe_ended_at,
        began_at=began_at,
        ended_at=time.time(),
        updated_at=user.token_updated_at,
        age_seconds=user.token_age_seconds,
    )


def _seconds_to_spare(look: Inquiry) -> float:
    """Where it is a matter of seconds until Harbor refreshes: so that it does for this probe, which is alone."""
    if not look.spares_bursts or look.probed_at:
        return 0
    account, ends_at = look.account, look.http.deadline_at
    own_life = account.sign_in.tokens.access_token_life_seconds if account.sign_in else None
    left = look.context.settings.timeout_seconds if ends_at is None else ends_at - time.monotonic()
    seconds = trust_window.seconds_before_probe(account.stored_token, own_life, time.time(), left / 2)
    if seconds:
        console.trace(
            f"{look.registry.name}: Harbor's stored token is about to expire: {seconds:.1f} s are waited at most"
        )
    return seconds


def _watch(look: Inquiry, ends_at: float) -> None:
    """Asks again and again, one probe at a time, until Harbor has refreshed: that shows its tokens' life."""
    while True:
        is_over = time.time() >= ends_at
        try:
            _ask(look)
        except Failure as failure:
            if look.known.probe is not Probe.ACCEPTED:
                raise
            console.trace(f"{look.registry.name}: it has passed a moment ago: {failure}")
            return
        if is_over or look.known.probe is Probe.REFUSED:
            return
        read_update_time(look)
        if (look.account.stored_token.latest_at or 0) >= look.probed_at:  # refreshed, for this very probe
            return
        left = max(0.0, ends_at - time.time())
        time.sleep(min(WATCHED_EVERY_SECONDS, left) if _can_be_read(look) else left)


def _ask(look: Inquiry) -> None:
    pair, stored = look.known.pair, look.account.stored
    assert pair
    look.probed_at = time.time()
    accepted = harbor.probe(look.http, look.registry, pair)
    look.probe_ended_at = time.time()
    look.learn(probe=Probe.ACCEPTED if accepted else Probe.REFUSED)
    if accepted:
        _note_probe(look)
    elif stored and stored.kind is PairKind.UNKNOWN and not next_step.is_robot(look.known):
        # Robots' and local accounts' pairs worked when they were stored; only a person's dies by itself.
        look.kind_found = PairKind.PERSON


def _note_probe(look: Inquiry) -> None:
    account = look.account
    if look.walk_began_at is not None:
        began_at = None if account.stored else look.walk_began_at
        account.stored_token = trust_window.after_walk(account.stored_token, began_at, look.probed_at)
        look.token_before = account.stored_token
    else:
        look.token_before = account.stored_token
        account.stored_token = trust_window.after_probe(look.token_before, look.probed_at, look.probe_ended_at)
    cache_ttl_seconds = look.context.settings.cache_ttl_seconds
    wanted = trust_window.wants_update_time(time.time(), cache_ttl_seconds, account.stored_token)
    look.learn(update_time_wanted=wanted and _can_be_read(look))


def _can_be_read(look: Inquiry) -> bool:
    """With an ID token, unless ``users/current`` was asked in this run already, or in vain a moment ago."""
    unread_at = look.account.notes.unread_at
    rests = unread_at is not None and time.time() < unread_at + UNREAD_SECONDS
    return look.account.sign_in is not None and not look.known.user and not rests


def _read(look: Inquiry) -> UpdateTime | None:
    account = look.account
    assert account.sign_in
    if account.sign_in.tokens.id_token_is_over(time.time()):
        look.http.check_time_left(look.registry.url)
        if not account.refresh():
            return None
    began_at = time.time()
    user = harbor.current_user(look.http, look.registry, account.id_token())
    if user is None or not user.token_updated_at:
        return None
    redaction.keep_secret(user.secret)
    return reading(look, user, began_at)
