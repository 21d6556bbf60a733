"""`login [REGISTRY]`: sign in now, whether that is needed or not; without a client, by the CLI secret pasted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.context import open_context
from docker_credential_harbor.person.prompt import say
from docker_credential_harbor.sign_in import window
from docker_credential_harbor.use_cases import login

if TYPE_CHECKING:
    import argparse

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
    for line in login.sign_in(context, context.registry(arguments.registry), asked_by):
        say(line)
    return 0


def _asked_by(arguments: argparse.Namespace) -> window.AskedBy:
    if arguments.browser:
        return "login --browser"
    return "login --device" if arguments.device else "login"
