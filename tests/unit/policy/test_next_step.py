"""What `get` does, row by row and as a whole: by value alone, nothing is asked of anybody."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, LoginRedirect, PairKind, Registry
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTRY = Registry(name="harbor.example.com", url="https://harbor.example.com")
WITHOUT_CLIENT = REGISTRY._replace(client_id="")
PAIR = Credentials("alice", "secret")
ROBOT = Credentials("robot$ci", "secret")
REDIRECT = LoginRedirect("https://sso.example.com/auth", "harbor", ("openid", "offline_access"))
AWAY = errors.Unreachable(host="harbor.example.com", reason="connection refused")

SIGNED_IN = Known(REGISTRY, pair=PAIR, signed_in=True, person="alice")
STORED = Known(REGISTRY, pair=PAIR, pair_kind=PairKind.PERSON)
REFUSED = SIGNED_IN._replace(probe=Probe.REFUSED)


def reason(end: object) -> type[errors.Failure]:
    assert isinstance(end, NotFound)
    return type(end.reason)


def typed(end: object) -> tuple[type, object]:
    """For a comparison: a HandOut is equal to a NotFound that has the same in it, since both are tuples."""
    return type(end), end


class TestRows:
    def test_remembered_within_the_trust_window_is_handed_out_without_a_request(self) -> None:
        assert next_step.decide(SIGNED_IN._replace(trusted=True)) == HandOut()

    @pytest.mark.parametrize(
        ("pair", "kind"),
        [(ROBOT, PairKind.UNKNOWN), (ROBOT, PairKind.PERSON), (PAIR, PairKind.ROBOT), (PAIR, PairKind.LOCAL)],
    )
    def test_robots_and_local_accounts_are_handed_out_as_they_are(self, pair: Credentials, kind: PairKind) -> None:
        assert next_step.decide(Known(REGISTRY, pair=pair, pair_kind=kind)) == HandOut()
        assert next_step.decide(Known(REGISTRY, pair=pair, pair_kind=kind, unreachable=AWAY)) == HandOut()

    def test_a_stored_pair_of_unknown_kind_that_works_is_looked_at_once(self) -> None:
        known = STORED._replace(pair_kind=PairKind.UNKNOWN)
        assert next_step.decide(known) is Step.PROBE
        known = known._replace(probe=Probe.ACCEPTED)
        assert next_step.decide(known) is Step.READ_PAIR_KIND
        for kind in (PairKind.ROBOT, PairKind.LOCAL, PairKind.PERSON):
            assert next_step.decide(known._replace(pair_kind=kind)) == HandOut()

    def test_a_stored_pair_of_unknown_kind_is_handed_out_as_it_is_even_if_refused(self) -> None:
        known = STORED._replace(pair_kind=PairKind.UNKNOWN, probe=Probe.REFUSED)
        assert next_step.decide(known) == HandOut()

    @pytest.mark.parametrize("registry", [REGISTRY, WITHOUT_CLIENT])
    def test_a_persons_stored_pair_is_probed_then_walked_then_given_up(self, registry: Registry) -> None:
        known = STORED._replace(registry=registry)
        assert next_step.decide(known) is Step.PROBE
        known = known._replace(probe=Probe.REFUSED)
        assert next_step.decide(known) is Step.READ_LOGIN_REDIRECT
        known = known._replace(redirect=REDIRECT)
        assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
        assert next_step.decide(known._replace(walk=Asked.DONE, probe=Probe.ACCEPTED)) == HandOut()
        end = next_step.decide(known._replace(walk=Asked.NOT_PASSED))
        assert reason(end) is errors.StoredPairRefused
        command = "docker login" if registry.client_id else "docker-credential-harbor login"
        assert f"and run: {command} harbor.example.com" in str(end.reason)  # type: ignore[union-attr]

    def test_a_signed_in_persons_pair_is_probed_alone(self) -> None:
        assert next_step.decide(SIGNED_IN) is Step.PROBE
        assert next_step.decide(SIGNED_IN._replace(probe=Probe.ACCEPTED)) == HandOut()

    def test_update_time_is_read_once_the_probe_has_passed_and_never_keeps_a_pair_back(self) -> None:
        passed = SIGNED_IN._replace(probe=Probe.ACCEPTED, update_time_wanted=True)
        assert next_step.decide(passed) is Step.READ_UPDATE_TIME
        assert next_step.decide(passed._replace(update_time_wanted=False)) == HandOut()
        assert next_step.decide(REFUSED._replace(update_time_wanted=True)) is Step.READ_CURRENT_USER

    def test_after_a_refused_probe_the_id_token_is_refreshed_only_if_it_has_expired(self) -> None:
        assert next_step.decide(REFUSED._replace(id_token_expired=True)) is Step.REFRESH
        assert next_step.decide(REFUSED) is Step.READ_CURRENT_USER

    def test_another_secret_is_probed(self) -> None:
        known = REFUSED._replace(user=User.ANOTHER_SECRET, pair=Credentials("alice", "new"), probe=None)
        assert next_step.decide(known) is Step.PROBE
        assert next_step.decide(known._replace(probe=Probe.ACCEPTED)) == HandOut()
        assert next_step.decide(known._replace(probe=Probe.REFUSED)) is Step.READ_LOGIN_REDIRECT

    def test_an_unreadable_secret_is_walked_for_and_then_set_anew(self) -> None:
        known = REFUSED._replace(user=User.UNREADABLE_SECRET, redirect=REDIRECT)
        assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
        known = known._replace(walk=Asked.DONE)
        assert next_step.decide(known) is Step.SET_SECRET
        known = known._replace(secret_set=True, probe=None)
        assert next_step.decide(known) is Step.PROBE
        assert next_step.decide(known._replace(probe=Probe.ACCEPTED)) == HandOut()

    def test_the_same_secret_means_that_harbors_side_is_renewed(self) -> None:
        known = REFUSED._replace(user=User.SAME_SECRET)
        assert next_step.decide(known) is Step.READ_LOGIN_REDIRECT
        assert next_step.decide(known._replace(redirect=REDIRECT)) is Step.RENEW_HARBOR_SIDE
        end = next_step.decide(known._replace(redirect=REDIRECT, walk=Asked.NOT_PASSED))
        assert reason(end) is errors.StillRefused

    def test_a_refusal_of_a_new_id_token_tells_audience_from_onboarding(self) -> None:
        known = REFUSED._replace(user=User.REFUSED)
        assert next_step.decide(known) is Step.REFRESH, "the ID token was not got in this run"
        known = known._replace(refresh=Refresh.FRESH)
        assert next_step.decide(known) is Step.READ_LOGIN_REDIRECT
        known = known._replace(redirect=REDIRECT, audience_has_harbor=False)
        end = next_step.decide(known)
        assert reason(end) is errors.AudienceMissing
        assert "mapper" in str(end.reason)  # type: ignore[union-attr]
        assert "'harbor'" in str(end.reason)  # type: ignore[union-attr]
        known = known._replace(audience_has_harbor=True)
        assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
        known = known._replace(walk=Asked.NOT_PASSED)
        assert reason(next_step.decide(known)) is errors.OldUserInTheWay
        assert reason(next_step.decide(known._replace(pair=None))) is errors.NotOnboarded

    def test_without_a_refresh_token_the_id_token_in_hand_tells_audience_from_onboarding(self) -> None:
        known = REFUSED._replace(user=User.REFUSED, can_refresh=False)
        assert next_step.decide(known) is Step.READ_LOGIN_REDIRECT
        known = known._replace(redirect=REDIRECT, audience_has_harbor=False)
        assert reason(next_step.decide(known)) is errors.AudienceMissing
        assert next_step.decide(known._replace(audience_has_harbor=True)) is Step.RENEW_HARBOR_SIDE

    def test_harbor_that_cannot_reach_its_provider_counts_as_unreachable(self) -> None:
        away = errors.HarborCannotReachProvider(registry="harbor.example.com")
        assert typed(next_step.decide(REFUSED._replace(unreachable=away))) == typed(HandOut(unverified=away))
        assert typed(next_step.decide(REFUSED._replace(pair=None, unreachable=away))) == typed(NotFound(away))

    def test_a_refused_refresh_token_means_signing_in(self) -> None:
        known = REFUSED._replace(refresh=Refresh.INVALID_GRANT, redirect=REDIRECT)
        assert next_step.decide(known) is Step.SIGN_IN

    def test_nobody_signed_in_means_signing_in(self) -> None:
        assert next_step.decide(Known(REGISTRY)) is Step.READ_LOGIN_REDIRECT
        assert next_step.decide(Known(REGISTRY, redirect=REDIRECT)) is Step.SIGN_IN

    def test_without_a_client_nobody_can_sign_in(self) -> None:
        assert reason(next_step.decide(Known(WITHOUT_CLIENT))) is errors.NoClient

    def test_where_nobody_can_be_asked_it_is_not_found_and_a_hint(self) -> None:
        end = next_step.decide(Known(REGISTRY, nobody_to_ask="CI is set"))
        assert reason(end) is errors.NobodyToAsk
        assert "docker-credential-harbor login harbor.example.com" in str(end.reason)  # type: ignore[union-attr]

    def test_why_a_ticket_cannot_renew_is_told_where_nobody_is_there(self) -> None:
        why = errors.IssuerUnconfirmed(registry="r", issuer="i", reason="it sends no iss")
        known = SIGNED_IN._replace(probe=Probe.REFUSED, user=User.SAME_SECRET, redirect=REDIRECT)
        known = known._replace(has_ticket=False, ticket_walk=False, ticket_refused=why)
        assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
        assert typed(next_step.decide(known._replace(nobody_to_ask="CI is set"))) == typed(NotFound(why))

    def test_after_a_declined_sign_in_no_window_opens_by_itself(self) -> None:
        assert reason(next_step.decide(Known(REGISTRY, paused_seconds=59))) is errors.SignInPaused

    @pytest.mark.parametrize(
        "none",
        [
            errors.NoDeviceGrant(registry="r", client_id="c", url="u", reason="unauthorized_client"),
            errors.ClientRefused(registry="r", client_id="c", reason="invalid_client"),
            errors.ClientUnknown(registry="r", client_id="c", redirect_uri="u"),
            errors.TokenTooLong(
                registry="r", host="h", client_id="c", characters="9", reason="status 400", excess="'groups'"
            ),
        ],
        ids=lambda failure: failure.code,
    )
    def test_without_our_own_sign_in_harbors_login_renews_the_pair_at_hand(self, none: errors.Failure) -> None:
        told = errors.FoundOut(none.code, str(none))  # as the worker's note tells it
        assert typed(next_step.decide(Known(REGISTRY, stopped=told))) == typed(NotFound(told))
        known = SIGNED_IN._replace(stopped=told)
        assert next_step.decide(known) is Step.READ_LOGIN_REDIRECT
        known = known._replace(redirect=REDIRECT)
        assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
        assert reason(next_step.decide(known._replace(nobody_to_ask="CI is set"))) is errors.NobodyToAsk
        refused = REFUSED._replace(walk=Asked.NOT_PASSED, id_token_expired=True)
        assert next_step.decide(refused) is Step.REFRESH
        assert reason(next_step.decide(refused._replace(refresh=Refresh.INVALID_GRANT))) is errors.StillRefused

    def test_unreachable_gives_the_last_known_pair_or_says_why_not(self) -> None:
        assert typed(next_step.decide(SIGNED_IN._replace(unreachable=AWAY))) == typed(HandOut(unverified=AWAY))
        assert typed(next_step.decide(Known(REGISTRY, unreachable=AWAY))) == typed(NotFound(AWAY))


# --- Every combination ------------------------------------------------------------------------------------------------

Path = tuple[tuple[Step, ...], Known, HandOut | NotFound]


def starts() -> Iterator[Known]:
    pairs: list[tuple[Credentials | None, PairKind | None, bool]] = [
        (None, None, False),
        (None, None, True),
        (PAIR, None, True),
        *((PAIR, kind, False) for kind in PairKind),
        (ROBOT, PairKind.UNKNOWN, False),
    ]
    ways: list[dict[str, object]] = [
        {},
        {"nobody_to_ask": "CI is set"},
        {"paused_seconds": 60},
        {"can_refresh": False},
        {"has_ticket": None},
        {"has_ticket": None, "nobody_to_ask": "CI is set"},
    ]
    for registry, (pair, kind, signed_in), trusted, expired, way in product(
        (REGISTRY, WITHOUT_CLIENT), pairs, (False, True), (False, True), ways
    ):
        yield Known(
            registry,
            pair=pair,
            pair_kind=kind,
            trusted=trusted,
            signed_in=signed_in,
            id_token_expired=expired,
            **way,  # type: ignore[arg-type]
        )


def findings(known: Known, step: Step) -> Iterator[Known]:
    """Every way in which the step can end, as whoever carries it out adds it."""
    yield known._replace(unreachable=AWAY)
    if step is Step.PROBE:
        yield known._replace(probe=Probe.ACCEPTED, update_time_wanted=known.signed_in)
        yield known._replace(probe=Probe.REFUSED)
    elif step is Step.READ_PAIR_KIND:
        for kind in (PairKind.ROBOT, PairKind.LOCAL, PairKind.PERSON):
            yield known._replace(pair_kind=kind)
    elif step is Step.REFRESH:
        yield known._replace(refresh=Refresh.FRESH, id_token_expired=False, user=None)
        yield known._replace(refresh=Refresh.INVALID_GRANT)
        yield known._replace(stopped=errors.ClientRefused(client_id="c", reason="invalid_client", registry="r"))
    elif step is Step.READ_UPDATE_TIME:
        yield known._replace(update_time_wanted=False)
    elif step is Step.READ_CURRENT_USER:
        if known.pair:
            yield known._replace(user=User.SAME_SECRET)
        yield known._replace(user=User.ANOTHER_SECRET, pair=Credentials("alice", "another"), probe=None)
        yield known._replace(user=User.UNREADABLE_SECRET)
        yield known._replace(user=User.REFUSED)
    elif step is Step.READ_LOGIN_REDIRECT:
        yield known._replace(redirect=REDIRECT, audience_has_harbor=True)
        yield known._replace(redirect=REDIRECT, audience_has_harbor=False)
    elif step is Step.SET_SECRET:
        yield known._replace(secret_set=True, pair=Credentials("alice", "set"), probe=None)
        yield known._replace(stopped=errors.SecretRefused(registry="r", reason="403"))
    elif step is Step.LOOK_FOR_TICKET:
        yield known._replace(has_ticket=True)
        yield known._replace(has_ticket=False)
    elif step in (Step.SIGN_IN_BY_TICKET, Step.RENEW_BY_TICKET):
        yield from by_ticket(known, step)
    else:
        yield from after_the_person(known, step)


def by_ticket(known: Known, step: Step) -> Iterator[Known]:
    """Our own sign-in comes first also where Harbor's side is to be renewed, unless nobody is signed in here."""
    signed_in = known
    if step is Step.SIGN_IN_BY_TICKET or (known.signed_in and not known.ticket_sign_in):
        yield known._replace(ticket_sign_in=False, has_ticket=False)
        fresh = {"refresh": Refresh.FRESH, "id_token_expired": False, "user": None, "signed_in": True}
        signed_in = known._replace(ticket_sign_in=True, **fresh)  # type: ignore[arg-type]
    if step is Step.SIGN_IN_BY_TICKET:
        yield signed_in._replace(audience_has_harbor=True)
        yield signed_in._replace(audience_has_harbor=False)
    else:
        yield signed_in._replace(ticket_walk=True, probe=None, user=None)
        yield signed_in._replace(ticket_walk=False)


