"""`get` for a Harbor registry: the loop around the policy.

Lock, look whether another process has just found out, find out, save, hand out. The registry's lock is given back
while a person is asked; after that everything is looked at anew.
"""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens, trusted_provider, verified_pair
from docker_credential_harbor.account.account import Account, locked_account
from docker_credential_harbor.inquiry import run
from docker_credential_harbor.inquiry.run import Ended
from docker_credential_harbor.inquiry.state import Inquiry
from docker_credential_harbor.outside.clean_text import in_shell
from docker_credential_harbor.policy.known import HandOut, NotFound, Step
from docker_credential_harbor.sign_in import window
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.errors import Failure
    from docker_credential_harbor.model import Credentials, Registry


MOST_TURNS = 5  # at the window: each may find that another registry's worker was quicker


class Asking(NamedTuple):
    """What the person is being asked for, and by which run; None: another registry's, or a pause began."""

    run: str | None
    step: Step


def credentials(context: "Context", registry: "Registry", ended: Ended | None = None) -> "Credentials":
    """The pair that works now, or the last known one with a warning. Raises the Failure that says why there is none.

    ``ended``: how asking the person has ended already.
    """
    try:
        return _credentials(context, registry, ended)
    except errors.Failure:
        raise
    except Exception as fault:  # around the steps: of the lock, the notes, the window
        return _last_known(context, registry, console.told(fault))


def _credentials(context: "Context", registry: "Registry", ended: Ended | None) -> "Credentials":
    turns = 0
    while True:
        with context.try_registry_lock(registry) as hindrance:
            pair = verified_pair.recall(registry.name)
            if pair:  # by another process meanwhile; a hundred that waited for it need not open a keyring one by one
                console.trace(f"{registry.name}: the remembered pair")
                return pair
            asking = None if ended else _asked_already(context, registry)
            if asking is None:
                look = Inquiry(Account(context, registry, context.transport(registry)))
                if hindrance:
                    look.learn(unreachable=hindrance)
                elif _is_under_way(registry):  # counted as declined until it ended well, but it can be joined
                    look.learn(paused_seconds=0)
                if ended:
                    look.known = run.with_person(look.known, ended)
                end = look.found_by_another(context.began_at) or run.until_answered(look)
                if isinstance(end, (HandOut, NotFound)):
                    if ended and isinstance(end, NotFound) and not isinstance(end.reason, errors.Unreachable):
                        notes = look.account.notes
                        look.account.notes = notes._replace(last_window=end.reason.note_code, early_ends=None)
                    if not hindrance:
                        with console.only_telling():
                            look.save(end)
                    return _answer(look, end)
                turns += 1
                asking = _start_or_join(look, end)
        ended = _wait(context, registry, asking)
        context = context.begun_anew(has_just_signed_in=ended is not None and ended.failure is None)
        if ended is None and turns >= MOST_TURNS:
            ended = Ended(asking.step, None, errors.Busy(what_runs="sign-in", registry="another registry"))


def sign_in(context: "Context", registry: "Registry", asked_by: window.AskedBy = "login") -> "Credentials":
    """For `login`: a sign-in whether one is needed or not, then the pair. Raises Failure."""
    window.end(registry.name)  # an older one: its tab may be closed already, and two would not help
    _wait(context, registry, Asking(None, Step.SIGN_IN))
    with locked_account(context, registry) as account:
        run = window.start(registry.name, Step.SIGN_IN, account.notes.generation, asked_by)
    try:
        ended = _wait(context, registry, Asking(run, Step.SIGN_IN))
    except KeyboardInterrupt:
        window.end(registry.name, run)
        console.hint(f"stopped; to sign in later, run: docker-credential-harbor login {in_shell(registry.name)}")
        raise
    if ended is None:
        raise errors.Busy(what_runs="sign-in", registry="another registry")
    if ended.failure:
        raise ended.failure
    return credentials(context, registry, ended)


