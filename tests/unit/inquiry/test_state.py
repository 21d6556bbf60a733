"""What is known at the start, what another process has found out, and what is kept in the end: real notes and store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import Busy, FoundOut, NobodyToAsk, NotOnboarded, SignInPaused, Unreachable
from docker_credential_harbor.model import Credentials, PairKind, StoredToken
from docker_credential_harbor.policy.known import HandOut, Known, NotFound, Probe
from tests.unit.harbor_place import ROBOT

if TYPE_CHECKING:
    from docker_credential_harbor.inquiry.state import Inquiry
    from tests.unit.harbor_place import HarborPlace
    from tests.unit.inquiry.conftest import Look

PAIR = Credentials("alice-h", "CliSecret1")
AWAY = Unreachable(host="harbor.example.com", reason="connection refused")
PAUSED = SignInPaused(registry="h", seconds=60, todo="wait")
NOBODY = NobodyToAsk(registry="h", reason="CI is set", todo="sign in")
LIFE = StoredToken(least_seconds=240, most_seconds=300)
OF_ALICE = LIFE._replace(earliest_at=1.0, latest_at=2.0, updated_at="then")


# --- At the start -----------------------------------------------------------------------------------------------------


def test_nothing_is_kept(look: Look) -> None:
    why = "there is no graphical session, and no terminal to write to"
    assert look().known == Known(look().registry, can_refresh=False, nobody_to_ask=why)


def test_a_sign_in_is_kept(harbor_place: HarborPlace, look: Look) -> None:
    harbor_place.keep_sign_in(PAIR)
    known = look().known
    assert (known.pair, known.pair_kind, known.signed_in, known.person) == (PAIR, None, True, "alice")
    assert (known.can_refresh, known.id_token_expired) == (True, False)


@pytest.mark.parametrize(("seconds", "is_over"), [(60, False), (4, True), (-60, True)])
def test_an_id_token_counts_as_over_before_it_is(
    harbor_place: HarborPlace, look: Look, seconds: float, is_over: bool
) -> None:
    harbor_place.keep_sign_in(PAIR, id_token_expires_at=time.time() + seconds, refresh_token=None)
    known = look().known
    assert (known.id_token_expired, known.can_refresh) == (is_over, False)


def test_a_stored_pair_goes_first_and_of_harbors_token_its_life_alone_is_known(
    harbor_place: HarborPlace, look: Look
) -> None:
    """Nobody knows whose the pair is, and so not which token Harbor stored for it."""
    harbor_place.keep_sign_in(PAIR)
    harbor_place.note(stored_token=OF_ALICE)
    assert look().account.stored_token == OF_ALICE
    harbor_place.keep_stored(ROBOT)
    known = look().known
    assert (known.pair, known.pair_kind, known.signed_in) == (ROBOT, PairKind.UNKNOWN, False)
    assert look().account.stored_token == LIFE


def test_trusted_within_its_window_under_the_same_configuration(harbor_place: HarborPlace, look: Look) -> None:
    def noted(seconds: float, stamp: str) -> bool:
        harbor_place.note(trusted_until=time.time() + seconds, config_stamp=stamp)
        return look().known.trusted

    stamp = harbor_place.context().stamp_digest
    assert noted(60, stamp)
    assert not look(trust=False).known.trusted, "it was asked for a probe"
    assert not noted(-1, stamp)
    assert not noted(60, "of another configuration")


def test_a_declined_window_pauses_the_next(harbor_place: HarborPlace, look: Look) -> None:
    harbor_place.note(declines=1, declined_at=time.time(), last_window="still-refused")
    known = look().known
    assert 50 < known.paused_seconds <= 60
    assert known.last_window == "still-refused"
    harbor_place.note(declines=1, declined_at=time.time() - 61)
    assert look().known.paused_seconds == 0


def test_a_ticket_is_to_be_looked_for_where_the_configuration_lets_it(harbor_place: HarborPlace, look: Look) -> None:
    assert look().known.has_ticket is False
    harbor_place.configure('negotiate = "auto"')
    assert look().known.has_ticket is None


def test_anew_is_as_if_nothing_were_kept(harbor_place: HarborPlace, look: Look) -> None:
    harbor_place.configure('negotiate = "auto"')
    harbor_place.keep_sign_in(PAIR)
    harbor_place.keep_stored(ROBOT)
    harbor_place.note(stored_token=OF_ALICE)
    anew = look()
    anew.start_anew()
    assert anew.known == Known(anew.registry, nobody_to_ask="only a ticket is tried", has_ticket=None)
    assert (anew.account.stored, anew.account.sign_in, anew.account.stored_token) == (None, None, LIFE)
    assert look().known.pair == ROBOT, "in the store it still is"


# --- What another process found out -----------------------------------------------------------------------------------


class TestFoundByAnother:
    @pytest.fixture(autouse=True)
    def _same_configuration(self, harbor_place: HarborPlace) -> None:
        harbor_place.note(config_stamp=harbor_place.context().stamp_digest)

    def found(self, harbor_place: HarborPlace, look: Look, since: float, **noted: object) -> HandOut | NotFound | None:
        harbor_place.note(**noted)
        return look().found_by_another(since)

    def test_a_pair_that_passed_since(self, harbor_place: HarborPlace, look: Look) -> None:
        since = time.time() - 10
        assert self.found(harbor_place, look, since, verified_at=since + 1) is None, "there is none to hand out"
        harbor_place.keep_sign_in(PAIR)
        assert self.found(harbor_place, look, since, verified_at=since) == HandOut()
        assert self.found(harbor_place, look, since, verified_at=since - 1) is None
        harbor_place.note(config_stamp="of another configuration")
        assert self.found(harbor_place, look, since, verified_at=since) is None

    def test_why_there_is_none(self, harbor_place: HarborPlace, look: Look) -> None:
        since = time.time() - 10
        noted = {"outcome_code": NotOnboarded.code, "outcome_message": "alice is not onboarded"}
        end = self.found(harbor_place, look, since, outcome_began_at=since, **noted)
        assert isinstance(end, NotFound)
        assert (end.reason.note_code, str(end.reason)) == (NotOnboarded.code, "alice is not onboarded")
        assert self.found(harbor_place, look, since, outcome_began_at=since - 1, **noted) is None

    def test_that_nobody_could_be_reached(self, harbor_place: HarborPlace, look: Look) -> None:
        """Then the known pair goes out, if there is one."""
        since = time.time() - 10
        noted = {"outcome_began_at": since, "outcome_code": AWAY.code, "outcome_message": str(AWAY)}
        assert isinstance(self.found(harbor_place, look, since, **noted), NotFound)
        harbor_place.keep_sign_in(PAIR)
        end = self.found(harbor_place, look, since, **noted)
        assert isinstance(end, HandOut)
        assert str(end.unverified) == str(AWAY)

    def test_nobody_to_ask_is_told_to_who_can_ask_nobody_either(self, harbor_place: HarborPlace, look: Look) -> None:
        since = time.time() - 10
        noted = {"outcome_began_at": since, "outcome_code": NOBODY.code, "outcome_message": str(NOBODY)}
        assert isinstance(self.found(harbor_place, look, since, **noted), NotFound)
        harbor_place.configure('login = "browser"')
        harbor_place.note(config_stamp=harbor_place.context().stamp_digest)
        assert self.found(harbor_place, look, since, **noted) is None

    def test_a_pause_is_told_while_it_lasts(self, harbor_place: HarborPlace, look: Look) -> None:
        since = time.time() - 10
        noted = {"outcome_began_at": since, "outcome_code": PAUSED.code, "outcome_message": str(PAUSED)}
        assert self.found(harbor_place, look, since, **noted) is None
        assert isinstance(self.found(harbor_place, look, since, declines=1, declined_at=since, **noted), NotFound)


# --- What is kept in the end ------------------------------------------------------------------------------------------


def passed(look: Look, pair: Credentials = PAIR) -> Inquiry:
    """As once a probe has passed."""
    made = look()
    made.probed_at = time.time() - 1
    made.learn(probe=Probe.ACCEPTED, pair=pair)
    return made


class TestSave:
    def test_a_new_pair_and_when_it_passed(self, harbor_place: HarborPlace, look: Look) -> None:
        kept = harbor_place.keep_sign_in(Credentials("alice-h", "an older one"))
        made = passed(look)
        made.save(HandOut())
        assert harbor_place.kept_sign_in() == kept._replace(pair=PAIR)
        assert harbor_place.notes().verified_at == made.probed_at
        assert look().found_by_another(made.began_at - 2) == HandOut()

    def test_within_the_trust_window_nothing_new_was_asked(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in(PAIR)
        harbor_place.note(verified_at=5.0)
        made = passed(look)
        made.learn(trusted=True)
        made.save(HandOut())
        assert harbor_place.notes().verified_at == 5.0

    def test_what_could_not_be_verified_is_not_kept_as_if_it_were(self, harbor_place: HarborPlace, look: Look) -> None:
        made = passed(look)
        made.save(HandOut(unverified=AWAY))
        notes = harbor_place.notes()
        assert (notes.verified_at, notes.outcome_code, notes.outcome_message) == (None, AWAY.code, str(AWAY))

    def test_why_there_is_none_for_others_that_wait(self, harbor_place: HarborPlace, look: Look) -> None:
        made = look()
        failure = FoundOut("not-onboarded", "alice is not onboarded")
        made.save(NotFound(failure))
        assert harbor_place.notes().outcome_began_at == made.began_at
        end = look().found_by_another(made.began_at)
        assert isinstance(end, NotFound)
        assert end.reason.note_code == "not-onboarded"

    def test_that_this_one_was_busy_concerns_nobody_else(self, harbor_place: HarborPlace, look: Look) -> None:
        look().save(NotFound(Busy(what_runs="get", registry="h")))
        assert harbor_place.notes().outcome_code is None

    def test_whose_a_stored_pair_is(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_stored(ROBOT)
        made = look()
        made.kind_found = PairKind.ROBOT
        made.save(HandOut())
        assert look().known.pair_kind is PairKind.ROBOT
