"""A registry as it is now, for `status` and `doctor`: probes whatever is trusted, may refresh, opens nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor import console, errors, get, policy, registry_state, verified
from docker_credential_harbor.findings import HandOut, NotFound, Probe
from docker_credential_harbor.inquiry import Inquiry

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.findings import Known
    from docker_credential_harbor.model import Registry


class Survey(NamedTuple):
    """``state``: one of those of `status --json`. ``known`` None: not even what is kept could be read."""

    state: str
    known: Known | None
    failure: Failure | None = None


def survey(context: Context, registry: Registry) -> Survey:
    """Never raises: why nothing could be found out is the ``failure``."""
    try:
        with registry_state.alone(registry.name, context.lock_seconds):
            look = Inquiry(context, registry, get.transport(context, registry), trust=False)
            # Where a sign-in or a walk would be next, that is the state: as if a person were there to be asked.
            look.learn(nobody_to_ask=None, paused_seconds=0, has_ticket=False)
            end = look.run()
            if isinstance(end, HandOut) and look.known.probe is not Probe.REFUSED:
                look.save(end)
            elif look.known.probe is Probe.REFUSED:  # the next `get` is not to hand it out for as long as it is trusted
                registry_state.save(registry.name, verified.forget(registry.name, look.notes))
            else:
                registry_state.save(registry.name, look.notes)
    except Exception as fault:
        problem = console.told(fault)
        return Survey("unreachable" if isinstance(problem, errors.Unreachable) else "refused", None, problem)
    failure = end.reason if isinstance(end, NotFound) else end.unverified if isinstance(end, HandOut) else None
    return Survey(policy.state_of(look.known, end), look.known, failure)
