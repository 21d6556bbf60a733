"""`login [REGISTRY]`: sign in now, whether that is needed or not; without a client, by the CLI secret pasted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.context import open_context
from docker_credential_harbor.outside.text import in_shell
from docker_credential_harbor.person import reaching, terminal
from docker_credential_harbor.person.terminal import say
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.sign_in import window
from docker_credential_harbor.system import console, redaction
from docker_credential_harbor.use_cases import get, issuer_by_person, stored_pairs

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Credentials, Registry

# What ours is refused for, however often anybody signs in. Whoever runs `login` is there to go on without it.
NO_USE_OF_THE_CLIENT = next_step.OURS_ALONE - {errors.AudienceUnknown.code} | {errors.AudienceMissing.code}


EXAMPLES = (
    "login",
    "login harbor.example.com",
    "login --device     # confirm a code on your phone",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; the only one if left out")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--browser", action="store_true", help="in a browser, even where none seems to be")
    way.add_argument("--device", action="store_true", help="by a code that you confirm in a browser on any device")


def run(arguments: argparse.Namespace) -> int:
    asked_by = _asked_by(arguments)
    context = open_context(asked=True, login=window.login_choice(asked_by))
    sign_in(context, context.registry(arguments.registry), asked_by)
    return 0


def sign_in(context: Context, registry: Registry, asked_by: window.AskedBy = "login") -> None:
    """Signs in whether that is needed or not, and prints who is; at the end Harbor accepts the pair. Raises Failure."""
    if not registry.client_id:
        _without_client(context, registry)
        return

    def with_client() -> Credentials:
        pair = get.sign_in_by_ticket(context, registry) if asked_by == "login" else None
        return pair or get.sign_in(context, registry, asked_by)

    pair = None
    try:
        pair = issuer_by_person.taking_another(context, registry, with_client)
    except errors.Failure as failure:
        if failure.note_code in NO_USE_OF_THE_CLIENT and terminal.can_ask():
            console.tell(errors.FoundOut(failure.note_code, failure.message))  # what it advises is done here
            console.hint("going on without it: your CLI secret is asked for")
            _without_client(context, registry)
            return
        if failure.note_code == errors.ClientUnknown.code:
            todo = "ask its administrator to add them, or run this at a terminal, which goes on with your CLI secret"
            raise errors.FoundOut(failure.note_code, failure.message, todo) from failure
        if failure.note_code != errors.StoredPairRefused.code:
            raise
    if stored_pairs.gives_way(context, registry):
        pair = get.credentials(context, registry)
    stored = context.store.load_stored(f"https://{registry.name}")
    if stored and not pair:
        raise errors.StoredPairGoesFirst(registry=registry.name, username=stored.pair.username)
    if stored:
        say(f"Signed in at {registry.name}, but the stored pair of {stored.pair.who} goes first there.")
        say(f"To be rid of it: docker logout {in_shell(registry.name)}, then sign in again.")
    elif pair:
        say(f"Signed in at {registry.name} as {pair.who}.")


def _asked_by(arguments: argparse.Namespace) -> window.AskedBy:
    if arguments.browser:
        return "login --browser"
    return "login --device" if arguments.device else "login"


def _without_client(context: Context, registry: Registry) -> None:
    from docker_credential_harbor.sign_in import by_pasted_secret

    if not terminal.can_ask():
        raise errors.NoTerminal(registry=registry.name, url=registry.url)
    context.store.check(registry.name, stored=True)  # before a person is asked for what could not be kept
    stored, asked_at = by_pasted_secret.sign_in(
        context.transport(registry),
        registry,
        open_url=lambda url: _open(context, registry, url),
        ask=terminal.ask,
        ask_secret=terminal.ask_secret,
        tell=console.hint,
    )
    redaction.keep_secret(stored.pair.secret)
    remark = context.store.remark(registry.name, stored=True)
    stored_pairs.keep_verified(context, registry, stored, asked_at)
    if remark:
        console.warn(remark)
    say(f"Signed in at {registry.name} as {stored.pair.who}: Harbor accepts the CLI secret.")


def _open(context: Context, registry: Registry, url: str) -> None:
    if context.reach.way == "browser" and reaching.open_browser(url):
        console.hint(f"opening Harbor's page at {registry.name}; if none appears, open: {url}")
    else:
        console.hint(f"open Harbor's page in a browser on any device: {url}")
        window.show_qr_code(url)
