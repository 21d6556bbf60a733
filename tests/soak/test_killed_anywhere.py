"""kill -9 at random moments of refresh, save, renewal and sign-in: nothing torn, no lock stays, the next `get` works.

With rotation a refresh token is worth nothing from the provider's answer on; what is killed between that and the save
is lost, and the person signs in again at once. Without rotation nothing is lost.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.lab.faults import hang
from tests.lab.processes import wait_until
from tests.lab.realm import HELPER_CLIENT
from tests.soak.kills import LOST, PHASES, REFRESH, SAVE, Killer
from tests.soak.scale import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.secret_service import SecretService
    from tests.lab.web import Exchange
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
    done = 0
    while done < kills:
        done += killer.kill_one(killer.random.choice([*PHASES, REFRESH, SAVE]))  # more where tokens are at stake
    note_figures(seed=SEED, kills=kills, **{LOST: 0, **killer.counted})


@pytest.mark.parametrize("rotation", [True, False])
def test_between_the_providers_answer_and_the_save(
    make_workplace: Callable[..., Workplace],
    make_proxy: Callable[..., FaultProxy],
    keycloak: Keycloak,
    rotation: bool,
) -> None:
    """The one moment that cannot be made good, met on purpose: the answer is on its way when the `get` dies."""
    proxy = make_proxy(keycloak.url)
    workplace = make_workplace({"revoke_refresh_token": rotation}, through=proxy)
    workplace.pair()
    workplace.let_id_token_expire()
    workplace.harbor.set_secret("alice-h", "Another-Secret-0123456789")
    workplace.end_trust_window()
    proxy.set(urlsplit(workplace.realm.endpoint("token")).path, answer_lost, times=1)
    run = workplace.start_get()
    wait_until(lambda: workplace.realm.token_requests(HELPER_CLIENT) == 1, "the provider's answer")
    run.kill()
    run.communicate(timeout=10)
    assert workplace.pair() == ("alice-h", "Another-Secret-0123456789")
    assert workplace.person.windows == (2 if rotation else 1), (
        "asked at once, and only where the token was worth nothing"
    )


def answer_lost(exchange: Exchange, proxy: FaultProxy) -> None:
    """The provider has answered, and nobody gets it."""
    proxy.true_answer(exchange)
    hang(exchange, proxy)
