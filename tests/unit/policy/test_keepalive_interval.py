"""When our own tokens are due, and how often a scheduler is to run: by value alone."""

from __future__ import annotations

import pytest

from docker_credential_harbor.model import TokenSet
from docker_credential_harbor.policy import keepalive_interval
from docker_credential_harbor.policy.durations import DAY, HOUR, MINUTE

NOW = 1_700_000_000.0
TOKENS = TokenSet(
    issuer="https://sso.example.com",
    subject="s",
    person="alice",
    audience=(),
    id_token="t",
    id_token_expires_at=NOW + 300,
    refresh_token="r",
    access_token_life_seconds=300,
    refresh_token_life_seconds=1800,
    refreshed_at=NOW,
)


class TestDue:
    @pytest.mark.parametrize(("age", "due"), [(0, False), (200, False), (294.9, False), (295, True), (1000, True)])
    def test_once_the_id_token_has_expired(self, age: float, due: bool) -> None:
        assert keepalive_interval.is_due(TOKENS, NOW + age) is due

    @pytest.mark.parametrize(("age", "due"), [(0, False), (599, False), (600, True), (5000, True)])
    def test_once_a_third_of_the_refresh_tokens_life_is_over(self, age: float, due: bool) -> None:
        tokens = TOKENS._replace(id_token_expires_at=NOW + DAY)
        assert keepalive_interval.is_due(tokens, NOW + age) is due

    @pytest.mark.parametrize("life", [None, 0])
    def test_a_life_without_an_end_or_unknown_leaves_it_to_the_id_token(self, life: float | None) -> None:
        tokens = TOKENS._replace(refresh_token_life_seconds=life, id_token_expires_at=NOW + DAY)
        assert not keepalive_interval.is_due(tokens, NOW + HOUR)
        assert keepalive_interval.is_due(tokens, NOW + DAY)

    def test_what_an_older_version_kept(self) -> None:
        tokens = TOKENS._replace(refreshed_at=None, refresh_token_life_seconds=None)
        assert not keepalive_interval.is_due(tokens, NOW)
        assert keepalive_interval.is_due(tokens, NOW + 300)

    def test_a_clock_that_was_set_back(self) -> None:
        assert keepalive_interval.is_due(TOKENS._replace(id_token_expires_at=NOW + DAY), NOW - 1)

    def test_nothing_to_refresh_by(self) -> None:
        assert not keepalive_interval.is_due(TOKENS._replace(refresh_token=None), NOW + DAY)


class TestInterval:
    @pytest.mark.parametrize(
        ("offline", "life", "seconds"),
        [
            (True, None, DAY),
            (True, 0, DAY),
            (True, 60 * DAY, 20 * DAY),
            (True, 3 * HOUR, HOUR),
            (False, 1800, 600),
            (False, 10 * HOUR, 12000),
            (False, 0, 600),
            (False, 30 * DAY, 600),
            (False, DAY, 600),
            (False, DAY - 3, DAY / 3 - 1),
            (False, None, 600),
            (None, 1800, 600),
            (None, 0, 600),
            (None, None, 600),
        ],
    )
    def test_of_one_registry(self, offline: bool | None, life: float | None, seconds: float) -> None:
        assert keepalive_interval.session_seconds(offline, life) == seconds

    @pytest.mark.parametrize(
        ("wanted", "seconds"),
        [
            ([600], 600),
            ([599], 600),
            ([595], 600),
            ([594.9], 5 * MINUTE),
            ([20 * DAY], DAY),
            ([12000], 3 * HOUR),
            ([7], MINUTE),
            ([DAY, 600, HOUR], 600),
            ([], DAY),
        ],
    )
    def test_the_shortest_down_to_a_step(self, wanted: list[float], seconds: int) -> None:
        assert keepalive_interval.interval_seconds(wanted) == seconds

    def test_the_steps(self) -> None:
        minutes = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440)
        assert tuple(60 * each for each in minutes) == keepalive_interval.STEPS_SECONDS

    def test_every_step_is_an_even_part_of_an_hour_or_a_day(self) -> None:
        for step in keepalive_interval.STEPS_SECONDS:
            assert (HOUR if step < HOUR else DAY) % step == 0
        assert list(keepalive_interval.STEPS_SECONDS) == sorted(set(keepalive_interval.STEPS_SECONDS))

    def test_runs_that_come_late_still_meet_a_session_that_lives(self) -> None:
        """A whole interval late, and within the life all the same, for every life from three minutes on."""
        for life in range(3 * MINUTE, DAY, 7):
            assert 2 * keepalive_interval.interval_seconds([keepalive_interval.session_seconds(False, life)]) < life
