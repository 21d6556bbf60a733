"""The parser that man page and completions are made from is the one that reads the command line."""

from __future__ import annotations

import subprocess
import sys

from docker_credential_harbor.entry import command_line


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