def sign_in_by_ticket(context: "Context", registry: "Registry") -> "Credentials | None":
    """For `login`: anew, by a Kerberos ticket, whoever it is of; None where that does not lead to a pair that works.

    Raises Busy, Store… errors, and why the registry gets no sign-in of ours, which a browser would meet as well.
    """
    with locked_account(context, registry) as account:
        look = Inquiry(account)
        before, stored = account.load_sign_in(), account.stored
        look.start_anew()
        end = run.until_answered(look)
        if not isinstance(end, HandOut) or end.unverified:
            account.notes = registry_notes.with_provider(registry_notes.load(registry.name), account.notes)
            with console.only_telling():
                account.save_notes()
            if isinstance(end, NotFound) and isinstance(end.reason, trusted_provider.REFUSALS):
                raise end.reason
            return None
        with console.only_telling():
            look.save(end)
        if stored:  # which goes first all the same
            account.forget_verified()
            account.save_notes()
    if before and account.sign_in and not own_tokens.are_of_one_person(before.tokens, account.sign_in.tokens):
        console.warn(f"{look.known.person} is signed in now, not {before.tokens.person} as before")
    return look.known.pair


def _answer(look: Inquiry, end: HandOut | NotFound) -> "Credentials":
    if isinstance(end, NotFound):
        raise end.reason
    assert look.known.pair
    return _handed_out(look.registry, look.known.pair, end.unverified)


def _last_known(context: "Context", registry: "Registry", failure: "Failure") -> "Credentials":
    """Where nothing more can be found out. Raises the failure where no pair can be read."""
    pair = None
    with suppress(Exception):
        pair = Account(context, registry).pair
    if pair is None:
        raise failure
    return _handed_out(registry, pair, failure)


def _handed_out(registry: "Registry", pair: "Credentials", unverified: "Failure | None") -> "Credentials":
    if unverified:
        console.tell(unverified, f"the pair for {registry.name} could not be verified: ")
    return pair


def _is_under_way(registry: "Registry") -> bool:
    note = window.under_way()
    return note is not None and note.registry == registry.name


def _asked_already(context: "Context", registry: "Registry") -> Asking | None:
    """What another `get` found out that only the person can give, while it asks and nothing has changed since.

    So a hundred at once need not look into the store one by one to find out the same.
    """
    note = window.under_way()
    if note is None or context.reach.way == "nobody":
        return None
    return Asking(note.run, Step[note.step]) if registry_notes.load(registry.name).asking_run == note.run else None


def _start_or_join(look: Inquiry, step: Step) -> Asking:
    account, note = look.account, window.under_way()
    if note is None and not look.paused_seconds:  # else the window that was open a moment ago has just been declined
        account.save_notes()
        run = window.start(look.registry.name, step, account.notes.generation, "get")
        account.notes = account.notes._replace(asking_run=run)
        joined = Asking(run, step)
    elif note and note.registry == look.registry.name:
        joined = Asking(note.run, Step[note.step])
    else:
        joined = Asking(None, step)
    account.save_notes()
    return joined


def _wait(context: "Context", registry: "Registry", asking: Asking) -> Ended | None:
    """How it ended; None: the window is free now, or was another registry's."""
    seconds = context.settings.login_timeout_seconds + window.GRACE_SECONDS
    patience = _patience(context)
    if asking.run:
        from docker_credential_harbor.sign_in import announce

        told = announce.Announcement(alone=context.asked)
        try:
            outcome = window.wait(asking.run, registry.name, seconds, patience, told.show, told.count_down, told.remind)
        except window.OutOfPatience:
            raise errors.SignInGoesOn(registry=registry.name, reason=context.reach.impatience) from None
        finally:
            console.progress("")
        return Ended(asking.step, *outcome) if outcome else None
    note = window.under_way()
    if note and context.asked:
        console.hint(f"waiting for the sign-in at {note.registry} to end")
    if window.wait_until_free(min(seconds, patience)):
        return None
    return Ended(asking.step, None, errors.Busy(what_runs="sign-in", registry="another registry"))


def _patience(context: "Context") -> float:
    """Seconds from now on: a caller that asks twice is kept waiting once."""
    note = window.under_way()
    opened_at = registry_notes.load(note.registry).declined_at if note else None
    open_for = max(0.0, time.time() - opened_at) if opened_at else 0.0
    return max(0.0, context.reach.patience_seconds - open_for)
