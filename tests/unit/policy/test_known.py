"""What one `get` can know: values, of which nothing is found at the start and no secret is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, PairKind, Registry
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User

if TYPE_CHECKING:
    from collections.abc import Iterable

REGISTRY = Registry("harbor.example.com", "https://harbor.example.com", client_secret="TheClientsSecret")
PAIR = Credentials("alice-h", "TheCliSecret")
AWAY = errors.Unreachable(host="harbor.example.com", reason="connection refused")
# Of these None would say that something is still to be looked for.
NOTHING_TO_LOOK_FOR = {"update_time_wanted": False, "secret_set": False, "has_ticket": False}


def test_nothing_is_found_before_somebody_looked() -> None:
    known = Known(REGISTRY)._asdict()
    findings = list(known)[list(known).index("probe") :]
    assert {name: known[name] for name in findings} == dict.fromkeys(findings) | NOTHING_TO_LOOK_FOR


def test_at_the_start_nothing_is_kept_and_a_person_can_be_asked_at_once() -> None:
    known = Known(REGISTRY)
    assert (known.pair, known.pair_kind, known.signed_in, known.trusted) == (None, None, False, False)
    assert (known.nobody_to_ask, known.paused_seconds, known.last_window) == (None, 0, None)


def test_no_secret_is_shown_of_what_is_known() -> None:
    shown = repr(Known(REGISTRY, pair=PAIR, pair_kind=PairKind.PERSON, unreachable=AWAY))
    assert "alice-h" in shown
    assert PAIR.secret not in shown
    assert REGISTRY.client_secret not in shown


def test_a_finding_makes_another_value_and_leaves_the_one_before() -> None:
    """Whoever decided by it may look at it again."""
    before = Known(REGISTRY, pair=PAIR)
    after = before._replace(probe=Probe.REFUSED)
    assert (before.probe, after.probe) == (None, Probe.REFUSED)
    with pytest.raises(AttributeError):
        before.probe = Probe.ACCEPTED  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Asked, ("DONE", "NOT_PASSED", "IN_VAIN")),
        (Step, ("SIGN_IN", "RENEW_HARBOR_SIDE")),
    ],
)
def test_names_that_a_worker_of_another_version_writes_down(
    kind: type[Asked] | type[Step], names: Iterable[str]
) -> None:
    """They are in the window's note, which whoever waits reads (window_note.py)."""
    for name in names:
        assert kind[name].name == name


def test_every_end_is_told_from_every_other() -> None:
    assert HandOut() != HandOut(unverified=AWAY)
    assert not isinstance(HandOut(unverified=AWAY), NotFound), "the same in both, which are tuples"
    for kind in (Probe, Refresh, User, Asked, Step):
        values = [each.value for each in kind]
        assert len(set(values)) == len(values)
