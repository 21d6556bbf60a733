"""Tokens that Harbor stored and that were found dead within minutes."""

from __future__ import annotations

import pytest

from docker_credential_harbor.model import CurrentUser, EarlyEnds
from docker_credential_harbor.policy import harbor_ends_early


def user(age: float | None, at: str = "t2") -> CurrentUser:
    return CurrentUser(3, "alice-h", "secret", at, age)


@pytest.mark.parametrize(
    ("before", "seen", "after"),
    [
        (None, user(None), None),
        (None, user(600.5), None),
        (None, user(600), EarlyEnds(1, 600, "t2")),
        (None, user(70), EarlyEnds(1, 70, "t2")),
        (None, user(-3), EarlyEnds(1, 0, "t2")),
        (None, user(0.5), EarlyEnds(1, 0.5, "t2")),
        (EarlyEnds(1, 90, "t1"), user(None), EarlyEnds(1, 90, "t1")),
        (EarlyEnds(1, 90, "t1"), user(4000), EarlyEnds(1, 90, "t1")),
        (EarlyEnds(1, 90, "t1"), user(70), EarlyEnds(2, 70, "t2")),
        (EarlyEnds(1, 60, "t1"), user(70), EarlyEnds(2, 60, "t2")),
        (EarlyEnds(2, 90, "t2"), user(70), EarlyEnds(2, 70, "t2")),
    ],
)
def test_each_token_that_was_found_dead_within_ten_minutes_counts_once(
    before: EarlyEnds | None, seen: CurrentUser, after: EarlyEnds | None
) -> None:
    assert harbor_ends_early.after_refusal(before, seen) == after


def test_one_alone_may_have_been_revoked() -> None:
    assert harbor_ends_early.after_seconds(None) is None
    assert harbor_ends_early.after_seconds(EarlyEnds(1, 70, "t1")) is None
    assert harbor_ends_early.after_seconds(EarlyEnds(2, 70, "t2")) == 70
