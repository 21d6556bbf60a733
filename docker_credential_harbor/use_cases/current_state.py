"""A registry as it is now, for `status` and `doctor`: probes whatever is trusted, may refresh, opens nothing.

What is said of it is what Harbor and the provider answered in this run. What a pull found out in a window is told as
such, and only where the same would stand in the way of the next one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor import errors
from docker_credential_harbor.account.account import Account
from docker_credential_harbor.context import reach_of_a_pull
from docker_credential_harbor.inquiry import run
from docker_credential_harbor.inquiry.state import Inquiry
from docker_credential_harbor.policy import durations, next_step
from docker_credential_harbor.policy.known import HandOut, NotFound, Probe, Refresh, Step, User
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.policy.known import Known


class Due(NamedTuple):
    """What only a person can do, and what shows that.

    ``hindrance``: why the next pull does not ask for it; None: it does. ``tried``: what came of the last window, which
    was opened at ``tried_at`` (an instant).
    """

    step: Step
    finding: str
    todo: str
    hindrance: Failure | None
    tried: Failure | None
    tried_at: float

    @property
    def tried_ago(self) -> str:
        return f"last tried {durations.ago(time.time() - self.tried_at)}"


class Survey(NamedTuple):
    """``state``: one of those of `status --json`. ``known`` None: not even what is kept could be read."""

    state: str
    known: Known | None
    failure: Failure | None = None
    due: Due | None = None


def survey(context: Context, registry: Registry) -> Survey:
    """Never raises: why nothing could be found out is the ``failure``."""
    try:
        with context.try_registry_lock(registry) as hindrance:
            look = Inquiry(Account(context, registry, context.transport(registry)), trust=False)
            # Where a sign-in or a walk would be next, that is the state: as if a person were there to be asked.
            look.learn(nobody_to_ask=None, paused_seconds=0, has_ticket=False)
            if hindrance:
                look.learn(unreachable=hindrance)
            end = run.until_answered(look)
            if isinstance(end, HandOut) and look.known.probe is Probe.REFUSED:
                end = HandOut(unverified=end.unverified or provider_away(look))
            if not hindrance:
                _save(look, end)
            due = _due(look, end) if isinstance(end, Step) else None
    except Exception as fault:
        problem = console.told(fault)
        return Survey("unreachable" if isinstance(problem, errors.Unreachable) else "refused", None, problem)
    failure = end.reason if isinstance(end, NotFound) else end.unverified if isinstance(end, HandOut) else None
    return Survey(next_step.state_of(look.known, end), look.known, failure, due)


def _save(look: Inquiry, end: Step | HandOut | NotFound) -> None:
    with console.only_telling():
        if isinstance(end, HandOut) and look.known.probe is not Probe.REFUSED:
            look.save(end)
        else:
            if look.known.probe is Probe.REFUSED:
                _distrust(look.account)
            look.account.save_notes()


def provider_away(look: Inquiry) -> Failure | None:
    """Whether that is why Harbor refuses a pair at its first look, which may be a person's."""
    try:
        harbor.login_redirect(look.http, look.registry)
    except errors.Unreachable as away:
        return away
    except errors.NotOidcMode:
        pass
    return None


def _distrust(account: Account) -> None:
    """The next `get` is not to hand out a refused pair for as long as it is trusted; what the last one met stays."""
    last_window = account.notes.last_window
    account.forget_verified()
    account.notes = account.notes._replace(last_window=last_window)


def _due(look: Inquiry, step: Step) -> Due:
    reach = reach_of_a_pull()
    nobody = reach.reason if reach.way == "nobody" else None
    pull = next_step.decide(look.known._replace(nobody_to_ask=nobody, paused_seconds=look.paused_seconds))
    return Due(
        step=step,
        finding=finding(look.known),
        todo=next_step.what_to_do(look.known, step),
        hindrance=pull.reason if isinstance(pull, NotFound) else None,
        tried=next_step.met_before(look.known, step),
        tried_at=look.account.notes.declined_at or time.time(),
    )


def finding(known: Known) -> str:
    """What shows that only a person can do the next step: what was asked in this run, and no cause that was not."""
    username = known.pair.who if known.pair else ""
    if not known.signed_in and not known.pair:
        return f"nobody is signed in at {known.registry.name}"
    if known.refresh is Refresh.INVALID_GRANT:
        refused = f", and Harbor refuses the CLI secret of {username}" if known.probe is Probe.REFUSED else ""
        return f"the sign-in of {known.person} at {known.registry.name} has ended{refused}"
    if known.user in (User.REFUSED, User.UNREADABLE_SECRET):
        return next_step.why_in_vain(known).message
    if known.user in (User.SAME_SECRET, User.ANOTHER_SECRET):
        return f"the CLI secret of {username} is right, and Harbor refuses it: Harbor's own sign-in has ended"
    reason = f" ({known.stopped.message})" if known.stopped else ""
    return (
        f"Harbor at {known.registry.name} refuses the CLI secret of {username}: Harbor's own sign-in has ended, or the "
        f"secret was replaced{reason}"
    )
