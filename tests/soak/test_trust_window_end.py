"""Bursts around the end of a trust window: how often one meets an expired token that Harbor stored.

Harbor refreshes for every request that meets one, and strict rotation ends its session when it does so in parallel.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from tests.lab.processes import wait_until
from tests.soak.scale import FULL, count

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.workplace import Workplace

SEED = 2026
LIFE_SECONDS = 24  # of Harbor's tokens, not of ours; Harbor refreshes 10 s early, the trust window ends 5 s before that
REALM = {
    "harbor_attributes": {"access.token.lifespan": str(LIFE_SECONDS)},
    "revoke_refresh_token": True,
    "ssoSessionIdleTimeout": 3600,
}
HARBOR_REFRESHES_AFTER, WINDOW_SECONDS = LIFE_SECONDS - 10, LIFE_SECONDS - 15
BURSTS = count(40, 1)
REQUESTS = 20
SCOPE = "repository:demo/hello:pull"


@pytest.mark.parametrize("other_machine", [False, True] if FULL else [False])
def test_bursts_around_the_end(
    make_workplace: Callable[..., Workplace], note_figures: Callable[..., None], other_machine: bool
) -> None:
    """They begin at moments drawn from before the end of the window to after Harbor's refresh."""
    workplace = make_workplace(REALM)
    workplace.harbor.add_project("demo")
    chance = random.Random(SEED)  # noqa: S311 - to be repeated
    met = 0
    workplace.pair()
    workplace.learn_life(LIFE_SECONDS)
    for _ in range(BURSTS):
        workplace.pair()
        if other_machine:
            use_elsewhere(workplace, chance)
            workplace.pair()
        ends_at = workplace.notes()["trusted_until"] if other_machine else stored_at(workplace) + WINDOW_SECONDS
        wait_for(ends_at + chance.uniform(-1, 7))
        met += burst(workplace) > 1
    lost = windows_after_next_expiry(workplace) - 1
    note_figures(seed=SEED, bursts=BURSTS, met_an_expired_token=met, sessions_lost=lost)
    assert (met, lost) == (0, 0)


def test_a_burst_in_the_moment_before_harbor_refreshes(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace(REALM)
    workplace.harbor.add_project("demo")
    workplace.pair()
    workplace.learn_life(LIFE_SECONDS)
    wait_for(stored_at(workplace) + HARBOR_REFRESHES_AFTER - 1)
    assert burst(workplace) == 1, "for the probe alone"
    assert windows_after_next_expiry(workplace) == 1


def burst(workplace: Workplace) -> int:
    """One `get`, and what Docker asks with its pair, all at once; how often Harbor refreshed."""
    before = workplace.harbor.refreshes
    pair = workplace.pair()
    url = f"{workplace.harbor.url}/service/token"
    query = {"service": "harbor-registry", "scope": SCOPE}

    def ask(_: int) -> int:
        return requests.get(url, params=query, auth=pair, timeout=60).status_code

    with ThreadPoolExecutor(REQUESTS) as pool:
        assert set(pool.map(ask, range(REQUESTS))) == {200}
    return workplace.harbor.refreshes - before


def windows_after_next_expiry(workplace: Workplace) -> int:
    """How many windows it took in all, once it has shown whether Harbor's last session lives."""
    workplace.end_trust_window()
    workplace.harbor.expire_stored_access_token("alice-h")
    workplace.pair()
    return workplace.person.windows


def use_elsewhere(workplace: Workplace, chance: random.Random) -> None:
    """Another machine uses the pair once Harbor's stored token has expired: Harbor refreshes, unseen from here."""
    wait_for(stored_at(workplace) + HARBOR_REFRESHES_AFTER + 0.1)
    pair = "alice-h", workplace.harbor.users["alice-h"].secret
    requests.get(f"{workplace.harbor.url}/service/token", auth=pair, timeout=60)
    wait_for(time.time() + chance.uniform(1, LIFE_SECONDS - 15))


def stored_at(workplace: Workplace) -> float:
    """When Harbor stored its token."""
    token = workplace.harbor.users["alice-h"].stored_token
    assert token
    return token.expires_at - LIFE_SECONDS


def wait_for(instant: float) -> None:
    wait_until(lambda: time.time() >= instant, "the moment of the burst", 120)
