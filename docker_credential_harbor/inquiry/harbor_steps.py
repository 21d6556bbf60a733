"""The steps that ask Harbor: the probe and what is asked beside it, the current user, its login's redirect.

What follows from the answers for the life of the token that Harbor stored is in trust_window.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.errors import AudienceMissing, Failure
from docker_credential_harbor.model import Credentials, PairKind, UpdateTime
from docker_credential_harbor.policy import early_ends, next_step, trust_window
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
    learns = look.context.settings.cache_ttl_seconds and _can_be_read(look) and not trust_window.is_exact(look.token)
    if seconds and learns:
        _watch(look, time.time() + seconds)
    else:
        time.sleep(seconds)
        _ask(look)


def read_update_time(look: Inquiry) -> None:
    """For the trust windows of later `get`s: whatever goes wrong is no reason to keep a pair back that has passed."""
    look.learn(update_time_wanted=False)
    try:
        seen = _read(look)
    except Exception as fault:
        console.trace(f"{look.registry.name}: update_time cannot be read: {console.told(fault)}")
        seen = None
    if seen:
        look.token = trust_window.after_reading(look.token_before, seen)
    else:
        look.token = trust_window.after_failed_reading(look.token)
        look.notes = look.notes._replace(unread_at=time.time())


def read_pair_kind(look: Inquiry) -> None:
    """Whose a stored pair is."""
    assert look.known.pair
    look.kind_found = harbor.pair_kind(look.http, look.registry, look.known.pair)
    look.learn(pair_kind=look.kind_found)


def read_current_user(look: Inquiry) -> None:
    """The CLI secret as Harbor has it now."""
    assert look.sign_in
    began_at = time.time()
    try:
        look.user = harbor.current_user(look.http, look.registry, look.id_token(look.sign_in))
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
            look.token = trust_window.after_refusal(look.token, seen, look.notes.verified_at)
            look.learn(user=User.SAME_SECRET)
            look.notes = look.notes._replace(early_ends=early_ends.after_refusal(look.notes.early_ends, look.user))
        else:
            look.token = trust_window.after_secret_seen(look.token, look.user.token_updated_at)
            look.learn(user=User.ANOTHER_SECRET, pair=shown, probe=None)


def read_login_redirect(look: Inquiry) -> None:
    """Harbor's client at its provider, and so whether it takes our ID token."""
    redirect = harbor.login_redirect(look.http, look.registry)
    look.notes = look.notes._replace(redirect=redirect)
    audience = look.sign_in.tokens.audience if look.sign_in else ()
    look.learn(redirect=redirect, audience_has_harbor=redirect.client_id in audience)


def set_secret(look: Inquiry) -> None:
    """Another CLI secret in the place of one that Harbor cannot read any more."""
    assert look.sign_in
    assert look.user
    secret = harbor.new_cli_secret()
    redaction.keep_secret(secret)
    harbor.set_cli_secret(look.http, look.registry, look.id_token(look.sign_in), look.user.user_id, secret)
    console.hint(f"Harbor at {look.registry.name} could not read its CLI secret any more; a new one was set")
    look.token = trust_window.unread(look.token)
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
    own_life = look.sign_in.tokens.access_token_life_seconds if look.sign_in else None
    ends_at = look.http.deadline_at
    left = look.context.settings.timeout_seconds if ends_at is None else ends_at - time.monotonic()
    seconds = trust_window.seconds_before_probe(look.token, own_life, time.time(), left / 2)
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
        if (look.token.latest_at or 0) >= look.probed_at:  # refreshed, for this very probe
            return
        left = max(0.0, ends_at - time.time())
        time.sleep(min(WATCHED_EVERY_SECONDS, left) if _can_be_read(look) else left)


def _ask(look: Inquiry) -> None:
    pair = look.known.pair
    assert pair
    look.probed_at = time.time()
    accepted = harbor.probe(look.http, look.registry, pair)
    look.probe_ended_at = time.time()
    look.learn(probe=Probe.ACCEPTED if accepted else Probe.REFUSED)
    if accepted:
        _note_probe(look)
    elif look.stored and look.stored.kind is PairKind.UNKNOWN and not next_step.is_robot(look.known):
        # Robots' and local accounts' pairs worked when they were stored; only a person's dies by itself.
        look.kind_found = PairKind.PERSON


def _note_probe(look: Inquiry) -> None:
    if look.walk_began_at is not None:
        began_at = None if look.stored else look.walk_began_at
        look.token = look.token_before = trust_window.after_walk(look.token, began_at, look.probed_at)
    else:
        look.token_before = look.token
        look.token = trust_window.after_probe(look.token, look.probed_at, look.probe_ended_at)
    cache_ttl_seconds = look.context.settings.cache_ttl_seconds
    wanted = trust_window.wants_update_time(time.time(), cache_ttl_seconds, look.token)
    look.learn(update_time_wanted=wanted and _can_be_read(look))


def _can_be_read(look: Inquiry) -> bool:
    """With an ID token, unless ``users/current`` was asked in this run already, or in vain a moment ago."""
    rests = look.notes.unread_at is not None and time.time() < look.notes.unread_at + UNREAD_SECONDS
    return look.sign_in is not None and not look.known.user and not rests


def _read(look: Inquiry) -> UpdateTime | None:
    sign_in = look.sign_in
    assert sign_in
    if own_tokens.id_token_expired(sign_in, time.time()):
        look.http.check_time_left(look.registry.url)
        found, look.notes = own_tokens.provider_of(look.http, look.registry, look.notes)
        sign_in = own_tokens.refresh(look.http, found, look.registry, sign_in, look.context.store)
        if sign_in is None:
            return None
        look.sign_in = sign_in
    began_at = time.time()
    user = harbor.current_user(look.http, look.registry, look.id_token(sign_in))
    if user is None or not user.token_updated_at:
        return None
    redaction.keep_secret(user.secret)
    return reading(look, user, began_at)
