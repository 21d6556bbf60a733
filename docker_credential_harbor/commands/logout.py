"""`logout [REGISTRY]`: forget everybody at the registry, and revoke the sign-in at the identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import sign_out
from docker_credential_harbor.context import open_context

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; the only one if left out")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True)
    registry = context.registry(arguments.registry)
    if sign_out.sign_out(context, registry):
        print(f"Signed out of {registry.name}.")
    else:
        print(f"Nobody was signed in at {registry.name}.")
    return 0
