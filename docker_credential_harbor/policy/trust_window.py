"""How long a pair that passed the probe is handed out again without asking, and what is learnt for that. Without I/O.

The danger: Harbor refreshes the token that it stored for whichever request meets an expired one. A burst of Docker's
that does so makes Harbor refresh in parallel, and with strict rotation the provider then ends Harbor's session. So a
remembered pair must be forgotten before that token expires; one probe alone then makes Harbor refresh it.

When that is depends on the life that the provider gives to *Harbor's* tokens, which may be another than that of ours.
It is learnt: ``update_time`` of ``users/current`` moves when Harbor stores a token. A probe that passes while it has
not moved proves a life of at least so long, one by which it moved a life of at most so long (lives are whole seconds:
``expires_in``, RFC 6749 5.1). Trusted is what is proven, less the seconds that Harbor refreshes early and a burst
takes. It is read while the bounds are apart, or where the instant of storing is so uncertain, since another machine may
have been first, that little of the window would be left. Evidence that contradicts the bounds replaces them.

``update_time`` moves with the CLI secret as well. So it stands for the token's instant only where that is known beside
it; where the secret was changed, the token is at least as old, and its instant is known again when it moves next.

What is not seen: with the bounds together nothing is read where a refresh can be deduced. A walk in another browser
since the last one makes that wrong, and the window after it, once, too long.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from docker_credential_harbor.model import StoredToken, UpdateTime

UNPROVEN_WINDOW_SECONDS = 10
HARBOR_REFRESHES_BEFORE_SECONDS = 10  # Go's oauth2 calls a token expired that long before its end
BURST_SECONDS = 5  # within which the requests come that follow a `get`; a probe so shortly before is put off
CLOCK_DOUBT_SECONDS = 0.2  # a clock that is being slewed between two requests
TOGETHER_SECONDS = 10  # bounds that lie no further apart cost no request any more
UPDATE_DOUBT_SECONDS = 1  # by which the clocks of Harbor's database and of its front may differ
DATE_SECONDS = 1  # what the Date header leaves open
SUDDEN_LIVES = 2  # within so many of them after it passed, a session does not end by idling


class _Span(NamedTuple):
    """Between two instants."""

    earliest_at: float
    latest_at: float

    @property
    def seconds(self) -> float:
        return self.latest_at - self.earliest_at

    def meets(self, other: _Span) -> bool:
        return self.earliest_at <= other.latest_at and other.earliest_at <= self.latest_at


def trusted_until(probed_at: float, cache_ttl_seconds: float, token: StoredToken) -> float:
    """The end of the trust window after a probe that passed; an instant that is over: nothing is trusted."""
    most = probed_at + cache_ttl_seconds
    if token.least_seconds is None and token.most_seconds is None:
        return min(most, probed_at + UNPROVEN_WINDOW_SECONDS)
    proven = _proven_seconds(token)
    if token.earliest_at is None:  # update_time was read and tells nothing yet, or it cannot be read
        return probed_at if token.updated_at else min(most, probed_at + min(proven, UNPROVEN_WINDOW_SECONDS))
    return min(most, token.earliest_at + proven)


def _proven_seconds(token: StoredToken) -> float:
    """From the instant at which Harbor stored it; 0 or less: not even that."""
    return (token.least_seconds or 0) - HARBOR_REFRESHES_BEFORE_SECONDS - BURST_SECONDS


def wants_update_time(now: float, cache_ttl_seconds: float, token: StoredToken) -> bool:
    """Whether reading it after the probe that has just passed is worth the request."""
    if not cache_ttl_seconds:
        return False
    if token.least_seconds is None or token.most_seconds is None:
        return True
    if token.most_seconds - token.least_seconds > TOGETHER_SECONDS:
        return True
    whole = min(cache_ttl_seconds, _proven_seconds(token))
    if whole <= 0:
        return False  # such tokens are never trusted
    if token.earliest_at is None or token.latest_at is None:
        return True
    is_certain = token.latest_at - token.earliest_at <= TOGETHER_SECONDS
    return not is_certain and trusted_until(now, cache_ttl_seconds, token) - now < whole / 2


def seconds_before_probe(token: StoredToken, own_life_seconds: float | None, now: float, most_seconds: float) -> float:
    """How long to wait for the instant from which on Harbor surely refreshes its stored token for a probe; 0: do not.

    A probe right before it passes without a refresh, and the burst that follows would make Harbor refresh in parallel.
    While nothing better is proven, the life of our own access token is a guess that costs no more than that.
    """
    if token.earliest_at is None or token.latest_at is None:
        return 0
    least, most = token.least_seconds or 0, token.most_seconds or math.inf
    if most - least > TOGETHER_SECONDS:
        if own_life_seconds is None or not least <= own_life_seconds <= most:
            return 0
        least = most = own_life_seconds
    begins_at = token.earliest_at + least - HARBOR_REFRESHES_BEFORE_SECONDS - BURST_SECONDS
    ends_at = token.latest_at + most - HARBOR_REFRESHES_BEFORE_SECONDS + CLOCK_DOUBT_SECONDS
    return ends_at - now if begins_at <= now < ends_at <= now + most_seconds else 0


def is_exact(token: StoredToken) -> bool:
    """Whether there is nothing left to be learnt of the life."""
    return token.least_seconds is not None and token.least_seconds == token.most_seconds


# --- What is learnt ---------------------------------------------------------------------------------------------------


def after_walk(token: StoredToken, began_at: float | None, passed_at: float, updated_at: str = "") -> StoredToken:
    """Harbor stored a new token after the walk began, or the last refused probe, and before the first passing one.

    ``began_at`` None: the probe passes, but nothing shows that Harbor's login was walked.
    """
    stored = None if began_at is None else _Span(began_at, passed_at)
    return _stored(token, stored)._replace(updated_at=updated_at)


def after_probe(token: StoredToken, began_at: float, ended_at: float) -> StoredToken:
    """What a probe that passed tells by itself: Harbor may have refreshed for it, or for another machine before."""
    if token.earliest_at is None or token.latest_at is None:
        return token
    refreshed_after = (token.least_seconds or 0) - HARBOR_REFRESHES_BEFORE_SECONDS
    if ended_at < token.earliest_at + refreshed_after:
        return token
    if began_at < token.latest_at + (token.most_seconds or math.inf) - HARBOR_REFRESHES_BEFORE_SECONDS:
        return token._replace(latest_at=ended_at)
    return token._replace(earliest_at=token.earliest_at + refreshed_after, latest_at=ended_at)


def after_reading(token: StoredToken, seen: UpdateTime) -> StoredToken:
    """What is known after a probe that passed and the reading after it; ``token``: what was known before the probe."""
    probe, known, updated = _Span(seen.probe_began_at, seen.probe_ended_at), _known(token), _updated(seen)
    read = token._replace(updated_at=seen.updated_at)
    if token.updated_at == seen.updated_at:
        return _not_moved(read, probe, known, updated)
    if not token.updated_at:  # it says when the token was stored, or when the CLI secret was changed
        is_the_tokens = known and known.seconds <= TOGETHER_SECONDS and _both(known, updated)
        return _not_moved(read, probe, known, updated) if is_the_tokens else _stored(read, None)
    if updated is None:
        return _stored(read, _Span(known.earliest_at, probe.latest_at) if known else None)
    if not updated.meets(probe):  # for another machine, or by a walk, which says nothing of the life
        return _stored(read, updated)
    if known:
        read = _prove(read, most=probe.latest_at - known.earliest_at)
    return _stored(read, probe)


def after_failed_reading(token: StoredToken) -> StoredToken:
    """There is no ID token to ask with; ``token``: what is known after the probe."""
    known = _known(token)
    certain = known if known and known.seconds <= TOGETHER_SECONDS else None
    return _stored(token, certain)._replace(updated_at="")


def after_secret_seen(token: StoredToken, updated_at: str = "") -> StoredToken:
    """Another CLI secret is shown, or was set, as of ``updated_at``; by whom, and after which walk, nobody knows."""
    return _stored(token, None)._replace(updated_at=updated_at)


def unread(token: StoredToken) -> StoredToken:
    """``update_time`` may have moved for another reason than a new token."""
    return token._replace(updated_at="")


def of_anybody(token: StoredToken) -> StoredToken:
    """What holds for the token of every person: the life alone."""
    return _stored(token, None)._replace(updated_at="")


def after_refusal(token: StoredToken, seen: UpdateTime, verified_at: float | None) -> StoredToken:
    """Harbor's token is dead; ``verified_at``: when it last passed.

    If it was refreshed unseen and died soon after, a burst may have done both: what was proven is in doubt.
    """
    if token.updated_at == seen.updated_at or _both(_known(token), _updated(seen)):
        return token._replace(updated_at=seen.updated_at)
    token = _stored(token._replace(updated_at=seen.updated_at), None)
    lives = SUDDEN_LIVES * (token.most_seconds or token.least_seconds or 0)
    if verified_at is not None and seen.probe_began_at - verified_at < lives:
        return token._replace(least_seconds=None, most_seconds=None)
    return token


def _known(token: StoredToken) -> _Span | None:
    if token.earliest_at is None or token.latest_at is None:
        return None
    return _Span(token.earliest_at, token.latest_at)


def _both(one: _Span | None, other: _Span | None) -> _Span | None:
    if one is None or other is None or not one.meets(other):
        return None
    return _Span(max(one.earliest_at, other.earliest_at), min(one.latest_at, other.latest_at))


def _stored(token: StoredToken, when: _Span | None) -> StoredToken:
    if when is None:
        return token._replace(earliest_at=None, latest_at=None)
    return token._replace(earliest_at=when.earliest_at, latest_at=when.latest_at)


def _not_moved(token: StoredToken, probe: _Span, known: _Span | None, updated: _Span | None) -> StoredToken:
    """Where the instant is known, `update_time` stands for it; else the token is at least as old as that."""
    stored = _both(known, updated) or updated or known
    if stored is None:
        return token
    token = _prove(token, least=probe.earliest_at - stored.latest_at)
    return _stored(token, stored) if known else token


def _updated(seen: UpdateTime) -> _Span | None:
    """When ``update_time`` moved, by this machine's clock; None: Harbor's answer does not tell."""
    doubt = DATE_SECONDS + UPDATE_DOUBT_SECONDS
    if seen.age_seconds is None or seen.age_seconds < -doubt:
        return None
    latest_at = min(seen.ended_at - seen.age_seconds + UPDATE_DOUBT_SECONDS, seen.ended_at)
    return _Span(seen.began_at - seen.age_seconds - doubt, latest_at)


def _prove(token: StoredToken, *, least: float | None = None, most: float | None = None) -> StoredToken:
    """With a token's age when Harbor had not refreshed it yet, or when it had. Bounds that are contradicted go."""
    bounds = token.least_seconds, token.most_seconds
    if least is not None:
        whole = math.ceil(least + HARBOR_REFRESHES_BEFORE_SECONDS)
        bounds = max(whole, token.least_seconds or 0), token.most_seconds
        if token.most_seconds is not None and whole > token.most_seconds:
            bounds = whole, None
    if most is not None:
        whole = math.floor(most + HARBOR_REFRESHES_BEFORE_SECONDS)
        bounds = token.least_seconds, min(whole, token.most_seconds or whole)
        if token.least_seconds is not None and whole < token.least_seconds:
            bounds = None, whole
    return token._replace(least_seconds=bounds[0], most_seconds=bounds[1])
