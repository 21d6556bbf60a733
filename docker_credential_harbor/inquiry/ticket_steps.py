"""The policy's steps that a Kerberos ticket carries out without a person: look for one, sign in, renew Harbor's side.

They are an inquiry's steps like those in harbor_steps.py; the ways themselves are in negotiate.py. Where the ticket
does not lead to the end, that is the finding, and a person is asked as ever.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.account import own_tokens, trusted_provider
from docker_credential_harbor.errors import Failure, Unreachable
from docker_credential_harbor.model import SignIn
from docker_credential_harbor.policy.known import Refresh
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from docker_credential_harbor.inquiry.state import Inquiry


def look_for_ticket(look: Inquiry) -> None:
    """No request. Of a stored pair nobody knows the `sub`, so the ticket must bear its user name."""
    from docker_credential_harbor.remote import negotiate

    stored = look.account.stored
    try:
        found = negotiate.ticket(look.http.seconds_left())
        if stored and not found.is_of(stored.pair.username):
            raise negotiate.Stopped(f"the ticket is {found.principal}'s")
    except negotiate.Stopped as stop:
        console.trace(f"no sign-in by ticket: {stop}")
        look.learn(has_ticket=False)
    else:
        look.learn(has_ticket=True)


def sign_in(look: Inquiry) -> None:
    """Our own sign-in, kept at once; the known person stays who they are."""
    from docker_credential_harbor.remote import negotiate

    account, redirect = look.account, look.known.redirect
    assert redirect
    look.context.store.check(look.registry.name)
    before = account.sign_in
    kept = before or account.load_sign_in()
    found = account.provider_asked(redirect, kept, anew=look.context.asked)
    trusted_provider.check(look.registry, redirect, found, account.notes, kept)
    if before:
        account.release(before.tokens).check()
    try:
        fresh = negotiate.sign_in(look.http, found, look.registry, redirect, now=time.time)
        if before and not own_tokens.are_of_one_person(before.tokens, fresh):
            own_tokens.end(look.http, found, look.registry, fresh)
            raise negotiate.Stopped(f"it is {fresh.person}'s, not {before.tokens.person}'s")
    except Unreachable:
        raise
    except (negotiate.Stopped, Failure) as stop:  # of the exchange, too: a browser's may fare better
        console.trace(f"no sign-in by ticket: {stop}")
        look.learn(ticket_sign_in=False, has_ticket=False)
        return
    remark = look.context.store.remark(look.registry.name)
    same = kept is not None and own_tokens.are_of_one_person(kept.tokens, fresh)
    account.save_sign_in(SignIn(fresh, kept.pair if kept and same else None))  # what is last known of them stays so
    if remark:
        console.warn(remark)
    if before:
        own_tokens.end_replaced(look.http, found, look.registry, before.tokens, fresh)
    look.learn(
        ticket_sign_in=True,
        signed_in=True,
        person=fresh.person,
        refresh=Refresh.FRESH,
        id_token_expired=False,
        user=None,
        audience_has_harbor=redirect.client_id in fresh.audience,
    )


def renew_harbor_side(look: Inquiry) -> None:
    """Harbor's walk. Whose ticket it is shows our own sign-in, before Harbor takes it for that person's."""
    from docker_credential_harbor.remote import negotiate

    assert look.known.redirect
    trusted_provider.check_walk(look.http, look.registry, look.known.redirect, look.account.notes)
    if look.account.sign_in and not look.known.ticket_sign_in:
        try:
            sign_in(look)
        except trusted_provider.REFUSALS as refusal:  # of our own sign-in, which a person's walk does not need
            look.learn(has_ticket=False, ticket_walk=False, ticket_refused=refusal)
            if look.known.nobody_to_ask is None and not look.paused_seconds:  # else it is what is told in the end
                console.tell(refusal, "not renewed by the Kerberos ticket: ")
        if not look.known.ticket_sign_in:
            return
    began_at = time.time()
    try:
        negotiate.walk_harbors_login(look.http, look.registry, look.known.redirect)
    except negotiate.Stopped as stop:
        console.trace(f"no walk by ticket: {stop}")
        look.learn(ticket_walk=False)
    else:
        look.walk_began_at = began_at
        look.learn(ticket_walk=True, probe=None, user=None)
