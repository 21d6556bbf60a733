"""kill -9 at random moments of refresh, save, renewal and sign-in: nothing torn, no lock stays, the next `get` works.

With rotation a refresh token is worth nothing from the provider's answer on, so what saves the new one outlives the
`get`; the moment between the two is met on purpose in tests/flows/test_killed.py.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.soak.kills import PHASES, REFRESH, SAVE, Killer
from tests.soak.scale import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.secret_service import SecretService
    from tests.lab.workplace import Workplace

SEED = 20260


@pytest.mark.parametrize(
    ("storage", "rotation", "kills"),
    [
        ("file", True, count(80, 4)),
        ("file", False, count(80, 3)),
        ("kernel", True, count(20, 2)),
        ("keyring", True, count(20, 2)),
    ],
)
def test_nothing_is_torn_and_the_next_get_works(
    make_workplace: Callable[..., Workplace],
    request: pytest.FixtureRequest,
    note_figures: Callable[..., None],
    storage: str,
    rotation: bool,
    kills: int,
) -> None:
    workplace = make_workplace({"revoke_refresh_token": rotation}, top="login_timeout = 15")
    environment = workplace.helper.home.environment
    if storage == "keyring":
        bus: SecretService = request.getfixturevalue("secret_bus")
        environment.update(bus.environment)
    environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = storage
    killer = Killer(workplace, random.Random(SEED))  # noqa: S311 - to be repeated
    workplace.pair()
    done = 0
    while done < kills:
        done += killer.kill_one(killer.random.choice([*PHASES, REFRESH, SAVE]))  # more where tokens are at stake
    note_figures(seed=SEED, kills=kills, **killer.counted)