def after_the_person(known: Known, step: Step) -> Iterator[Known]:
    """What is kept is read anew after the person was asked, so only how that ended is known then."""
    yield known._replace(stopped=errors.SignInDeclined(registry="r", reason="access_denied"))
    for asked in Asked:
        anew = known._replace(probe=None, refresh=None, user=None, redirect=None, audience_has_harbor=None)
        anew = anew._replace(ticket_sign_in=None, ticket_walk=None, has_ticket=None if known.has_ticket else False)
        if step is Step.SIGN_IN:
            yield anew._replace(sign_in=asked, signed_in=True, id_token_expired=False)
        else:
            yield anew._replace(walk=asked)


def walk_all(known: Known, steps: tuple[Step, ...] = ()) -> Iterator[Path]:
    step = next_step.decide(known)
    if not isinstance(step, Step):
        yield steps, known, step
        return
    assert len(steps) < 20, f"the loop does not end: {steps}"
    for found in findings(known, step):
        yield from walk_all(found, (*steps, step))


@pytest.fixture(scope="module")
def paths() -> list[Path]:
    return [path for start in starts() for path in walk_all(start)]


BY_TICKET = (Step.SIGN_IN_BY_TICKET, Step.RENEW_BY_TICKET)


class TestEveryCombination:
    def test_the_loop_ends_with_an_answer(self, paths: list[Path]) -> None:
        assert len(paths) > 1000
        for _, known, end in paths:
            assert isinstance(end, NotFound) or known.pair

    def test_no_window_where_nobody_can_be_asked(self, paths: list[Path]) -> None:
        for steps, known, _ in paths:
            windows = sum(step in (Step.SIGN_IN, Step.RENEW_HARBOR_SIDE) for step in steps)
            assert windows <= (0 if known.nobody_to_ask or known.paused_seconds else 1), steps

    def test_no_window_before_harbor_has_shown_that_it_reaches_its_provider(self, paths: list[Path]) -> None:
        for steps, _, _ in paths:
            for window in (Step.SIGN_IN, Step.RENEW_HARBOR_SIDE):
                if window in steps:
                    assert Step.READ_LOGIN_REDIRECT in steps[: steps.index(window)]

    def test_only_a_pair_that_was_just_accepted_is_handed_out_without_a_warning(self, paths: list[Path]) -> None:
        for _, known, end in paths:
            if isinstance(end, HandOut) and not end.unverified and not known.trusted:
                as_it_is = next_step.is_robot(known) or known.pair_kind is PairKind.UNKNOWN
                assert as_it_is or known.probe is Probe.ACCEPTED

    def test_what_is_unreachable_ends_the_run_and_keeps_the_pair(self, paths: list[Path]) -> None:
        for _, known, end in paths:
            if known.unreachable:
                assert typed(end) == typed(HandOut(unverified=AWAY) if known.pair else NotFound(AWAY))

    def test_robots_meet_neither_probe_nor_window(self, paths: list[Path]) -> None:
        for steps, known, _ in paths:
            if known.pair == ROBOT:
                assert steps == ()

    def test_without_a_client_nothing_is_asked_of_our_own_sign_in(self, paths: list[Path]) -> None:
        for steps, known, _ in paths:
            if not known.registry.client_id:
                assert Step.SIGN_IN not in steps

    def test_a_ticket_is_used_before_a_person_is_asked_and_once(self, paths: list[Path]) -> None:
        seen: set[Step] = set()
        for steps, _, _ in paths:
            asked = [place for place, step in enumerate(steps) if step in (Step.SIGN_IN, Step.RENEW_HARBOR_SIDE)]
            used = [place for place, step in enumerate(steps) if step in BY_TICKET]
            assert len({steps[place] for place in used}) == len(used)
            assert not asked or not used or max(used) < min(asked)
            seen.update(steps)
        assert seen.issuperset(BY_TICKET)

    def test_each_state_of_status_is_met(self, paths: list[Path]) -> None:
        states = set()
        for start in {start._replace(nobody_to_ask=None, paused_seconds=0) for start in starts()}:
            for steps, known, end in walk_all(start):
                stops_at = next((step for step in steps if step in (Step.SIGN_IN, Step.RENEW_HARBOR_SIDE)), None)
                states.add(next_step.state_of(known, stops_at or end))
        wanted = {"ready", "harbor-session-ended", "not-onboarded", "signed-out", "refused", "unreachable"}
        assert states == wanted
        assert paths
