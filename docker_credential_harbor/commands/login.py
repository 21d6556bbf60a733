"""`login [REGISTRY]`: sign in now, whether that is needed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import get
from docker_credential_harbor.context import open_context

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; the only one if left out")
    parser.add_argument("--browser", action="store_true", help="in a browser, even where none seems to be")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True, browser=arguments.browser)
    registry = context.registry(arguments.registry)
    pair = get.sign_in(context, registry, browser=arguments.browser)
    stored = context.store.load_stored(f"https://{registry.name}")
    if stored:
        print(f"Signed in at {registry.name}, but the stored pair of {stored.pair.username} goes first there.")
        print(f"To be rid of it: docker logout {registry.name}, then sign in again.")
    else:
        print(f"Signed in at {registry.name} as {pair.username}.")
    return 0
