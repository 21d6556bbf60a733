"""What a person is told where the policy stops, which state `status` shows, and what early ends show."""

from __future__ import annotations

from typing import Any

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, LoginRedirect, PairKind, Registry
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User

REGISTRY = Registry(name="h.example.com:8443", url="https://h.example.com:8443", client_id="ours")
PAIR = Credentials("alice-h", "secret")
REDIRECT = LoginRedirect("https://sso.example.com/auth", "harbors", ("openid",))
AWAY = errors.Unreachable(host="h.example.com", reason="connection refused")
SIGNED_IN = Known(REGISTRY, pair=PAIR, signed_in=True, person="alice", redirect=REDIRECT)
STORED = Known(REGISTRY, pair=PAIR, pair_kind=PairKind.PERSON, redirect=REDIRECT)
NOBODY = Known(REGISTRY, redirect=REDIRECT)
PLACE = {"registry": "h.example.com:8443"}
PAGE = {**PLACE, "url": "https://h.example.com:8443"}
LOGIN = "run: docker-credential-harbor login h.example.com:8443"
OPEN = "open https://h.example.com:8443/c/oidc/login in a browser and try again"
DEAD: dict[str, Any] = {"probe": Probe.REFUSED, "user": User.SAME_SECRET}
STRANGER: dict[str, Any] = {
    "probe": Probe.REFUSED,
    "user": User.REFUSED,
    "refresh": Refresh.FRESH,
    "audience_has_harbor": True,
}


def but(known: Known, **changes: Any) -> Known:
    return known._replace(**changes)


def told(known: Known) -> tuple[type[errors.Failure], dict[str, str]]:
    """Why nothing is found, and the facts in it."""
    end = next_step.decide(known)
    assert isinstance(end, NotFound)
    return type(end.reason), dict(end.reason.facts)


# --- Why not ----------------------------------------------------------------------------------------------------------


def test_an_audience_that_is_missing() -> None:
    known = but(SIGNED_IN, **{**STRANGER, "audience_has_harbor": False})
    assert told(known) == (errors.AudienceMissing, {**PLACE, "client_id": "ours", "harbor_client_id": "harbors"})


def test_no_client() -> None:
    assert told(Known(REGISTRY._replace(client_id=""))) == (errors.NoClient, PAGE)


@pytest.mark.parametrize(("known", "todo"), [(NOBODY, LOGIN), (STORED._replace(probe=Probe.REFUSED), OPEN)])
def test_nobody_to_ask_or_not_now(known: Known, todo: str) -> None:
    nobody = known._replace(nobody_to_ask="CI is set", paused_seconds=59)
    assert told(nobody) == (errors.NobodyToAsk, {**PLACE, "reason": "CI is set", "todo": todo})
    paused = known._replace(paused_seconds=59)
    assert told(paused) == (errors.SignInPaused, {**PLACE, "seconds": "59", "todo": todo})
    assert told(known._replace(paused_seconds=1))[0] is errors.SignInPaused


@pytest.mark.parametrize("known", [NOBODY, STORED._replace(probe=Probe.REFUSED)])
@pytest.mark.parametrize("reason", ["CI is set", ""])
def test_where_a_pair_is_at_hand_harbor_is_asked_first_whether_it_reaches_its_provider(
    known: Known, reason: str
) -> None:
    """Else the pair would be given up for an outage. Without one nothing is asked in vain."""
    unasked = known._replace(redirect=None, nobody_to_ask=reason)
    assert known.pair is None or next_step.decide(unasked) is Step.READ_LOGIN_REDIRECT
    assert known.pair or told(unasked)[0] is errors.NobodyToAsk


USER = {"username": "alice-h"}
BY_DOCKER = {**PAGE, **USER, "command": "docker login h.example.com:8443"}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (SIGNED_IN._replace(user=User.SAME_SECRET), (errors.StillRefused, {**PLACE, **USER})),
        (SIGNED_IN._replace(user=User.SAME_SECRET, person=""), (errors.StillRefused, {**PLACE, **USER})),
        (SIGNED_IN._replace(user=User.REFUSED), (errors.OldUserInTheWay, {**PAGE, **USER, "person": "alice"})),
        (SIGNED_IN._replace(user=User.REFUSED, pair=None), (errors.NotOnboarded, {**PAGE, "person": "alice"})),
        (SIGNED_IN._replace(pair=None, person=""), (errors.NotOnboarded, {**PAGE, "person": "this person"})),
        (SIGNED_IN._replace(user=User.UNREADABLE_SECRET), (errors.SecretUnreadable, PAGE)),
        (STORED._replace(user=User.UNREADABLE_SECRET), (errors.SecretUnreadable, PAGE)),
        (STORED, (errors.StoredPairRefused, BY_DOCKER)),
        (
            STORED._replace(registry=REGISTRY._replace(client_id="")),
            (
                errors.StoredPairRefused,
                {**BY_DOCKER, "command": "docker-credential-harbor login h.example.com:8443"},
            ),
        ),
    ],
)
def test_after_a_walk_in_vain(known: Known, expected: tuple[type[errors.Failure], dict[str, str]]) -> None:
    found = next_step.why_in_vain(known._replace(walk=Asked.NOT_PASSED))
    assert (type(found), found.facts) == expected


