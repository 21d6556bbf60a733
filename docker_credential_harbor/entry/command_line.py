"""The argument parser of the commands for people; imports only the command that was asked for."""

from __future__ import annotations

import argparse
import textwrap
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Protocol

from docker_credential_harbor import __version__, errors
from docker_credential_harbor.entry import manual
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import SupportsWrite

COMMANDS = {
    "setup": "enter a Harbor registry here, and this helper into Docker's configuration, and sign in",
    "login": "sign in now, in a browser or by a code on another device",
    "logout": "sign out, here and at the identity provider",
    "rotate": "replace the CLI secret by a new one",
    "keepalive": "keep the sign-ins alive, now or from now on",
    "doctor": "find out why pulls fail, and what to do about it",
    "status": "show who is signed in where, and whether Harbor accepts it now",
}

CALLED_BY_DOCKER = """\
Docker calls this program with get, store, erase, list or version and talks to
it on standard input and output.
"""

EXAMPLES = f"""\
  {PROGRAM} setup harbor.example.com
  docker pull harbor.example.com/project/image
  {PROGRAM} status
"""


class Command(Protocol):
    """What a file in commands/ offers. ``EXAMPLES`` are arguments, for its help."""

    @property
    def EXAMPLES(self) -> Sequence[str]: ...  # noqa: N802 - a constant of the file

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, arguments: argparse.Namespace) -> int: ...


class Help(argparse.RawDescriptionHelpFormatter):
    """As wide as what is written by hand below the options, whatever the terminal: one width for all commands."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=manual.WIDTH)


class Parser(argparse.ArgumentParser):
    """Tells wrong usage as every other fault is told: in one line."""

    def error(self, message: str) -> NoReturn:
        console.tell(errors.WrongUsage(reason=message, program=self.prog))
        self.exit(errors.EXIT_USAGE)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """What cannot be written is found out at the end; of itself Python before 3.11.4 does not go on to that."""
        with suppress(OSError):
            super()._print_message(message, file)


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser with the arguments of all commands, or with those of one alone: only that one is imported then.

    Man page and completions are made from it. A command's file is the default of `module`.
    """
    top = Parser(
        prog=PROGRAM,
        description="Docker credential helper for Harbor registries that sign people in through OIDC.",
        epilog=f"{CALLED_BY_DOCKER}\nexamples:\n{EXAMPLES}\n{manual.for_help()}",
        formatter_class=Help,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = top.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=textwrap.fill(summary, manual.WIDTH),
            formatter_class=Help,
            allow_abbrev=False,
        )
        if only in (None, name):
            module = _module(name)
            module.add_arguments(command)
            examples = "\n".join(["examples:", *(f"  {PROGRAM} {example}" for example in module.EXAMPLES)])
            command.epilog = "\n\n".join(filter(None, (examples, command.epilog)))
            command.set_defaults(module=module)
    return top


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit status."""
    asked_for = next((word for word in arguments if word in COMMANDS), "")
    namespace = parser(asked_for).parse_args(arguments)
    module: Command = namespace.module
    return module.run(namespace)


def _module(name: str) -> Command:
    # Spelt out, so that PyInstaller finds them.
    if name == "setup":
        from docker_credential_harbor.entry.commands import setup

        return setup
    if name == "login":
        from docker_credential_harbor.entry.commands import login

        return login
    if name == "logout":
        from docker_credential_harbor.entry.commands import logout

        return logout
    if name == "rotate":
        from docker_credential_harbor.entry.commands import rotate

        return rotate
    if name == "keepalive":
        from docker_credential_harbor.entry.commands import keepalive

        return keepalive
    if name == "doctor":
        from docker_credential_harbor.entry.commands import doctor

        return doctor
    from docker_credential_harbor.entry.commands import status

    return status
