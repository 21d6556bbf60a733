"""What is asked of Harbor, step by step, and what follows from its answers: the stand-in Harbor, real notes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import ServerFault, Unreachable
from docker_credential_harbor.inquiry import harbor_steps
from docker_credential_harbor.model import Credentials, PairKind, StoredToken
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.policy.known import Probe, User
from docker_credential_harbor.system import redaction
from tests.lab.realm import HARBOR_CLIENT
from tests.unit.harbor_place import ROBOT, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.inquiry.state import Inquiry
    from tests.unit.harbor_place import HarborPlace
    from tests.unit.inquiry.conftest import Look
    from tests.unit.loopback import Answers, Asked, Reply

PROBE, CURRENT_USER = "/service/token", "/api/v2.0/users/current"
NEW = Credentials(USERNAME, "AnotherSecret1")
TRUSTING = "cache_ttl = 300"
CLOCK = 0.1  # by which the clock may be set back meanwhile


def ends_in(seconds: float, least: float = 30) -> tuple[StoredToken, float]:
    """A token of 30 seconds that Harbor surely refreshes from then on, ten seconds early; and when that is."""
    ends_at = time.time() + seconds
    stored_at = ends_at - 30 + 10 - trust_window.CLOCK_DOUBT_SECONDS
    return StoredToken(stored_at, stored_at, "then", least, 30), ends_at


class TestProbe:
    def test_accepted(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in(harbor_place.onboard())
        made, began_at = look(), time.time()
        harbor_steps.probe(made)
        assert made.known.probe is Probe.ACCEPTED
        assert began_at <= made.probed_at <= made.probe_ended_at <= time.time()
        assert harbor_place.asked() == [PROBE]
        assert not made.known.update_time_wanted, "without a trust window it is no use"

    @pytest.mark.parametrize(
        ("pair", "kind", "found"),
        [
            (Credentials("alice-h", "wrong"), PairKind.UNKNOWN, PairKind.PERSON),
            (ROBOT, PairKind.UNKNOWN, None),
            (Credentials("alice-h", "wrong"), PairKind.LOCAL, None),
        ],
        ids=["only a person's dies by itself", "a robot by its name", "known before"],
    )
    def test_refused(
        self, harbor_place: HarborPlace, look: Look, pair: Credentials, kind: PairKind, found: PairKind | None
    ) -> None:
        harbor_place.keep_stored(pair, kind)
        made = look()
        harbor_steps.probe(made)
        assert (made.known.probe, made.kind_found) == (Probe.REFUSED, found)

    def test_more_can_be_learnt_with_an_id_token_and_where_it_was_not_in_vain_a_moment_ago(
        self, harbor_place: HarborPlace, look: Look
    ) -> None:
        def is_wanted() -> bool:
            made = look()
            harbor_steps.probe(made)
            return made.known.update_time_wanted

        harbor_place.configure(TRUSTING)
        harbor_place.keep_sign_in(harbor_place.onboard())
        assert is_wanted()
        harbor_place.note(unread_at=time.time() - 60)
        assert not is_wanted()
        harbor_place.note(unread_at=time.time() - harbor_steps.UNREAD_SECONDS - 60)
        assert is_wanted()
        harbor_place.keep_stored(harbor_place.pair, PairKind.PERSON)
        assert not is_wanted()

    def test_after_a_walk_harbors_token_is_as_old_as_that(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in(harbor_place.onboard())
        made = look()
        made.walk_began_at = time.time() - 3
        harbor_steps.probe(made)
        assert (made.account.stored_token.earliest_at, made.account.stored_token.latest_at) == (
            made.walk_began_at,
            made.probed_at,
        )


class TestATokenThatIsAboutToExpire:
    """So that Harbor refreshes it for one probe, which is alone."""

    @pytest.fixture
    def begin(self, harbor_place: HarborPlace, look: Look) -> Callable[..., Inquiry]:
        harbor_place.configure(TRUSTING)
        harbor_place.keep_sign_in(harbor_place.onboard())
        harbor_place.harbor.make_older(20)
        return look

    def test_it_is_waited_for_once(self, harbor_place: HarborPlace, begin: Callable[..., Inquiry]) -> None:
        made = begin()
        made.account.stored_token, ends_at = ends_in(0.5)
        harbor_steps.probe(made)
        assert made.probed_at > ends_at - CLOCK
        assert harbor_place.asked() == [PROBE]
        made.account.stored_token, ends_at = ends_in(5)
        harbor_steps.probe(made)
        assert made.probed_at < ends_at

    @pytest.mark.parametrize(("seconds", "trust"), [(30, True), (5, False)], ids=["too long", "status does not wait"])
    def test_or_not_at_all(self, begin: Callable[..., Inquiry], seconds: float, trust: bool) -> None:
        made = begin(trust=trust)
        made.account.stored_token, ends_at = ends_in(seconds)
        harbor_steps.probe(made)
        assert made.probed_at < ends_at

    def test_where_its_life_is_not_known_exactly_it_is_watched_until_harbor_has_refreshed(
        self, harbor_place: HarborPlace, begin: Callable[..., Inquiry]
    ) -> None:
        harbor_place.harbor.expire_stored_access_token(USERNAME)
        made = begin()
        made.account.stored_token, ends_at = ends_in(5, least=28)
        harbor_steps.probe(made)
        assert harbor_place.asked() == [PROBE, CURRENT_USER]
        assert made.probed_at < ends_at
        assert (made.account.stored_token.latest_at or 0) >= made.probed_at

    def test_and_otherwise_until_it_must_have(self, harbor_place: HarborPlace, begin: Callable[..., Inquiry]) -> None:
        made = begin()
        made.account.stored_token, ends_at = ends_in(0.5, least=28)
        harbor_steps.probe(made)
        assert made.known.probe is Probe.ACCEPTED
        assert made.probed_at > ends_at - CLOCK
        assert CURRENT_USER in harbor_place.asked()

    @pytest.mark.parametrize("first", [200, 503])
    def test_once_it_has_passed_a_fault_is_none(
        self, harbor_place: HarborPlace, begin: Callable[..., Inquiry], server: Answers, first: int
    ) -> None:
        statuses = [first]

        def probed(_: Asked) -> Reply:
            return (statuses.pop() if statuses else 503, {}, {"token": "t"})

        server.replies[PROBE] = probed
        harbor_place.configure(TRUSTING, url=server.url)
        made = begin()
        made.account.stored_token, _ = ends_in(0.5, least=28)
        if first == 200:
            harbor_steps.probe(made)
            assert made.known.probe is Probe.ACCEPTED
        else:
            with pytest.raises(ServerFault):
                harbor_steps.probe(made)
            assert made.known.probe is None


class TestUpdateTime:
    @pytest.fixture
    def passed(self, harbor_place: HarborPlace, look: Look) -> Inquiry:
        harbor_place.configure(TRUSTING)
        harbor_place.keep_sign_in(harbor_place.onboard())
        made = look()
        harbor_steps.probe(made)
        assert made.known.update_time_wanted
        return made

    def test_read(self, harbor_place: HarborPlace, passed: Inquiry) -> None:
        harbor_steps.read_update_time(passed)
        assert passed.account.stored_token.updated_at == harbor_place.harbor.users[USERNAME].update_time
        assert not passed.known.update_time_wanted
        assert passed.account.notes.unread_at is None
        assert redaction.redact(harbor_place.pair.secret) == redaction.REDACTED

    def test_whatever_goes_wrong_the_pair_has_passed(self, harbor_place: HarborPlace, passed: Inquiry) -> None:
        harbor_place.harbor.down()
        harbor_steps.read_update_time(passed)
        assert (passed.known.probe, passed.known.update_time_wanted) == (Probe.ACCEPTED, False)
        assert (passed.known.unreachable, passed.known.stopped) == (None, None)
        assert passed.account.notes.unread_at == pytest.approx(time.time(), abs=60)

    def test_with_an_id_token_that_is_over_by_a_refreshed_one(self, harbor_place: HarborPlace, passed: Inquiry) -> None:
        sign_in = passed.account.sign_in
        assert sign_in
        passed.account.sign_in = sign_in._replace(tokens=sign_in.tokens._replace(id_token_expires_at=1.0))
        harbor_steps.read_update_time(passed)
        assert harbor_place.refreshes() == 1
        assert passed.account.stored_token.updated_at

    def test_or_not_where_that_is_refused(self, harbor_place: HarborPlace, passed: Inquiry) -> None:
        sign_in = passed.account.sign_in
        assert sign_in
        passed.account.sign_in = sign_in._replace(tokens=sign_in.tokens._replace(id_token_expires_at=1.0))
        harbor_place.realm.end_sessions()
        harbor_steps.read_update_time(passed)
        assert CURRENT_USER not in harbor_place.asked()
        assert passed.account.notes.unread_at is not None


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        (ROBOT, PairKind.ROBOT),
        (Credentials("admin", "AdminSecret1"), PairKind.LOCAL),
        (None, PairKind.PERSON),
    ],
)
def test_whose_a_stored_pair_is(
    harbor_place: HarborPlace, look: Look, pair: Credentials | None, kind: PairKind
) -> None:
    harbor_place.harbor.add_robot(*ROBOT)
    harbor_place.harbor.add_local("admin", "AdminSecret1")
    harbor_place.keep_stored(pair or harbor_place.onboard())
    made = look()
    harbor_steps.read_pair_kind(made)
    assert made.known.pair_kind is made.kind_found is kind


class TestCurrentUser:
    def test_the_same_secret_harbors_own_token_is_dead(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in(harbor_place.onboard())
        harbor_place.harbor.kill_stored_token(USERNAME)
        made = look()
        harbor_steps.probe(made)
        harbor_steps.read_current_user(made)
        assert (made.known.user, made.known.probe) == (User.SAME_SECRET, Probe.REFUSED)
        early = made.account.notes.early_ends
        assert early
        assert early.times == 1

    def test_another_secret_is_the_pair_from_now_on_and_not_probed_yet(
        self, harbor_place: HarborPlace, look: Look
    ) -> None:
        harbor_place.keep_sign_in(harbor_place.onboard())
        harbor_place.harbor.set_secret(USERNAME, NEW.secret)
        made = look()
        harbor_steps.probe(made)
        harbor_steps.read_current_user(made)
        assert (made.known.user, made.known.pair, made.known.probe) == (User.ANOTHER_SECRET, NEW, None)
        assert redaction.redact(NEW.secret) == redaction.REDACTED
        token = made.account.stored_token
        assert (token.earliest_at, token.updated_at) == (None, harbor_place.harbor.users[USERNAME].update_time)

    def test_a_secret_that_harbor_cannot_read(self, harbor_place: HarborPlace, look: Look) -> None:
        pair = harbor_place.onboard()
        harbor_place.keep_sign_in(pair)
        harbor_place.harbor.garble_secret(USERNAME)
        made = look()
        harbor_steps.read_current_user(made)
        assert (made.known.user, made.known.pair) == (User.UNREADABLE_SECRET, pair)

    def test_nobody_whom_harbor_knows(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in()
        made = look()
        harbor_steps.read_current_user(made)
        assert made.known.user is User.REFUSED

    def test_an_id_token_that_is_not_for_harbor_is_not_even_shown(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.onboard()
        made = look()
        harbor_steps.read_login_redirect(made)
        made.account.save_notes()
        harbor_place.keep_sign_in(audience=("docker-credential-harbor",))
        made = look()
        harbor_steps.read_current_user(made)
        assert made.known.user is User.REFUSED
        assert CURRENT_USER not in harbor_place.asked()

    def test_harbor_is_away(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in()
        harbor_place.harbor.down()
        made = look()
        with pytest.raises(Unreachable):
            harbor_steps.read_current_user(made)
        assert made.known.user is None


@pytest.mark.parametrize(
    ("audience", "has_harbor"), [(("docker-credential-harbor", HARBOR_CLIENT), True), (("else",), False), (None, False)]
)
def test_where_harbors_login_leads(
    harbor_place: HarborPlace, look: Look, audience: tuple[str, ...] | None, has_harbor: bool
) -> None:
    if audience:
        harbor_place.keep_sign_in(audience=audience)
    made = look()
    harbor_steps.read_login_redirect(made)
    redirect = made.known.redirect
    assert redirect
    assert redirect == made.account.notes.redirect
    assert (redirect.client_id, redirect.authorization_endpoint) == (HARBOR_CLIENT, harbor_place.realm.endpoint("auth"))
    assert made.known.audience_has_harbor is has_harbor


def test_a_new_secret_takes_the_place_of_one_that_harbor_cannot_read(
    harbor_place: HarborPlace, look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    before = harbor_place.onboard()
    harbor_place.keep_sign_in(before)
    harbor_place.harbor.garble_secret(USERNAME)
    made = look()
    harbor_steps.read_current_user(made)
    harbor_steps.set_secret(made)
    assert made.known.pair == harbor_place.pair != before
    assert (made.known.secret_set, made.known.probe) == (True, None)
    harbor_steps.probe(made)
    assert made.known.probe is Probe.ACCEPTED
    told = capsys.readouterr().err
    assert "could not read its CLI secret any more; a new one was set" in told
    assert harbor_place.pair.secret not in told
    assert redaction.redact(harbor_place.pair.secret) == redaction.REDACTED
