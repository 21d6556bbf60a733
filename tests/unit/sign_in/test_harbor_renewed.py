"""What shows that Harbor's side is renewed: alice's browser walks its login while the stand-in Harbor is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from docker_credential_harbor.errors import AudienceShared, Unreachable
from docker_credential_harbor.model import Credentials, ReleasedIdToken
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import harbor_renewed
from docker_credential_harbor.sign_in.harbor_renewed import Renewed, Watch
from docker_credential_harbor.system import redaction
from tests.unit.harbor_place import USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.harbor_place import HarborPlace

SHARED = AudienceShared(registry="h", other="o", harbor_client_id="harbor")


@pytest.fixture
def id_token(harbor_place: HarborPlace) -> ReleasedIdToken:
    """Of a sign-in of alice's, who is onboarded; what Harbor stored for her is a minute old."""
    harbor_place.onboard()
    token = ReleasedIdToken(harbor_place.tokens().id_token)
    harbor_place.harbor.make_older(60)
    return token


def watch(place: HarborPlace, pair: Credentials | None, id_token: ReleasedIdToken | Exception | None = None) -> Watch:
    def given() -> ReleasedIdToken | None:
        if isinstance(id_token, Exception):
            raise id_token
        return id_token

    return Watch(Transport(10), place.registry(), pair, given)


def dead(place: HarborPlace) -> Credentials:
    """Harbor's own token is dead, so it refuses the pair."""
    place.harbor.kill_stored_token(USERNAME)
    return place.pair


def since(began_at: float, found: Renewed | None) -> Renewed:
    """It is renewed, and both instants lie in the test, in their order."""
    assert found
    assert found.earliest_at is not None
    assert began_at <= found.earliest_at <= found.probed_at <= time.time()
    return found


