"""How long no window opens by itself."""

from __future__ import annotations

import pytest

from docker_credential_harbor.policy import pause_after_decline


@pytest.mark.parametrize(
    ("declines", "at", "now", "seconds"),
    [
        (0, 1000, 1000, 0),
        (1, None, 1000, 0),
        (1, 1000, 1000, 60),
        (1, 1000, 1059.4, 1),
        (1, 1000, 1060, 0),
        (2, 1000, 1001, 599),
        (3, 1000, 1000, 3600),
        (4, 1000, 1000, 3600),
        (1, 0.0, 10, 50),
    ],
)
def test_no_window_for_a_minute_then_ten_then_an_hour(
    declines: int, at: float | None, now: float, seconds: int
) -> None:
    assert pause_after_decline.seconds_left(declines, at, now) == seconds
