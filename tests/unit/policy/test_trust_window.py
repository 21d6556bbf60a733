"""How long a verified pair is trusted, and how the life of Harbor's tokens is learnt: by value, and played through."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from docker_credential_harbor.model import StoredToken, UpdateTime
from docker_credential_harbor.policy import trust_window

STORED = StoredToken(earliest_at=1000, latest_at=1000.1, updated_at="A")
LEARNT = STORED._replace(least_seconds=300, most_seconds=300)


def reading(probed_at: float, updated_at: str, age: float | None = None) -> UpdateTime:
    """Of a probe that took a tenth of a second, and a reading after it that took as long."""
    return UpdateTime(probed_at, probed_at + 0.1, probed_at + 0.1, probed_at + 0.2, updated_at, age)


class TestTrustedUntil:
    @pytest.mark.parametrize("token", [StoredToken(), STORED])
    def test_ten_seconds_until_something_is_proven(self, token: StoredToken) -> None:
        assert trust_window.trusted_until(1000, 300, token) == 1010
        assert trust_window.trusted_until(1000, 5, token) == 1005

    def test_with_an_upper_bound_alone_nothing_is_trusted(self) -> None:
        assert trust_window.trusted_until(1001, 300, STORED._replace(most_seconds=86_400)) <= 1001

    def test_no_further_than_what_is_proven(self) -> None:
        assert trust_window.trusted_until(1001, 300, LEARNT) == 1285
        assert trust_window.trusted_until(1001, 300, LEARNT._replace(least_seconds=60, most_seconds=None)) == 1045
        assert trust_window.trusted_until(1290, 300, LEARNT) == 1285, "over already: every get probes"

    def test_at_most_cache_ttl(self) -> None:
        assert trust_window.trusted_until(1000, 300, LEARNT._replace(least_seconds=3600)) == 1300
        assert trust_window.trusted_until(1000, 0, LEARNT) == 1000
        assert trust_window.trusted_until(1000, 0, StoredToken()) == 1000

    def test_of_a_short_life_less_than_ten_seconds_where_the_instant_is_not_known(self) -> None:
        unknown = LEARNT._replace(earliest_at=None, latest_at=None, updated_at="")
        assert trust_window.trusted_until(1000, 300, unknown) == 1010
        assert trust_window.trusted_until(1000, 300, unknown._replace(least_seconds=20)) == 1005
        assert trust_window.trusted_until(1000, 300, unknown._replace(least_seconds=11)) <= 1000

    def test_nothing_while_a_reading_has_not_told_the_instant(self) -> None:
        assert trust_window.trusted_until(1000, 300, LEARNT._replace(earliest_at=None, latest_at=None)) == 1000

    def test_where_another_machine_may_have_been_first_from_the_earliest_instant(self) -> None:
        later = trust_window.after_probe(LEARNT, 1350, 1350.1)
        assert trust_window.trusted_until(1350, 300, later) == 1000 + 290 + 285


class TestWhatIsLearnt:
    def test_a_probe_while_it_has_not_moved_proves_so_long_a_life(self) -> None:
        token = trust_window.after_reading(STORED, reading(1100, "A", age=100))
        assert (token.least_seconds, token.most_seconds) == (110, None)
        assert (token.earliest_at, token.latest_at) == (1000, 1000.1)
        token = trust_window.after_reading(token, reading(1050, "A", age=50))
        assert token.least_seconds == 110, "no less than before"

    def test_a_probe_by_which_it_moved_proves_a_life_no_longer(self) -> None:
        token = trust_window.after_reading(STORED, reading(1290.5, "B", age=0))
        assert (token.least_seconds, token.most_seconds) == (None, 300)
        assert (token.earliest_at, token.latest_at) == (1290.5, 1290.6)

    def test_lives_are_whole_seconds(self) -> None:
        token = trust_window.after_reading(STORED, reading(1289.5, "A", age=289))
        token = trust_window.after_reading(token, reading(1290.7, "B", age=0))
        assert (token.least_seconds, token.most_seconds) == (300, 300)
        assert trust_window.is_exact(token)

    def test_another_machine_that_was_first_says_when_and_nothing_of_the_life(self) -> None:
        token = trust_window.after_reading(LEARNT, reading(1500, "B", age=100))
        assert (token.least_seconds, token.most_seconds) == (300, 300)
        assert 1395 <= (token.earliest_at or 0) <= 1400 <= (token.latest_at or 0) <= 1403

    def test_without_harbors_clock_only_that_it_was_later_than_what_was_known(self) -> None:
        token = trust_window.after_reading(STORED, reading(1500, "B", age=None))
        assert (token.earliest_at, token.latest_at) == (1000, 1500.1)
        assert (token.least_seconds, token.most_seconds) == (None, None)

    @pytest.mark.parametrize("age", [0, 3, 100, None])
    def test_the_first_reading_of_all_may_be_that_of_a_changed_secret(self, age: float | None) -> None:
        token = trust_window.after_reading(StoredToken(), reading(1500, "A", age))
        assert token == StoredToken(updated_at="A")

    def test_a_secret_that_was_changed_here_is_no_refresh(self) -> None:
        changed = trust_window.unread(LEARNT)
        assert trust_window.after_reading(changed, reading(1200, "A", age=200)) == LEARNT, "it was not changed"
        token = trust_window.after_reading(changed, reading(1200, "S", age=50))
        assert token == LEARNT._replace(earliest_at=None, latest_at=None, updated_at="S"), "it may be either"
        assert trust_window.trusted_until(1200, 300, token) == 1200

    @pytest.mark.parametrize("age", [0, 1, 50])
    def test_nor_is_one_that_was_changed_a_moment_before_the_probe(self, age: float) -> None:
        token = trust_window.after_reading(trust_window.unread(STORED), reading(1250, "S", age))
        assert (token.earliest_at, token.most_seconds) == (None, None)

    def test_a_secret_that_was_changed_elsewhere_leaves_the_instant_open_until_it_moves_again(self) -> None:
        token = trust_window.after_secret_seen(LEARNT, "S")
        for probed_at, age in ((1258, 8), (1280, 30)):
            token = trust_window.after_reading(token, reading(probed_at, "S", age))
            assert token == StoredToken(None, None, "S", 300, 300)
            assert trust_window.trusted_until(probed_at, 300, token) == probed_at
        moved = trust_window.after_reading(token, reading(1290.5, "B", age=0))
        assert moved == StoredToken(1290.5, 1290.6, "B", 300, 300)

    def test_a_token_is_at_least_as_old_as_a_secret(self) -> None:
        token = trust_window.after_secret_seen(STORED, "S")
        token = trust_window.after_reading(token, reading(1100, "S", age=60))
        assert (token.earliest_at, token.least_seconds) == (None, 69)

    def test_another_persons_token_has_the_same_life(self) -> None:
        assert trust_window.of_anybody(LEARNT) == StoredToken(least_seconds=300, most_seconds=300)

    def test_a_reading_that_failed_leaves_what_is_certain(self) -> None:
        assert trust_window.after_failed_reading(LEARNT) == LEARNT._replace(updated_at="")
        doubtful = trust_window.after_probe(STORED, 1284, 1284.1)
        assert trust_window.after_failed_reading(doubtful) == StoredToken()

    def test_no_refresh_at_all_where_one_was_deduced(self) -> None:
        """The bounds were wrong, or are: what was read goes before what was worked out."""
        deduced = trust_window.after_probe(LEARNT, 1400, 1400.1)
        token = trust_window.after_reading(deduced, reading(1450, "A", age=450))
        assert (token.least_seconds, token.most_seconds) == (459, None)
        assert (token.earliest_at or 0) < 1000 < (token.latest_at or 0) < 1005

    def test_a_clock_of_the_database_that_is_far_ahead_tells_nothing(self) -> None:
        token = trust_window.after_reading(STORED, reading(1500, "B", age=-30))
        assert (token.earliest_at, token.latest_at, token.most_seconds) == (1000, 1500.1, None)
        token = trust_window.after_reading(STORED, reading(1500, "B", age=-1))
        assert (token.latest_at or 0) <= 1500.2

    def test_evidence_that_contradicts_begins_anew(self) -> None:
        shorter = trust_window.after_reading(LEARNT, reading(1025, "B", age=0))
        assert (shorter.least_seconds, shorter.most_seconds) == (None, 35)
        longer = trust_window.after_reading(LEARNT, reading(1400, "A", age=400))
        assert (longer.least_seconds, longer.most_seconds) == (410, None)

    def test_a_token_that_died_without_a_refresh_proves_nothing(self) -> None:
        """There are other reasons than its age."""
        assert trust_window.after_refusal(LEARNT, reading(1290, "A", age=290), verified_at=1280) == LEARNT
        unread = trust_window.unread(LEARNT)
        assert trust_window.after_refusal(unread, reading(1290, "A", age=290), verified_at=1280) == LEARNT

    def test_a_session_that_dies_soon_after_an_unseen_refresh_puts_it_in_doubt(self) -> None:
        died = reading(1500, "B", age=200)
        assert trust_window.after_refusal(LEARNT, died, verified_at=1000) == StoredToken(updated_at="B")
        idle = trust_window.after_refusal(LEARNT, reading(3000, "B", age=1700), verified_at=1000)
        assert (idle.least_seconds, idle.most_seconds) == (300, 300)
        assert trust_window.after_refusal(LEARNT, died, verified_at=None).least_seconds == 300

    def test_a_walk_renews_it_and_says_nothing_of_the_life(self) -> None:
        walked = trust_window.after_walk(LEARNT, 2000, 2002, "W")
        assert walked == StoredToken(2000, 2002, "W", 300, 300)
        assert trust_window.after_walk(LEARNT, None, 2002, "W") == StoredToken(None, None, "W", 300, 300)
        proven = trust_window.after_reading(trust_window.after_walk(StoredToken(), 2000, 2002), reading(2100, "W", 98))
        assert proven.least_seconds == 108

    def test_clocks_of_database_and_front_that_differ_by_a_second(self) -> None:
        token = trust_window.after_reading(STORED, reading(1290.5, "B", age=1))
        assert (token.earliest_at, token.most_seconds) == (1290.5, 300)


class TestReadings:
    def test_while_the_bounds_are_apart(self) -> None:
        for token in (StoredToken(), STORED, LEARNT._replace(least_seconds=289), LEARNT._replace(most_seconds=None)):
            assert trust_window.wants_update_time(1200, 300, token)
        assert not trust_window.wants_update_time(1200, 300, LEARNT)
        assert not trust_window.wants_update_time(1200, 300, LEARNT._replace(least_seconds=295))

    def test_none_where_nothing_is_ever_trusted(self) -> None:
        assert not trust_window.wants_update_time(1200, 0, StoredToken())
        assert not trust_window.wants_update_time(1200, 300, LEARNT._replace(least_seconds=12, most_seconds=13))

    def test_where_so_uncertain_an_instant_would_cost_more_than_half_of_the_window(self) -> None:
        for probed_at, wanted in ((1100, False), (1291, False), (1400, False), (1500, True), (9000, True)):
            token = trust_window.after_probe(LEARNT, probed_at, probed_at + 0.1)
            assert trust_window.wants_update_time(probed_at, 300, token) is wanted, probed_at


class TestSparing:
    def test_a_probe_right_before_harbor_refreshes_is_put_off_until_it_surely_does(self) -> None:
        waits = {now: trust_window.seconds_before_probe(LEARNT, None, now, 5) for now in (1284, 1286, 1290, 1291, 2000)}
        assert waits == pytest.approx({1284: 0, 1286: 4.3, 1290: 0.3, 1291: 0, 2000: 0})

    def test_the_life_of_our_own_token_is_a_guess_until_more_is_proven(self) -> None:
        assert trust_window.seconds_before_probe(STORED, 300, 1289, 5) > 0
        assert trust_window.seconds_before_probe(STORED._replace(most_seconds=60), 300, 1289, 5) == 0
        assert trust_window.seconds_before_probe(STORED._replace(least_seconds=310), 300, 1289, 5) == 0
        assert trust_window.seconds_before_probe(STORED, None, 1289, 5) == 0

    def test_it_is_not_put_off_for_longer_than_there_is_time(self) -> None:
        assert trust_window.seconds_before_probe(LEARNT, 300, 1287, 3) == 0
        assert trust_window.seconds_before_probe(LEARNT._replace(latest_at=1030), 300, 1289, 5) == 0
        assert trust_window.seconds_before_probe(StoredToken(), 300, 1289, 5) == 0


# --- Played through ---------------------------------------------------------------------------------------------------

EARLY = 10  # Harbor's
TOOK = 0.05  # a request
CROWD_SECONDS = 4  # within which Docker asks with a pair that it was given
HOUR = 3600


@dataclass
class Harbor:
    """Its token of one life, refreshed for whoever meets an expired one."""

    life: float
    stored_at: float = 0
    refreshes: int = 0
    to_come: float | None = None  # when a crowd asks that has begun

    @property
    def expires_at(self) -> float:
        return self.stored_at + self.life - EARLY

    def asked(self, now: float) -> None:
        if self.to_come is not None and self.to_come <= now:
            crowd_at, self.to_come = self.to_come, None
            self.asked(crowd_at)
        if now >= self.expires_at:
            self.stored_at = now
            self.refreshes += 1

    def reading(self, probed_at: float, now: float) -> UpdateTime:
        age = float(int(now + TOOK)) - self.stored_at  # the Date header has whole seconds
        return UpdateTime(probed_at, probed_at + TOOK, now, now + TOOK, str(self.stored_at), age)


@dataclass
class Machine:
    """One helper: what it knows and remembers, and what it did."""

    harbor: Harbor
    own_life: float
    token: StoredToken = field(default_factory=StoredToken)
    trusted_until: float = 0
    requests: list[int] = field(default_factory=list)  # of each `get` that was not warm
    met: list[tuple[float, bool]] = field(default_factory=list)  # crowds that met an expiry, and whether it was warm

    def get(self, now: float) -> float:
        """One `get` and the crowd after it; the instant at which it answered."""
        warm = now < self.trusted_until
        if not warm:
            now = self._verify(now)
        elif self.harbor.to_come is not None and self.harbor.to_come <= now:
            self.harbor.asked(self.harbor.to_come)
        if now < self.harbor.expires_at <= now + CROWD_SECONDS or (warm and now >= self.harbor.expires_at):
            self.met.append((now, warm))
            self.harbor.to_come = max(now, self.harbor.expires_at)
        return now

    def _verify(self, now: float) -> float:
        count = 0
        ends_at = now + trust_window.seconds_before_probe(self.token, self.own_life, now, 5)
        if ends_at > now and trust_window.is_exact(self.token):
            now = ends_at
        while True:
            probed_at, before = now, self.token
            self.harbor.asked(now)
            now += TOOK
            count += 1
            self.token = trust_window.after_probe(before, probed_at, now)
            if not trust_window.wants_update_time(now, 300, self.token):
                break
            self.token = trust_window.after_reading(before, self.harbor.reading(probed_at, now))
            now += TOOK
            count += 1
            if now >= ends_at or (self.token.latest_at or 0) >= probed_at:
                break
            now = min(now + 1, max(ends_at, now + 0.01))
        self.requests.append(count)
        self.trusted_until = trust_window.trusted_until(probed_at, 300, self.token)
        return now


def play(machines: list[Machine], seconds: float, chance: random.Random, every: float) -> None:
    """Pulls at random moments, on any of the machines."""
    now = 1.0
    while now < seconds:
        now = chance.choice(machines).get(now + chance.expovariate(1 / every))


def signed_in(harbor: Harbor, own_life: float = 300) -> Machine:
    return Machine(harbor, own_life, StoredToken(harbor.stored_at, harbor.stored_at + TOOK, str(harbor.stored_at)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("life", [20, 24, 60, 300, 301, 900, 3600])
class TestPlayedThrough:
    @pytest.mark.parametrize("count", [1, 2])
    def test_no_crowd_with_a_remembered_pair_meets_an_expired_token(self, life: float, seed: int, count: int) -> None:
        harbor = Harbor(life)
        machines = [signed_in(harbor) for _ in range(count)]
        for machine in machines:
            machine.trusted_until = trust_window.trusted_until(0, 300, machine.token)
        play(machines, 3 * HOUR, random.Random(seed), every=40)  # noqa: S311 - to be repeated
        met = [at for machine in machines for at, warm in machine.met if warm]
        assert not [at for at in met if at > 20], "beside the first ten seconds, when nothing is proven yet"
        assert harbor.refreshes > 0

    def test_the_bounds_hold_what_is_true(self, life: float, seed: int) -> None:
        machine, chance, now = signed_in(Harbor(life)), random.Random(seed), 1.0  # noqa: S311
        while now < 4 * HOUR:
            now = machine.get(now + chance.expovariate(1 / 20))
            assert (machine.token.least_seconds or 0) <= life <= (machine.token.most_seconds or life)
        assert machine.harbor.refreshes > 2
        assert machine.token.most_seconds is not None

    def test_few_crowds_meet_the_expiry_at_all(self, life: float, seed: int) -> None:
        """Of a `get` that has just asked: it is put off until Harbor has refreshed, where there is time for that."""
        machine = signed_in(Harbor(life))
        play([machine], 4 * HOUR, random.Random(seed), every=40)  # noqa: S311
        assert len(machine.met) <= 3 + machine.harbor.refreshes / 7


@pytest.mark.parametrize("seed", range(10))
def test_who_pulls_all_day_has_the_whole_window_within_an_hour(seed: int) -> None:
    machine, chance = signed_in(Harbor(300)), random.Random(seed)  # noqa: S311
    play([machine], HOUR, chance, every=10)
    assert 280 <= (machine.token.least_seconds or 0) - 15 <= 285
    assert (machine.token.most_seconds or HOUR) - (machine.token.least_seconds or 0) <= 10


def test_with_the_bounds_together_a_get_that_asks_is_one_request() -> None:
    """Now and then it is two, once so many refreshes were not seen that another machine's may be among them."""
    machine = Machine(Harbor(300), 300, StoredToken(0, TOOK, "0", 300, 300))
    play([machine], 8 * HOUR, random.Random(1), every=20)  # noqa: S311 - to be repeated
    assert machine.requests.count(1) > 2 / 3 * len(machine.requests)
    assert set(machine.requests) == {1, 2}
    assert not [at for at, warm in machine.met if warm]
