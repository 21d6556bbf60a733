"""However many `get`s run at once: one refresh by us, one by Harbor, one probe, one window, and both sessions live on.

The realm rotates refresh tokens and takes none twice, so a second refresh beside the first would end a session.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.lab.realm import HELPER_CLIENT
from tests.lab.workplace import NOT_FOUND, pairs_of
from tests.soak.scale import FULL, count

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.desk import Desk
    from tests.lab.sealed_home import Home
    from tests.lab.secret_service import SecretService
    from tests.lab.workplace import Answer, Workplace

MANY = count(100, 16)
PULLS = count(20, 5)
STRICT = {"revoke_refresh_token": True}
NEW_SECRET = "Another-Secret-0123456789"
PROBE, CURRENT_USER = "/service/token", "/api/v2.0/users/current"


@pytest.fixture(autouse=True)
def _as_slow_as_the_machine_is(home: Home) -> None:
    """That a hundred fit into the usual ten seconds is shown in full alone, where nothing runs beside them."""
    if not FULL:
        home.environment["DOCKER_CREDENTIAL_HARBOR_TIMEOUT"] = "60"


@pytest.fixture
def burst(note_figures: Callable[..., None]) -> Callable[..., list[Answer]]:
    """So many `get`s at once, and how long all of them took."""

    def run(workplace: Workplace, **env: str) -> list[Answer]:
        started_at = time.monotonic()
        answers = workplace.many_gets(MANY, **env)
        note_figures(gets=MANY, seconds=round(time.monotonic() - started_at, 1))
        return answers

    return run


def test_our_token_and_harbors_have_expired_and_the_secret_was_replaced(
    make_workplace: Callable[..., Workplace], burst: Callable[..., list[Answer]]
) -> None:
    workplace = make_workplace(STRICT)
    workplace.pair()
    workplace.let_id_token_expire()
    workplace.harbor.set_secret("alice-h", NEW_SECRET)
    answers = expired_burst(workplace, burst)
    assert pairs_of(answers) == {("alice-h", NEW_SECRET)}
    assert workplace.asked() == [PROBE, CURRENT_USER, PROBE]
    assert workplace.realm.token_requests(HELPER_CLIENT) == 1
    assert_both_sessions_live(workplace)


def test_with_a_secret_service(
    make_workplace: Callable[..., Workplace], burst: Callable[..., list[Answer]], secret_bus: SecretService
) -> None:
    workplace = make_workplace(STRICT)
    workplace.helper.home.environment.update(secret_bus.environment)
    workplace.configure()
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "keyring"
    workplace.pair()
    workplace.harbor.set_secret("alice-h", NEW_SECRET)
    assert pairs_of(expired_burst(workplace, burst)) == {("alice-h", NEW_SECRET)}
    assert workplace.asked() == [PROBE, CURRENT_USER, PROBE]


def test_without_a_trust_window(make_workplace: Callable[..., Workplace], burst: Callable[..., list[Answer]]) -> None:
    workplace = make_workplace(STRICT, top="cache_ttl = 0")
    pair = workplace.pair()
    assert pairs_of(expired_burst(workplace, burst)) == {pair}
    assert len(workplace.asked()) < MANY, "those that were waiting take over what the first found out"


def test_nobody_is_signed_in(workplace: Workplace, burst: Callable[..., list[Answer]]) -> None:
    assert pairs_of(burst(workplace)) == {("alice-h", workplace.harbor.users["alice-h"].secret)}
    assert (workplace.person.windows, workplace.person.forms) == (1, 1)


def test_harbors_token_is_dead(workplace: Workplace, burst: Callable[..., list[Answer]]) -> None:
    pair = workplace.pair()
    workplace.harbor.kill_stored_token("alice-h")
    workplace.end_trust_window()
    assert pairs_of(burst(workplace)) == {pair}
    assert (workplace.person.windows, workplace.person.forms) == (2, 1), "one walk"


def test_harbors_token_is_dead_and_nobody_can_be_asked(
    workplace: Workplace, burst: Callable[..., list[Answer]]
) -> None:
    workplace.pair()
    workplace.harbor.kill_stored_token("alice-h")
    workplace.end_trust_window()
    workplace.asked()
    answers = burst(workplace, CI="true")
    assert {(status, output) for status, output, _ in answers} == {(1, NOT_FOUND)}
    [line] = {errors for _, _, errors in answers}
    assert "needs a sign-in and nobody can be asked here (CI is set)" in line
    asked = workplace.asked()
    rounds = len(asked) // 2
    assert asked == [PROBE, CURRENT_USER] * rounds
    assert rounds <= MANY // 4, "only those ask anew that began after the first one had asked"


def test_docker_pulls(make_desk: Callable[..., Desk], note_figures: Callable[..., None]) -> None:
    desk = make_desk(realm=STRICT)
    workplace = desk.workplace
    desk.set_up()
    images = [f"{workplace.name}/demo/image-{number}:1" for number in range(PULLS)]
    for image in images:
        desk.engine.import_image(image)
        desk.must("push", image)
        desk.engine.forget_image(image)
    workplace.end_trust_window()
    workplace.harbor.expire_stored_access_token("alice-h")
    before = workplace.harbor.refreshes
    started_at = time.monotonic()
    with ThreadPoolExecutor(PULLS) as pool:
        pulled = list(pool.map(lambda image: desk.docker("pull", image), images))
    note_figures(pulls=PULLS, seconds=round(time.monotonic() - started_at, 1))
    assert [(done.returncode, done.stderr) for done in pulled] == [(0, "")] * PULLS
    assert workplace.harbor.refreshes == before + 1
    assert workplace.person.windows == 1
    assert_harbors_session_lives(workplace)


def expired_burst(workplace: Workplace, burst: Callable[..., list[Answer]]) -> list[Answer]:
    """Once Harbor's stored token has expired: Harbor refreshes once, no window opens, and nobody reads a word."""
    workplace.end_trust_window()
    workplace.harbor.expire_stored_access_token("alice-h")
    before = workplace.harbor.refreshes
    workplace.asked()
    answers = burst(workplace)
    assert workplace.harbor.refreshes == before + 1
    assert workplace.person.windows == 1
    assert {errors for _, _, errors in answers} == {""}
    return answers


def assert_both_sessions_live(workplace: Workplace) -> None:
    assert_harbors_session_lives(workplace)
    workplace.let_id_token_expire()
    workplace.harbor.set_secret("alice-h", "One-More-Secret-0123456789")
    workplace.end_trust_window()
    assert workplace.pair() == ("alice-h", "One-More-Secret-0123456789")
    assert workplace.realm.token_requests(kind="REFRESH_TOKEN_ERROR") == 0
    assert workplace.person.windows == 1


def assert_harbors_session_lives(workplace: Workplace) -> None:
    """Harbor refreshes once more, by the token that its last refresh brought."""
    before = workplace.harbor.refreshes
    workplace.harbor.expire_stored_access_token("alice-h")
    workplace.learn_life()
    workplace.end_trust_window()
    workplace.asked()
    workplace.pair()
    asked = workplace.asked()
    assert asked.count(PROBE) == 1
    assert set(asked) <= {PROBE, CURRENT_USER}, "after a changed secret `update_time` is read once more"
    assert workplace.harbor.refreshes == before + 1
    assert workplace.person.windows == 1
