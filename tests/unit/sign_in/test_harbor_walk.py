"""The walk: opened once, asked about until it shows, ended by time or by whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import ProviderNotFound, ServerFault, SignInEnded, Unreachable
from docker_credential_harbor.sign_in import harbor_walk
from tests.unit.slept_time import SleptTime

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://harbor.example.com/c/oidc/login"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SleptTime:
    clock = SleptTime()
    monkeypatch.setattr(harbor_walk, "time", clock)
    return clock


def walk(
    passes: Callable[[], str | None], opened: list[str], timeout_seconds: float = 30, cancelled: bool = False
) -> str | None:
    return harbor_walk.walk(
        URL,
        open_url=opened.append,
        passes=passes,
        timeout_seconds=timeout_seconds,
        cancelled=lambda: cancelled,
        registry_name="harbor.example.com",
    )


def gives(*outcomes: str | Exception | None) -> Callable[[], str | None]:
    """One outcome a call, the last one for ever."""
    left = list(outcomes)

    def call() -> str | None:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


def away() -> Unreachable:
    return Unreachable(host="harbor.example.com", reason="connection refused")


def test_opened_once_and_passed_in_the_end() -> None:
    opened: list[str] = []
    assert walk(gives(None, None, "pair"), opened) == "pair"
    assert opened == [URL]


def test_wait_opens_nothing() -> None:
    passed = harbor_walk.wait(
        passes=gives(None, "pair"), timeout_seconds=30, cancelled=lambda: False, registry_name="h"
    )
    assert passed == "pair"


def test_the_time_is_over(clock: SleptTime) -> None:
    assert walk(gives(None), [], timeout_seconds=30) is None
    assert clock.now == pytest.approx(30)


def test_it_is_asked_once_more_at_the_very_end(clock: SleptTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harbor_walk, "LOOK_SECONDS", 60)
    assert walk(gives(None, "pair"), [], timeout_seconds=30) == "pair"
    assert clock.now == pytest.approx(30)


def test_no_time_at_all_still_looks_once() -> None:
    assert walk(gives("pair"), [], timeout_seconds=0) == "pair"


def test_harbor_may_be_away_for_a_while() -> None:
    assert walk(gives(away(), ServerFault(host="h", status=502), None, "pair"), []) == "pair"


def test_harbor_is_away_to_the_end() -> None:
    with pytest.raises(Unreachable):
        walk(gives(None, away()), [])


def test_harbor_was_away_only_in_between() -> None:
    assert walk(gives(away(), None), []) is None


def test_other_failures_end_it() -> None:
    with pytest.raises(ProviderNotFound):
        walk(gives(ProviderNotFound(registry="h")), [])


def test_ended_by_whoever_asked() -> None:
    with pytest.raises(SignInEnded):
        walk(gives("pair"), [], cancelled=True)