@pytest.mark.parametrize("field", ["walk", "sign_in"])
@pytest.mark.parametrize(
    ("how", "expected"), [(Asked.IN_VAIN, errors.RefusedAfterLogin), (Asked.NOT_PASSED, errors.StillRefused)]
)
def test_a_login_that_was_finished_is_told_as_one(field: str, how: Asked, expected: type[errors.Failure]) -> None:
    found = next_step.why_in_vain(but(SIGNED_IN, **{field: how}))
    assert (type(found), found.facts) == (expected, {**PLACE, **USER})


def test_a_person_is_asked_once_in_a_run_and_told_why_that_was_in_vain() -> None:
    for field in ("walk", "sign_in"):
        known = but(SIGNED_IN, **{**DEAD, field: Asked.IN_VAIN})
        assert told(known) == (errors.RefusedAfterLogin, {**PLACE, **USER})


# --- What stands in the way of the next window as well ----------------------------------------------------------------


@pytest.mark.parametrize("last", [None, "still-refused", "refused-after-login", "old-user-in-the-way"])
def test_what_the_last_window_ended_with_is_told_where_it_would_be_the_same_again(last: str | None) -> None:
    refused = SIGNED_IN._replace(user=User.REFUSED, last_window=last)
    dead = SIGNED_IN._replace(user=User.SAME_SECRET, last_window=last)
    found = {
        name: next_step.met_before(known, Step.RENEW_HARBOR_SIDE) for name, known in {"r": refused, "d": dead}.items()
    }
    codes = {name: failure and failure.code for name, failure in found.items()}
    assert codes == {
        "r": last if last == "old-user-in-the-way" else None,
        "d": last if last in ("still-refused", "refused-after-login") else None,
    }
    assert next_step.met_before(refused, Step.SIGN_IN) is None  # another window


def test_what_helps_against_that_goes_before_what_always_helps() -> None:
    known = SIGNED_IN._replace(user=User.REFUSED, last_window="old-user-in-the-way")
    todo = next_step.what_to_do(known, Step.RENEW_HARBOR_SIDE)
    assert todo == next_step.why_in_vain(known).fix
    assert "remove that user" in todo
    assert next_step.what_to_do(known, Step.SIGN_IN) == LOGIN
    assert next_step.what_to_do(known._replace(last_window=None), Step.RENEW_HARBOR_SIDE) == LOGIN
    assert next_step.what_to_do(STORED, Step.RENEW_HARBOR_SIDE) == OPEN


def test_so_it_is_where_nobody_can_be_asked() -> None:
    known = but(STORED, **DEAD, last_window="stored-pair-refused", nobody_to_ask="CI is set")
    assert told(known)[1]["todo"] == next_step.why_in_vain(known).fix[:500]


def test_a_name_in_a_command_is_one_word() -> None:
    odd = REGISTRY._replace(name="h;id")
    assert next_step.what_to_do(NOBODY._replace(registry=odd), Step.SIGN_IN).endswith(" login 'h;id'")
    assert next_step.stored_pair_refused(odd, PAIR).facts["command"] == "docker login 'h;id'"


# --- Steps ----------------------------------------------------------------------------------------------------------


def test_an_audience_that_is_shared_leaves_harbors_login_as_well() -> None:
    shared = errors.AudienceShared(registry="h", client_id="ours", other="g", harbor_client_id="g")
    assert next_step.decide(SIGNED_IN._replace(stopped=shared)) is Step.RENEW_HARBOR_SIDE


def test_what_stops_all_ways_ends_the_run() -> None:
    declined = errors.SignInDeclined(registry="h", reason="access_denied")
    end = next_step.decide(SIGNED_IN._replace(stopped=declined))
    assert isinstance(end, NotFound)
    assert end.reason is declined


