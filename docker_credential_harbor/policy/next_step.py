"""What to do for a registry: the table of "What `get` does", without I/O.

The idea: a pair is handed out only after Harbor accepted it (the probe). A refusal has four causes that look alike,
and are told apart in the order of what they cost: the secret was replaced (``users/current`` shows another one),
Harbor's stored token is dead (the same one: the person's browser walks Harbor's login, nothing else renews it), the
person is not onboarded or our ID token lacks Harbor's audience (401, although the token is new), Harbor cannot reach
its provider (its login redirect fails: nothing is concluded). Only a person can sign in or walk, so these steps come
last, once in a run, and never where nobody can be asked. A Kerberos ticket does both without a person, so it is tried
before, also where nobody is there.

`decide` looks at what is known and names one step; whoever carries it out adds a finding, and asks again. A field is
filled once, except that a new secret empties what was found out about the old one; so the loop ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.model import PairKind
from docker_credential_harbor.outside.clean_text import in_shell
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User

if TYPE_CHECKING:
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Credentials, Registry

ROBOT_MARK = "$"  # a `$` in the name proves a robot, its absence proves nothing

# What is wrong with our own client: Harbor's login does not depend on it. A provider that is not found is not among
# these: as a rule something between it and this machine is broken. A missing audience is a line of its own, which names
# the mapper to be added.
OURS_ALONE = frozenset(
    failure.code
    for failure in (
        *(errors.NoDeviceGrant, errors.ClientRefused, errors.ClientUnknown),
        *(errors.TokenTooLong, errors.AudienceShared, errors.AudienceUnknown),
    )
)
ENDED = "harbor-session-ended"


def decide(known: Known) -> Step | HandOut | NotFound:
    """The next step. The table in docs/development.md has the same rows, in this order."""
    if known.trusted and known.pair:
        return HandOut()
    if known.pair_kind is not None and is_robot(known):
        return HandOut()
    if known.unreachable:
        return HandOut(unverified=known.unreachable) if known.pair else NotFound(known.unreachable)
    if known.stopped:
        # Where our own sign-in is not to be had, Harbor's login, opened on any device, renews a pair that is at hand.
        has_a_way = known.pair and known.stopped.note_code in OURS_ALONE
        return _ask_the_person(known, Step.RENEW_HARBOR_SIDE) if has_a_way else NotFound(known.stopped)
    if known.pair_kind is not None:
        return _decide_stored(known)
    return _decide_signed_in(known) if known.signed_in else _sign_in(known)


def _decide_stored(known: Known) -> Step | HandOut | NotFound:
    if known.probe is None:
        return Step.PROBE
    if known.pair_kind is PairKind.UNKNOWN:
        # Only a pair that works shows whose it is; one that does not is handed out this once, as it is.
        return Step.READ_PAIR_KIND if known.probe is Probe.ACCEPTED else HandOut()
    if known.probe is Probe.ACCEPTED:
        return HandOut()
    return _renew(known)


def _decide_signed_in(known: Known) -> Step | HandOut | NotFound:
    if known.pair and known.probe is None:
        return Step.PROBE
    if known.probe is Probe.ACCEPTED:
        return Step.READ_UPDATE_TIME if known.update_time_wanted else HandOut()
    if known.refresh is Refresh.INVALID_GRANT:
        return _sign_in(known)
    if known.id_token_expired and not _new_id_token(known):
        return Step.REFRESH
    if known.user is None:
        return Step.READ_CURRENT_USER
    if known.user is User.UNREADABLE_SECRET and _walked(known) and not known.secret_set:
        return Step.SET_SECRET
    if known.user is User.REFUSED:
        return _refused_with_id_token(known)
    return _renew(known)


def _refused_with_id_token(known: Known) -> Step | NotFound:
    if known.can_refresh and not _new_id_token(known):
        return Step.REFRESH  # an audience that was added meanwhile needs no new sign-in
    if known.redirect is None:
        return Step.READ_LOGIN_REDIRECT
    if not known.audience_has_harbor:
        return NotFound(
            errors.AudienceMissing(
                registry=known.registry.name,
                client_id=known.registry.client_id,
                harbor_client_id=known.redirect.client_id,
            )
        )
    return _renew(known)  # not onboarded: the same walk, Harbor onboards


def _renew(known: Known) -> Step | NotFound:
    by_ticket = _by_ticket(known, known.ticket_walk, Step.RENEW_BY_TICKET)
    return by_ticket or _ask_the_person(known, Step.RENEW_HARBOR_SIDE)


def _sign_in(known: Known) -> Step | NotFound:
    if not known.registry.client_id:
        return NotFound(errors.NoClient(registry=known.registry.name, url=known.registry.url))
    by_ticket = _by_ticket(known, known.ticket_sign_in, Step.SIGN_IN_BY_TICKET)
    return by_ticket or _ask_the_person(known, Step.SIGN_IN)


def _by_ticket(known: Known, tried: bool | None, step: Step) -> Step | None:
    """Once in a run, and not after a person was asked: they have just done the same."""
    if known.walk or known.sign_in or tried is not None:
        return None
    if known.has_ticket is None:
        return Step.LOOK_FOR_TICKET
    if not known.has_ticket:
        return None
    return step if known.redirect else Step.READ_LOGIN_REDIRECT


def _ask_the_person(known: Known, step: Step) -> Step | NotFound:
    if known.walk or known.sign_in:  # once in a run; a sign-in has walked Harbor's login too
        return NotFound(why_in_vain(known))
    refusal: Failure | None = None
    todo = what_to_do(known, step)
    if known.nobody_to_ask is not None:
        nobody = errors.NobodyToAsk(registry=known.registry.name, reason=known.nobody_to_ask, todo=todo)
        refusal = known.ticket_refused or nobody
    elif known.paused_seconds:
        refusal = errors.SignInPaused(registry=known.registry.name, seconds=known.paused_seconds, todo=todo)
    if known.redirect is None and (known.pair or not refusal):
        # Must answer before a walk and before a pair is given up: else Harbor cannot reach its provider.
        return Step.READ_LOGIN_REDIRECT
    return NotFound(refusal) if refusal else step


def what_to_do(known: Known, step: Step) -> str:
    """What the person can do themselves; a stored pair is renewed by Harbor's login alone, from any browser."""
    tried = met_before(known, step)
    if tried:
        return tried.fix
    if known.pair_kind is not None:
        return f"open {known.registry.url}/c/oidc/login in a browser and try again"
    return f"run: docker-credential-harbor login {in_shell(known.registry.name)}"


