"""The life of Harbor's tokens on a real Keycloak, which gives Harbor's client another one than ours, and rotates.

Refresh tokens can be used but once: a burst that makes Harbor refresh in parallel ends its session.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from docker_credential_harbor.policy.trust_window import TOGETHER_SECONDS
from tests.lab.sealed_home import Home
from tests.lab.workplace import pairs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.flows.conftest import Workplace

PROBE = "/service/token"
CURRENT = "/api/v2.0/users/current"
PULLS = 3
AGES = (62, 3, 20, 62, 300, 1)  # at least, of Harbor's token at each burst, in seconds
NEW_SECRET = "Another-Secret-0123456789"


def strict(life: int) -> dict[str, Any]:
    """A realm whose tokens live five minutes, but for Harbor's."""
    return {"revoke_refresh_token": True, "harbor_attributes": {"access.token.lifespan": str(life)}}


def pull(workplace: Workplace) -> list[int]:
    """Several `get`s at once, and what Docker then asks Harbor with each pair; the statuses."""
    [pair] = pairs_of(workplace.many_gets(PULLS))
    url = f"{workplace.harbor.url}{PROBE}"

    def ask(_: int) -> int:
        return requests.get(url, params={"service": "harbor-registry"}, auth=pair, timeout=60).status_code

    with ThreadPoolExecutor(PULLS) as pool:
        return list(pool.map(ask, range(PULLS)))


def sign_in(workplace: Workplace) -> None:
    """Until the helper knows well enough when Harbor stored its token: a machine that is too slow tries once more."""
    workplace.pair()
    while (token := workplace.notes()["stored_token"])["latest_at"] - token["earliest_at"] > TOGETHER_SECONDS / 2:
        workplace.harbor.kill_stored_token("alice-h")
        workplace.end_trust_window()
        workplace.pair()


def age(workplace: Workplace, life: int) -> float:
    """Of the token that Harbor stored, by the stand-in itself, in seconds."""
    token = workplace.harbor.users["alice-h"].stored_token
    assert token
    return workplace.now() - (token.expires_at - life)


def bounds(workplace: Workplace) -> tuple[float | None, float | None]:
    token = workplace.notes()["stored_token"]
    return token["least_seconds"], token["most_seconds"]


@pytest.mark.parametrize("life", [60, 300, 900])
@pytest.mark.parametrize("machines", [1, 2])
def test_every_burst_is_served_and_harbors_session_lives(
    make_workplace: Callable[..., Workplace], tmp_path: Path, life: int, machines: int
) -> None:
    workplace = make_workplace(strict(life))
    places = [workplace]
    if machines == 2:
        places.append(workplace.on_another_machine(Home(tmp_path / "another")))
    for place in places:
        place.pair()
    windows = workplace.person.windows
    for number, seconds in enumerate(AGES):
        workplace.let_pass(max(0, seconds - age(workplace, life)))
        assert pull(places[number % machines]) == [200] * PULLS, f"burst {number}"
    assert workplace.harbors_token_is_live("alice-h")
    assert workplace.person.windows == windows
    least, most = bounds(workplace)
    assert (least or 0) <= life <= (most or life)


@pytest.mark.heart
def test_a_short_life_is_learnt_and_not_trusted_beyond(make_workplace: Callable[..., Workplace]) -> None:
    """Until then what is remembered is so for ten seconds; that alone was five minutes by our own token's life."""
    workplace = make_workplace(strict(20))
    sign_in(workplace)
    notes = workplace.notes()
    assert notes["trusted_until"] - notes["verified_at"] <= 10
    workplace.let_pass(22)
    workplace.pair()
    refreshed_at_22 = bounds(workplace)[1]
    assert (refreshed_at_22 or 0) >= 30
    workplace.let_pass(11)
    workplace.pair()
    least, most = bounds(workplace)
    assert (least or 0) <= 20 <= (most or 0) <= (refreshed_at_22 or 0)
    notes = workplace.notes()
    assert notes["trusted_until"] <= notes["verified_at"] + 5


