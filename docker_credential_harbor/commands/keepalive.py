"""`keepalive`: keep the sign-ins alive: once now, or with `--install` from now on by the system's own scheduler."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from docker_credential_harbor import console, errors, upkeep
from docker_credential_harbor.context import open_context
from docker_credential_harbor.interaction import Reach

if TYPE_CHECKING:
    import argparse

NOBODY = Reach("nobody", "keepalive asks nobody")

EPILOG = """\
It asks Harbor once whether it accepts the pair, by which Harbor refreshes its own sign-in, and refreshes
this program's own tokens when that is due. It opens nothing and asks nobody. Run by a scheduler it prints
nothing while all is well. Exit status 1: a session has ended or something has to be done, as the line on
standard error says. A Harbor or provider that cannot be reached is told once and is no failure.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; all if left out")


def run(arguments: argparse.Namespace) -> int:
    context = replace(open_context(), reach=NOBODY)
    registries = context.registries(arguments.registry)
    if not registries:
        raise errors.NoRegistry()
    status = 0
    for registry in registries:
        done = upkeep.keep_alive(context, registry)
        if not done.problem:
            _tell(f"{registry.name}: {done.nothing or f'kept alive ({done.username})'}")
            continue
        if _has_reader() or not done.is_known:
            console.warn(str(done.problem))
        if not isinstance(done.problem, errors.Unreachable):
            status = errors.EXIT_FAILURE
    return status


def _tell(text: str) -> None:
    if _has_reader():
        print(text)


def _has_reader() -> bool:
    """A scheduler keeps what is printed, or mails it: only a person wants to read that all is well."""
    return sys.stdout is not None and sys.stdout.isatty()
