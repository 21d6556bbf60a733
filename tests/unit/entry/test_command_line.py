"""The parser that man page and completions are made from is the one that reads the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from docker_credential_harbor.entry import command_line, manual


def test_the_whole_parser_knows_every_commands_arguments() -> None:
    for command in ("login", "logout", "keepalive", "status"):
        assert command_line.parser().parse_args([command, "harbor.example.com"]).registry == "harbor.example.com"
    assert command_line.parser().parse_args(["login", "--device"]).device


def test_only_the_command_that_was_asked_for_is_imported() -> None:
    script = (
        "import sys; from docker_credential_harbor.entry import command_line as cli; cli.parser('logout');"
        "print(*sorted(name for name in sys.modules if name.startswith('docker_credential_harbor.entry.commands.')))"
    )
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert imported.stdout.split() == ["docker_credential_harbor.entry.commands.logout"]


def help_of(*command: str, columns: int) -> str:
    arguments = [sys.executable, "-m", "docker_credential_harbor", *command, "--help"]
    environment = {**os.environ, "COLUMNS": str(columns)}
    return subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.parametrize("command", [(), *((name,) for name in command_line.COMMANDS)])
def test_the_help_has_one_width_whatever_the_terminal(command: tuple[str, ...]) -> None:
    narrow, wide = (help_of(*command, columns=columns) for columns in (40, 200))
    assert narrow == wide
    assert [line for line in wide.splitlines() if len(line) > manual.WIDTH] == []


def test_setups_options_stand_by_what_they_are_for() -> None:
    parts = (part.partition(":\n") for part in help_of("setup", columns=80).split("\n\n"))
    options = {title: re.findall("^  (-[^ ,]+)", body, re.MULTILINE) for title, _, body in parts}
    assert {title: names for title, names in options.items() if names} == {
        "options": ["-h"],
        "for you": ["--ca-file", "--no-login", "--credentials-store", "--yes"],
        "for the identity provider's administrator": ["--admin", "--json"],
        "for an image": ["--system"],
        "looking first, and taking it back": ["--dry-run", "--undo"],
    }