@pytest.mark.parametrize("got", [{"refresh": Refresh.FRESH}, {"sign_in": Asked.DONE}, {"ticket_sign_in": True}])
def test_an_id_token_that_was_got_in_this_run_is_not_got_again(got: dict[str, Any]) -> None:
    """Though its clock says that it has expired."""
    known = SIGNED_IN._replace(probe=Probe.REFUSED, id_token_expired=True)
    assert next_step.decide(known) is Step.REFRESH
    assert next_step.decide(but(known, **got)) is Step.READ_CURRENT_USER
    refused = but(known, user=User.REFUSED, audience_has_harbor=False, **got)
    assert told(refused)[0] is errors.AudienceMissing


@pytest.mark.parametrize("seen", [{"walk": Asked.DONE}, {"sign_in": Asked.DONE}, {"ticket_walk": True}])
def test_an_unreadable_secret_is_set_anew_once_a_walk_was_seen(seen: dict[str, Any]) -> None:
    known = SIGNED_IN._replace(probe=Probe.REFUSED, user=User.UNREADABLE_SECRET)
    assert next_step.decide(known) is Step.RENEW_HARBOR_SIDE
    assert next_step.decide(but(known, **seen)) is Step.SET_SECRET
    assert told(known._replace(secret_set=True, walk=Asked.DONE))[0] is errors.SecretUnreadable
    assert told(known._replace(walk=Asked.NOT_PASSED))[0] is errors.SecretUnreadable


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (NOBODY, Step.SIGN_IN_BY_TICKET),
        (STORED._replace(probe=Probe.REFUSED), Step.RENEW_BY_TICKET),
        (but(SIGNED_IN, **DEAD), Step.RENEW_BY_TICKET),
    ],
)
def test_a_ticket(known: Known, step: Step) -> None:
    """Looked for, then Harbor asked, then used once; never after a person was asked."""
    after = {Step.SIGN_IN_BY_TICKET: Step.SIGN_IN, Step.RENEW_BY_TICKET: Step.RENEW_HARBOR_SIDE}[step]
    assert next_step.decide(known._replace(has_ticket=None)) is Step.LOOK_FOR_TICKET
    assert next_step.decide(known._replace(has_ticket=True, redirect=None)) is Step.READ_LOGIN_REDIRECT
    assert next_step.decide(known._replace(has_ticket=True)) is step
    assert next_step.decide(known._replace(has_ticket=False)) is after
    tried = "ticket_sign_in" if step is Step.SIGN_IN_BY_TICKET else "ticket_walk"
    assert next_step.decide(but(known, has_ticket=True, **{tried: False})) is after
    for asked in ("walk", "sign_in"):
        known_then = but(known, has_ticket=None, **{asked: Asked.NOT_PASSED})
        assert isinstance(next_step.decide(known_then), NotFound)


# --- States -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "end", "state"),
    [
        (SIGNED_IN._replace(probe=Probe.ACCEPTED), HandOut(), "ready"),
        (STORED._replace(pair_kind=PairKind.ROBOT), HandOut(), "ready"),
        (STORED._replace(pair_kind=PairKind.UNKNOWN, probe=Probe.REFUSED), HandOut(), "refused"),
        (SIGNED_IN, HandOut(unverified=AWAY), "unreachable"),
        (SIGNED_IN._replace(probe=Probe.REFUSED), HandOut(unverified=AWAY), "unreachable"),
        (NOBODY._replace(unreachable=AWAY), NotFound(AWAY), "unreachable"),
        (but(SIGNED_IN, **DEAD), Step.RENEW_HARBOR_SIDE, "harbor-session-ended"),
        (SIGNED_IN._replace(user=User.ANOTHER_SECRET), Step.RENEW_HARBOR_SIDE, "harbor-session-ended"),
        (SIGNED_IN._replace(user=User.REFUSED), Step.RENEW_HARBOR_SIDE, "not-onboarded"),
        (SIGNED_IN._replace(user=User.UNREADABLE_SECRET), Step.RENEW_HARBOR_SIDE, "refused"),
        (STORED._replace(probe=Probe.REFUSED), Step.RENEW_HARBOR_SIDE, "refused"),
        (NOBODY, Step.SIGN_IN, "signed-out"),
        (NOBODY, NotFound(errors.NoClient(**PAGE)), "signed-out"),
        (NOBODY, NotFound(errors.ClientRefused(**PLACE, client_id="c", reason="r")), "refused"),
    ],
)
def test_the_state(known: Known, end: Step | HandOut | NotFound, state: str) -> None:
    assert next_step.state_of(known, end) == state