class TestWithoutAWalk:
    def test_alive(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        """Nothing shows that Harbor's login was walked, and so how old its token is."""
        found = watch(harbor_place, None, id_token).as_it_is()
        assert found
        assert (found.pair, found.earliest_at) == (harbor_place.pair, None)
        assert found.updated_at == harbor_place.harbor.users[USERNAME].update_time
        assert redaction.redact(harbor_place.pair.secret) == redaction.REDACTED

    @pytest.mark.parametrize("makes", ["kill_stored_token", "garble_secret", "users.remove"])
    def test_not(self, harbor_place: HarborPlace, id_token: ReleasedIdToken, makes: str) -> None:
        harbor = harbor_place.harbor
        make = harbor.users.remove if makes == "users.remove" else getattr(harbor, makes)
        cast("Callable[[str], None]", make)(USERNAME)
        assert watch(harbor_place, None, id_token).as_it_is() is None

    def test_nobody_is_signed_in_here(self, harbor_place: HarborPlace) -> None:
        assert watch(harbor_place, None, None).as_it_is() is None

    def test_harbor_is_away(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        harbor_place.harbor.down()
        with pytest.raises(Unreachable):
            watch(harbor_place, None, id_token).as_it_is()


class TestAfterAWalk:
    def test_the_pair_in_hand_passes_with_no_id_token_either(self, harbor_place: HarborPlace) -> None:
        harbor_place.onboard()
        looks = watch(harbor_place, dead(harbor_place))
        looks.before_walk()
        began_at = time.time()
        assert looks.after_walk() is None
        assert not looks.in_vain
        harbor_place.walk()
        found = since(began_at, looks.after_walk())
        assert (found.pair, found.updated_at) == (harbor_place.pair, "")

    def test_another_secret_passes(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        """Its ``update_time`` may be that of the secret, so nothing shows how old the token is."""
        looks = watch(harbor_place, Credentials(USERNAME, "AnOlderSecret1"), id_token)
        looks.before_walk()
        found = looks.after_walk()
        assert found
        assert (found.pair, found.earliest_at) == (harbor_place.pair, None)
        assert found.updated_at == harbor_place.harbor.users[USERNAME].update_time

    def test_a_new_token_and_a_refusal_all_the_same(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        looks = watch(harbor_place, dead(harbor_place), id_token)
        looks.before_walk()
        harbor_place.harbor.clear_requests()
        assert looks.after_walk() is None
        assert harbor_place.asked() == ["/service/token", "/api/v2.0/users/current"], "the same pair is asked for once"
        assert not looks.in_vain
        harbor_place.walk()
        dead(harbor_place)
        assert looks.after_walk() is None
        assert looks.in_vain

    def test_where_harbor_cannot_read_its_secret_the_token_alone_shows_it(
        self, harbor_place: HarborPlace, id_token: ReleasedIdToken
    ) -> None:
        pair = harbor_place.pair
        harbor_place.harbor.garble_secret(USERNAME)
        looks = watch(harbor_place, pair, id_token)
        looks.before_walk()
        began_at = time.time()
        assert looks.after_walk() is None
        harbor_place.walk()
        found = looks.after_walk()
        assert found
        assert found.pair is None
        assert found.earliest_at is not None
        assert found.earliest_at >= began_at - 1

    def test_an_id_token_that_may_not_leave_is_not_needed_beside_a_pair(self, harbor_place: HarborPlace) -> None:
        harbor_place.onboard()
        looks = watch(harbor_place, dead(harbor_place), SHARED)
        looks.before_walk()
        assert looks.after_walk() is None
        harbor_place.walk()
        assert looks.after_walk()

    def test_and_without_one_nothing_could_show_it(self, harbor_place: HarborPlace) -> None:
        with pytest.raises(AudienceShared):
            watch(harbor_place, None, SHARED).after_walk()


class TestAfterASignIn:
    @pytest.mark.parametrize("garbled", [False, True], ids=["a pair", "a secret that Harbor cannot read"])
    def test_once_harbor_has_stored_a_new_token(
        self, harbor_place: HarborPlace, id_token: ReleasedIdToken, garbled: bool
    ) -> None:
        """The pair passes before that as well, by the one that Harbor stored earlier."""
        if garbled:
            harbor_place.harbor.garble_secret(USERNAME)
        looks, sent_on_at = watch(harbor_place, None, id_token), time.time()
        looks.in_sign_in(sent_on_at)
        assert looks.after_sign_in() is None
        harbor_place.walk()
        found = looks.after_sign_in()
        assert found
        assert found.earliest_at == sent_on_at
        update_time = harbor_place.harbor.users[USERNAME].update_time
        assert (found.pair, found.updated_at) == ((None, "") if garbled else (harbor_place.pair, update_time))

    def test_a_browser_may_have_been_quicker_than_the_first_look(
        self, harbor_place: HarborPlace, id_token: ReleasedIdToken
    ) -> None:
        looks, sent_on_at = watch(harbor_place, None, id_token), time.time()
        harbor_place.walk()
        looks.in_sign_in(sent_on_at)
        found = looks.after_sign_in()
        assert found
        assert found.earliest_at == sent_on_at

    def test_after_a_moment_a_pair_that_passes_is_enough(
        self, harbor_place: HarborPlace, id_token: ReleasedIdToken
    ) -> None:
        looks = watch(harbor_place, None, id_token)
        looks.in_sign_in(time.time() - harbor_renewed.WALK_IS_OVER_SECONDS - 1)
        found = looks.after_sign_in()
        assert found
        assert (found.pair, found.earliest_at) == (harbor_place.pair, None)

    def test_a_new_token_and_a_refusal_all_the_same(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        looks = watch(harbor_place, None, id_token)
        looks.in_sign_in(time.time())
        harbor_place.walk()
        dead(harbor_place)
        assert looks.after_sign_in() is None
        assert looks.in_vain

    def test_harbor_was_away_when_the_walk_began(self, harbor_place: HarborPlace, id_token: ReleasedIdToken) -> None:
        """The person has signed in by then, so what the first look shows is what was before."""
        looks = watch(harbor_place, None, id_token)
        harbor_place.harbor.down()
        looks.in_sign_in(time.time())
        with pytest.raises(Unreachable):
            looks.after_sign_in()
        harbor_place.harbor.up()
        assert looks.after_sign_in() is None
        harbor_place.walk()
        assert looks.after_sign_in()


def test_a_probe_notes_when_it_passed(harbor_place: HarborPlace) -> None:
    pair = harbor_place.onboard()
    looks, began_at = watch(harbor_place, pair), time.time()
    assert not looks.probe(Credentials(USERNAME, "WrongSecret1"))
    assert looks.probed_at == 0
    assert looks.probe(pair)
    assert began_at <= looks.probed_at <= time.time()
