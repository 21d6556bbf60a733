"""`login`: a sign-in whether one is needed or not; without a client, by the CLI secret that is pasted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.outside.clean_text import in_shell
from docker_credential_harbor.person import prompt, reaching
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.sign_in import announce, by_pasted_secret, window
from docker_credential_harbor.system import console, redaction
from docker_credential_harbor.use_cases import get, issuer_by_person, stored_pairs

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Credentials, Registry

# What ours is refused for, however often anybody signs in. Whoever runs `login` is there to go on without it.
NO_USE_OF_THE_CLIENT = next_step.OURS_ALONE - {errors.AudienceUnknown.code} | {errors.AudienceMissing.code}


def sign_in(context: Context, registry: Registry, asked_by: window.AskedBy = "login") -> list[str]:
    """At the end Harbor accepts the pair. What came of it, in lines for the person. Raises Failure."""
    if not registry.client_id:
        return _without_client(context, registry)
    pair = None
    try:
        pair = issuer_by_person.taking_another(context, registry, lambda: _with_client(context, registry, asked_by))
    except errors.Failure as failure:
        if failure.note_code in NO_USE_OF_THE_CLIENT and prompt.can_ask():
            console.tell(errors.FoundOut(failure.note_code, failure.message))  # what it advises is done here
            console.hint("going on without it: your CLI secret is asked for")
            return _without_client(context, registry)
        if failure.note_code == errors.ClientUnknown.code:
            todo = "run this at a terminal, which goes on with your CLI secret"
            raise errors.FoundOut(failure.note_code, failure.message, todo) from failure
        if failure.note_code != errors.StoredPairRefused.code:
            raise
    if stored_pairs.gives_way(context, registry):
        pair = get.credentials(context, registry)
    return _what_came_of_it(context, registry, pair)


def _with_client(context: Context, registry: Registry, asked_by: window.AskedBy) -> Credentials:
    pair = get.sign_in_by_ticket(context, registry) if asked_by == "login" else None
    return pair or get.sign_in(context, registry, asked_by)


def _what_came_of_it(context: Context, registry: Registry, pair: Credentials | None) -> list[str]:
    """``pair`` None: a stored one goes first, and Harbor refuses it. Raises StoredPairGoesFirst."""
    stored = context.store.load_stored(registry.key)
    if stored and not pair:
        raise errors.StoredPairGoesFirst(registry=registry.name, username=stored.pair.username)
    if stored:
        return [
            f"Signed in at {registry.name}, but the stored pair of {stored.pair.who} goes first there.",
            f"To be rid of it: docker logout {in_shell(registry.name)}, then sign in again.",
        ]
    return [f"Signed in at {registry.name} as {pair.who}."] if pair else []


def _without_client(context: Context, registry: Registry) -> list[str]:
    if not prompt.can_ask():
        raise errors.NoTerminal(registry=registry.name, url=registry.url)
    context.store.check(registry.name, stored=True)  # before a person is asked for what could not be kept
    stored, asked_at = by_pasted_secret.sign_in(
        context.transport(registry),
        registry,
        open_url=lambda url: _open(context, registry, url),
        ask=prompt.ask,
        ask_secret=prompt.ask_secret,
        tell=console.hint,
    )
    redaction.keep_secret(stored.pair.secret)
    remark = context.store.remark(registry.name, stored=True)
    stored_pairs.keep_verified(context, registry, stored, asked_at)
    if remark:
        console.warn(remark)
    return [f"Signed in at {registry.name} as {stored.pair.who}: Harbor accepts the CLI secret."]


def _open(context: Context, registry: Registry, url: str) -> None:
    if context.reach.way == "browser" and reaching.open_browser(url):
        console.hint(f"opening Harbor's page at {registry.name}; if none appears, open: {url}")
    else:
        console.hint(f"open Harbor's page in a browser on any device: {url}")
        announce.show_qr_code(url)
