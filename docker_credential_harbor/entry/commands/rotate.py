"""`rotate [REGISTRY]`: another CLI secret, made here and known to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.context import open_context
from docker_credential_harbor.person.prompt import say
from docker_credential_harbor.use_cases import rotate

if TYPE_CHECKING:
    import argparse


EXAMPLES = ("rotate harbor.example.com",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", nargs="?", metavar="REGISTRY", help="as in image names; the only one if left out")


def run(arguments: argparse.Namespace) -> int:
    context = open_context(asked=True)
    registry = context.registry(arguments.registry)
    pair = rotate.rotate(context, registry)
    say(f"{pair.who} has a new CLI secret at {registry.name}, and Harbor accepts it.")
    say("The old one is worth nothing any more. Other machines where you use this helper fetch the new one themselves;")
    say("whatever else used the old one (docker login without the helper, a script, a pipeline) is refused now.")
    return 0
