"""`logout [REGISTRY]`: forget everybody at the registry, and revoke the sign-in at the identity provider.

With `--everywhere` the CLI secret is replaced before by one that nobody keeps, so that no other machine can use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.context import open_context
from docker_credential_harbor.errors import EXIT_FAILURE, Failure
from docker_credential_harbor.person.prompt import say
from docker_credential_harbor.system import console
from docker_credential_harbor.use_cases import logout, rotate

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Registry


EXAMPLES = (
    "logout harbor.example.com",
    "logout --everywhere     # the CLI secret, too",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; the only one if left out")
    parser.add_argument("--everywhere", action="store_true", help="also replace the CLI secret that other machines use")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True)
    registry = context.registry(arguments.registry)
    as_asked = not arguments.everywhere or _replace_secret(context, registry)
    if logout.sign_out(context, registry):
        say(f"Signed out of {registry.name}.")
    else:
        say(f"Nobody was signed in at {registry.name}.")
    return 0 if as_asked else EXIT_FAILURE


def _replace_secret(context: Context, registry: Registry) -> bool:
    """Whatever comes of it, signing out here goes on."""
    try:
        rotate.throw_away(context, registry)
    except Failure as failure:
        console.tell(failure, f"the CLI secret at {registry.name} was not replaced: ")
        return False
    say(f"The CLI secret at {registry.name} was replaced by one that nobody keeps.")
    return True
