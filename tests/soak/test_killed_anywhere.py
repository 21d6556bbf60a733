"""kill -9 at random moments of refresh, save, renewal and sign-in: nothing torn, no lock stays, the next `get` works.

With rotation a refresh token is worth nothing from the provider's answer on; what is killed between that and the save
is lost, and the person signs in again at once. Without rotation nothing is lost.
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
    killer = Killer(workplace, rotation, random.Random(SEED))  # noqa: S311 - to be repeated
    workplace.pair()
    for number in range(kills):
        # Half of them where tokens are at stake.
        killer.kill_one(killer.random.choice([*PHASES, REFRESH, SAVE] if number % 2 else [REFRESH, *PHASES]))
    note_figures(seed=SEED, kills=kills, **killer.counted)