def met_before(known: Known, step: Step) -> Failure | None:
    """Why the last window did not help, where the same would stand in the way of the next one."""
    if step is not Step.RENEW_HARBOR_SIDE or known.last_window is None:
        return None
    now = why_in_vain(known)
    return now if now.note_code == known.last_window else None


def why_in_vain(known: Known) -> Failure:
    """Why Harbor has no working pair although its login was opened."""
    registry = known.registry
    if known.user is User.UNREADABLE_SECRET:
        return errors.SecretUnreadable(registry=registry.name, url=registry.url)
    if known.pair_kind is not None and known.pair:
        return stored_pair_refused(registry, known.pair)
    person = known.person or "this person"
    if not known.pair:
        return errors.NotOnboarded(registry=registry.name, person=person, url=registry.url)
    if known.user is User.REFUSED:
        return errors.OldUserInTheWay(
            registry=registry.name, person=person, username=known.pair.username, url=registry.url
        )
    asked = known.walk or known.sign_in
    if asked is Asked.IN_VAIN or (asked is None and known.last_window == errors.RefusedAfterLogin.code):
        return errors.RefusedAfterLogin(registry=registry.name, username=known.pair.username)
    return errors.StillRefused(registry=registry.name, username=known.pair.username)


def stored_pair_refused(registry: Registry, pair: Credentials) -> Failure:
    """Where to copy the new secret, and the command that takes it."""
    command = f"{'docker' if registry.client_id else 'docker-credential-harbor'} login {in_shell(registry.name)}"
    return errors.StoredPairRefused(registry=registry.name, username=pair.username, url=registry.url, command=command)


def _new_id_token(known: Known) -> bool:
    return known.refresh is Refresh.FRESH or known.sign_in is not None or bool(known.ticket_sign_in)


def _walked(known: Known) -> bool:
    return Asked.DONE in (known.walk, known.sign_in) or bool(known.ticket_walk)


def is_robot(known: Known) -> bool:
    """Whether the pair has no OIDC behind it, so that neither probe nor walk says anything about it."""
    by_name = known.pair is not None and ROBOT_MARK in known.pair.username
    return by_name or known.pair_kind in (PairKind.ROBOT, PairKind.LOCAL)


def state_of(known: Known, end: Step | HandOut | NotFound) -> str:
    """The state that ``status`` shows, from where the policy stops when no person is to be asked."""
    if isinstance(end, HandOut) and known.probe is Probe.REFUSED and not end.unverified:
        return "refused"
    if isinstance(end, HandOut):
        return "unreachable" if end.unverified else "ready"
    if known.unreachable:
        return "unreachable"
    if end is Step.RENEW_HARBOR_SIDE:
        # Of a stored pair nobody can ask whether its secret is still the one that Harbor has.
        states = {User.REFUSED: "not-onboarded", User.SAME_SECRET: ENDED, User.ANOTHER_SECRET: ENDED}
        return "refused" if known.user is None else states.get(known.user, "refused")
    if end is Step.SIGN_IN or (isinstance(end, NotFound) and isinstance(end.reason, errors.NoClient)):
        return "signed-out"
    return "refused"


# --- How long no window opens ----------------------------------------------------------------------------------------