@pytest.mark.heart
def test_the_usual_life_is_learnt_and_then_costs_no_request(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace(strict(300))
    sign_in(workplace)
    workplace.let_pass(250)
    workplace.asked()
    workplace.pair()
    assert workplace.asked() == [PROBE, CURRENT], "while the bounds are apart"
    workplace.let_pass(60)
    workplace.pair()
    assert workplace.asked() == [PROBE, CURRENT]
    least, most = bounds(workplace)
    assert 260 <= (least or 0) <= 300 <= (most or 0)
    notes = workplace.notes()
    assert notes["trusted_until"] - notes["stored_token"]["earliest_at"] == pytest.approx((least or 0) - 15)
    workplace.pair()
    assert workplace.asked() == [], "remembered"
    workplace.learn_life(300)
    workplace.let_pass(292)
    workplace.pair()
    assert workplace.asked() == [PROBE], "with the bounds together"


def test_harbors_refresh_is_watched_to_the_second(make_workplace: Callable[..., Workplace]) -> None:
    """A `get` in the seconds before it waits all the same, and learns by that."""
    workplace = make_workplace(strict(300))
    sign_in(workplace)
    workplace.let_pass(max(0, 286 - age(workplace, 300)))
    workplace.asked()
    workplace.pair()
    least, most = bounds(workplace)
    assert (least or 0) <= 300 <= (most or 0)
    assert workplace.asked().count(PROBE) > 1 or least is None, "watched, unless the machine came too late for it"
    if least == most:  # on a machine that keeps up with the second
        notes = workplace.notes()
        assert notes["trusted_until"] - notes["stored_token"]["earliest_at"] == pytest.approx(285)


@pytest.mark.heart
def test_a_changed_secret_is_not_taken_for_a_refresh(make_workplace: Callable[..., Workplace]) -> None:
    workplace = make_workplace(strict(300))
    sign_in(workplace)
    workplace.let_pass(100)
    workplace.pair()
    assert 110 <= (bounds(workplace)[0] or 0) <= 11 + age(workplace, 300)
    workplace.harbor.set_secret("alice-h", NEW_SECRET)
    for _ in range(2):
        workplace.let_pass(30)
        assert workplace.pair() == ("alice-h", NEW_SECRET)
        assert workplace.notes()["trusted_until"] <= workplace.notes()["verified_at"], (
            "how old the token is, nobody knows"
        )
    assert bounds(workplace)[1] is None, "nothing was refreshed"
    assert (bounds(workplace)[0] or 0) <= 300


@pytest.mark.heart
def test_another_machines_refresh_is_read_and_the_window_ends_with_its_token(
    make_workplace: Callable[..., Workplace], tmp_path: Path
) -> None:
    """By what was measured here alone it would have been trusted 190 seconds too long."""
    workplace = make_workplace(strict(300))
    sign_in(workplace)
    workplace.learn_life(300)
    other = workplace.on_another_machine(Home(tmp_path / "another"))
    other.pair()
    workplace.let_pass(295)
    other.pair()
    workplace.let_pass(200)
    workplace.pair()
    left = workplace.notes()["trusted_until"] - workplace.now()
    assert left <= 285 - age(workplace, 300) + 1
    assert left >= 285 - age(workplace, 300) - 5, "which is read, and no more than doubted by some seconds"


@pytest.mark.heart
def test_update_time_that_cannot_be_read_keeps_no_pair_back(make_workplace: Callable[..., Workplace]) -> None:
    """Our own sign-in has ended at the provider; Harbor's lives."""
    workplace = make_workplace(strict(300))
    pair = workplace.pair()
    assert requests.post(
        workplace.realm.endpoint("revoke"),
        data={"client_id": "docker-credential-harbor", "token": workplace.kept_tokens()["refresh_token"]},
        timeout=30,
    ).ok
    workplace.let_id_token_expire()
    workplace.let_pass(30)
    answer = workplace.get()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert workplace.pair() == pair
    notes = workplace.notes()
    assert notes["trusted_until"] - notes["verified_at"] <= 10
    workplace.let_pass(11)
    refreshes = workplace.realm.token_requests(kind="REFRESH_TOKEN_ERROR")
    workplace.pair()
    assert workplace.realm.token_requests(kind="REFRESH_TOKEN_ERROR") == refreshes, "not tried again at once"
