"""`get` for a Harbor registry: the loop around the policy.

Lock, look whether another process has just found out, find out, save, hand out. The registry's lock is given back
while a person is asked; after that everything is looked at anew.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor import console, errors, inquiry, lock, registry_state, window
from docker_credential_harbor.findings import HandOut, NotFound, Step
from docker_credential_harbor.inquiry import Ended, Inquiry
from docker_credential_harbor.transport import Transport

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Credentials, Registry


def credentials(context: Context, registry: Registry) -> Credentials:
    """The pair that works now, or the last known one with a warning. Raises the Failure that says why there is none."""
    ended: Ended | None = None
    while True:
        seconds = context.settings.timeout_seconds
        started_at = time.monotonic()
        with lock.hold(registry_state.lock_path(registry.name), seconds) as locked:
            http = transport(context, registry, deadline_at=started_at + seconds)
            look = Inquiry(context, registry, http)
            if not locked:
                look.learn(unreachable=errors.Busy(what_runs="get", registry=registry.name))
            if _is_under_way(registry):  # counted as declined until it ended well, but it can be joined
                look.learn(paused_seconds=0)
            if ended:
                look.known = inquiry.with_person(look.known, ended)
            end = look.found_by_another(context.began_at) or look.run()
            if isinstance(end, (HandOut, NotFound)):
                if locked:
                    _save(look, end)
                return _answer(look, end)
            registry_state.save(registry.name, look.notes)
            run = _start_or_join(registry, end, look.notes.generation)
        ended = _wait(context, registry, end, run)


def sign_in(context: Context, registry: Registry, *, browser: bool = False) -> Credentials:
    """For `login`: a sign-in whether one is needed or not, then the pair. Raises Failure."""
    if not registry.client_id:
        raise errors.NoClient(registry=registry.name, url=registry.url)
    window.wait_until_free(context.settings.login_timeout_seconds)
    with lock.hold(registry_state.lock_path(registry.name), context.settings.timeout_seconds):
        generation = registry_state.load(registry.name).generation
        run = window.start(registry.name, Step.SIGN_IN, generation, "login --browser" if browser else "login")
    ended = _wait(context, registry, Step.SIGN_IN, run)
    if ended and ended.failure:
        raise ended.failure
    return credentials(context, registry)


def transport(context: Context, registry: Registry, *, deadline_at: float | None = None) -> Transport:
    """The HTTP session for one registry and its provider; ``deadline_at``: for all requests together (monotonic)."""
    return Transport(context.settings.timeout_seconds, registry.ca_file, deadline_at=deadline_at, trace=console.trace)


def _save(look: Inquiry, end: HandOut | NotFound) -> None:
    try:
        look.save(end)
    except errors.Failure as failure:  # what was found out is good all the same
        console.warn(str(failure))


def _answer(look: Inquiry, end: HandOut | NotFound) -> Credentials:
    if isinstance(end, NotFound):
        raise end.reason
    assert look.known.pair
    if end.unverified:
        console.warn(f"the pair for {look.registry.name} could not be verified: {end.unverified}")
    return look.known.pair


def _is_under_way(registry: Registry) -> bool:
    note = window.under_way()
    return note is not None and note.registry == registry.name


def _start_or_join(registry: Registry, step: Step, generation: int) -> str | None:
    """The run to wait for; None: another registry's worker has the window."""
    note = window.under_way()
    if note is None:
        return window.start(registry.name, step, generation, "get")
    return note.run if note.registry == registry.name else None


def _wait(context: Context, registry: Registry, step: Step, run: str | None) -> Ended | None:
    seconds = context.settings.login_timeout_seconds + window.GRACE_SECONDS
    if run is None:
        if window.wait_until_free(seconds):
            return None
        return Ended(step, None, errors.Busy(what_runs="sign-in", registry="another registry"))
    return Ended(step, *window.wait(run, registry.name, seconds, window.show))
