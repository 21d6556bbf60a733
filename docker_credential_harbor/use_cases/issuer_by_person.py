"""A person at the terminal says which identity provider is a registry's, where the registry must not be believed.

`login` and `setup` ask, once: what was said is kept in the notes (the pin) or written into the configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.account.account import locked_account
from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import AnotherIssuer, Failure, FoundOut
from docker_credential_harbor.model import Pin
from docker_credential_harbor.outside.clean_text import in_toml
from docker_credential_harbor.person import prompt
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.remote.web.transport import Transport

T = TypeVar("T")


def taking_another(context: Context, registry: Registry, sign_in: Callable[[], T]) -> T:
    """What ``sign_in`` returns; once more where the registry names another issuer and the person takes that.

    Raises Failure.
    """
    try:
        return sign_in()
    except Failure as failure:
        if failure.note_code != AnotherIssuer.code:
            raise
        take_another(context, registry, failure)
    return sign_in()


def take_another(context: Context, registry: Registry, failure: Failure) -> None:
    """Holds the registry to the issuer that it names now. Raises ``failure`` (AnotherIssuer) for anything but a yes."""
    issuer = _issuer_now(context.transport(registry), registry)
    if not prompt.agrees(f"{failure.message}. Sign in at {issuer} from now on?"):
        todo = f"if that is right, set issuer to it in [registries.{in_toml(registry.name)}]"
        raise FoundOut(failure.note_code, failure.message, todo) from failure
    with locked_account(context, registry) as account:
        # The outcome was of the old one.
        no_outcome = account.notes._replace(outcome_began_at=None, outcome_code=None, outcome_message=None)
        account.notes = no_outcome._replace(pin=Pin(issuer, "", ""))
        account.save_notes()


def confirm(name: str, failure: Failure) -> str | None:
    """Writes the issuer that the registry names into the user's configuration, on a yes; ``failure`` says why.

    What was written, for the person; None: nothing.
    """
    from docker_credential_harbor.config import registry_files
    from docker_credential_harbor.remote.web.transport import Transport

    if not prompt.can_ask():
        return None
    settings = read_config.load()
    registry = settings.registries[name]
    issuer = _issuer_now(Transport(settings.timeout_seconds, registry.ca_file, trace=console.trace), registry)
    risk = f"Whoever runs {registry.name} could use it at every Harbor that takes it"
    if not prompt.agrees(f"{failure.message}. Give {registry.name} your sign-in of {issuer}? {risk}."):
        return None
    with registry_files.setup_lock(name):
        ours, *_ = registry_files.entered(registry_files.of_this_user(undo=False), name, {"issuer": issuer})
        ours.carry_out()
    return ours.what


def _issuer_now(http: Transport, registry: Registry) -> str:
    redirect = harbor.login_redirect(http, registry)
    found, _ = own_tokens.provider_of(http, registry, registry_notes.load(registry.name), redirect)
    return found.issuer
