"""How often a session is to be touched so that it lives on: pure, without I/O.

Two sessions are kept alive, and each ends when nobody uses it for a while. Ours lives as long as the refresh token that
the provider gave us, which it tells. Harbor's cannot be seen: with ``offline_access`` among Harbor's scopes it outlives
the browser (Keycloak: 30 days after its last use), else it is tied to the browser's session at the provider (Keycloak:
30 minutes after its last use, and 10 hours after the sign-in whatever is done), as our own refresh token is.

Touched three times in one such life, a session survives a run that fell out and a scheduler that took its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.policy.durations import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker_credential_harbor.model import TokenSet

RUNS_IN_A_LIFE = 3
UNKNOWN_SECONDS = 10 * MINUTE  # a third of Keycloak's 30 minutes
SLACK_SECONDS = 5  # of a life that was half an hour when it began, a provider tells what is left of it
# Even parts of an hour or a day, so that every scheduler can say them, cron too.
STEPS_SECONDS = (
    *(minutes * MINUTE for minutes in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 24)),
)


def touch_seconds(life_seconds: float) -> float:
    """After what time a session that would live so long is to be touched again."""
    return life_seconds / RUNS_IN_A_LIFE


def is_due(tokens: TokenSet, now: float) -> bool:
    """Whether our own tokens are to be refreshed now; ``now`` is an instant.

    They are when the ID token has expired, so that a `get` finds one that Harbor takes, and when a third of the refresh
    token's life is over. Where that life is not known or has no end, the ID token alone decides.
    """
    if tokens.refresh_token is None:
        return False
    if tokens.id_token_is_over(now):
        return True
    if not tokens.refresh_token_life_seconds or tokens.refreshed_at is None:
        return False
    # Given in the future: the clock was set back, and its age cannot be told.
    return not 0 <= now - tokens.refreshed_at < touch_seconds(tokens.refresh_token_life_seconds)


def session_seconds(harbor_has_offline_access: bool | None, life_seconds: float | None) -> float:
    """How often one registry's sessions are to be touched.

    ``harbor_has_offline_access`` None: Harbor's scopes are not known. ``life_seconds`` is that of our own refresh token
    (0: no end; None: not known, or nobody is signed in), which stands for Harbor's where both are tied to the browser's
    session.
    """
    # Without offline_access at Harbor one that lives for days is an offline one of ours alone: no word on Harbor's.
    if life_seconds and (harbor_has_offline_access or life_seconds < DAY):
        return touch_seconds(life_seconds)
    return DAY if harbor_has_offline_access else UNKNOWN_SECONDS


def interval_seconds(sessions_seconds: Iterable[float]) -> int:
    """The scheduler's interval for several registries: the shortest, down to the next of STEPS_SECONDS, give or take.

    Between a minute and a day; a day too where there is nothing to keep alive.
    """
    wanted = min(sessions_seconds, default=DAY)
    return max((step for step in STEPS_SECONDS if step <= wanted + SLACK_SECONDS), default=STEPS_SECONDS[0])
