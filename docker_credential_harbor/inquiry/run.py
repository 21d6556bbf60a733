"""Finds out about one registry whatever needs no person: carries out the policy's steps, until there is an answer.

`get`, `status` and `keepalive` all go through here. Nothing is decided here.
"""

from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.errors import BrokeOff, Failure, FoundOut, Unreachable
from docker_credential_harbor.inquiry import harbor_steps, own_token_steps, ticket_steps
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Step
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.inquiry.state import Inquiry

End = Step | HandOut | NotFound

_CARRIED_OUT: "dict[Step, Callable[[Inquiry], None]]" = {
    Step.PROBE: harbor_steps.probe,
    Step.READ_PAIR_KIND: harbor_steps.read_pair_kind,
    Step.REFRESH: own_token_steps.refresh,
    Step.READ_CURRENT_USER: harbor_steps.read_current_user,
    Step.READ_UPDATE_TIME: harbor_steps.read_update_time,
    Step.READ_LOGIN_REDIRECT: harbor_steps.read_login_redirect,
    Step.SET_SECRET: harbor_steps.set_secret,
    Step.LOOK_FOR_TICKET: ticket_steps.look_for_ticket,
    Step.SIGN_IN_BY_TICKET: ticket_steps.sign_in,
    Step.RENEW_BY_TICKET: ticket_steps.renew_harbor_side,
}
_BY_TICKET = (Step.LOOK_FOR_TICKET, Step.SIGN_IN_BY_TICKET, Step.RENEW_BY_TICKET)


def until_answered(look: "Inquiry") -> End:
    """Until there is an answer, or a step that only a person can take."""
    while True:
        step = next_step.decide(look.known)
        console.trace(f"{look.registry.name}: {_describe(step)}")
        carry_out = _CARRIED_OUT.get(step) if isinstance(step, Step) else None
        if carry_out is None:
            return step
        try:
            carry_out(look)
        except Exception as fault:  # what nobody foresaw, too: nothing is concluded from it
            failure = harbor.or_its_provider(look.http, look.registry, console.told(fault))
            if isinstance(failure, BrokeOff) and step in _BY_TICKET:  # a person may be asked instead
                look.learn(has_ticket=False, ticket_sign_in=False, ticket_walk=False)
            else:
                look.learn(**{"unreachable" if isinstance(failure, Unreachable) else "stopped": failure})


class Ended(NamedTuple):
    """How asking the person ended: the step, and what came of it or why nothing did."""

    step: Step
    asked: Asked | None
    failure: Failure | None


def with_person(known: Known, ended: Ended) -> Known:
    """What is known once the person was asked: how that ended, as the one finding of its step."""
    failure = ended.failure
    if isinstance(failure, Unreachable) or (isinstance(failure, FoundOut) and failure.unreachable):
        return known._replace(unreachable=failure)
    if failure is not None:
        return known._replace(stopped=failure)
    return known._replace(sign_in=ended.asked) if ended.step is Step.SIGN_IN else known._replace(walk=ended.asked)


def _describe(step: End) -> str:
    if isinstance(step, HandOut):
        return "hand out" + (f", unverified: {step.unverified}" if step.unverified else "")
    if isinstance(step, NotFound):
        return f"not found: {step.reason}"
    return step.name.lower().replace("_", " ")
