"""Whether Harbor's own sign-in ends by itself within minutes: learnt from tokens that were found dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.model import EarlyEnds

if TYPE_CHECKING:
    from docker_credential_harbor.model import CurrentUser

EARLY_SECONDS = 600  # sooner than `keepalive` comes


def after_refusal(before: EarlyEnds | None, user: CurrentUser) -> EarlyEnds | None:
    """What is known of early ends once Harbor has refused the secret that it shows: its stored token is dead."""
    age = user.token_age_seconds
    if age is None or age > EARLY_SECONDS:  # nobody used it meanwhile: it may have lived as long as any
        return before
    age = max(0.0, age)
    if before is None:
        return EarlyEnds(1, age, user.token_updated_at)
    times = before.times if before.token_updated_at == user.token_updated_at else before.times + 1
    return EarlyEnds(times, min(before.age_seconds, age), user.token_updated_at)


def after_seconds(noted: EarlyEnds | None) -> float | None:
    """After how many seconds Harbor's own sign-in ends, where it does so each time; None: not that it was seen."""
    return noted.age_seconds if noted and noted.times > 1 else None
