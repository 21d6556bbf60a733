"""Durations as people say them."""

from __future__ import annotations

import pytest

from docker_credential_harbor.policy import durations
from docker_credential_harbor.policy.durations import DAY


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (600, "10 minutes"),
        (60, "1 minute"),
        (1800, "30 minutes"),
        (5400, "90 minutes"),
        (3600, "1 hour"),
        (36000, "10 hours"),
        (DAY, "1 day"),
        (30 * DAY, "30 days"),
        (45, "45 seconds"),
        (1799, "30 minutes"),
        (630, "10 minutes"),
        (599, "599 seconds"),
    ],
)
def test_in_words(seconds: float, words: str) -> None:
    assert durations.in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (9.9, "just now"), (10, "10 seconds ago"), (3600, "1 hour ago")],
)
def test_ago(seconds: float, words: str) -> None:
    assert durations.ago(seconds) == words
