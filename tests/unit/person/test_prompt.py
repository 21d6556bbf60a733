"""What is said to the person at the terminal, and asked there: a real pseudo-terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from docker_credential_harbor.person import prompt
from tests.lab.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
RED = "\033[31m"


ASKED = "from docker_credential_harbor.person import prompt as t\ntry: print('=', repr({call}), sep='')\n"
ASKED += "except EOFError: print('=EOF')"


def at_a_terminal(call: str, typed: str) -> tuple[str, str]:
    """What is shown at one where a program makes that call and this is typed, and what came of it."""
    command = [sys.executable, "-c", ASKED.format(call=call)]
    with Terminal(command, {**os.environ, "LC_ALL": "C.UTF-8"}) as there:
        there.wait_for("? ")
        there.enter(typed)
        assert there.wait() == 0
        shown, _, result = there.text.rpartition("=")
    return shown, result.strip()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("yesterday\n", False), ("\x04", False)],
)
def test_only_a_yes_agrees(typed: str, answer: bool) -> None:
    shown, result = at_a_terminal("t.agrees('Sure? ')", typed)
    assert "Sure?  [y/N] " in shown
    assert result == repr(answer)


def test_a_line_as_it_was_typed() -> None:
    assert at_a_terminal("t.ask('Name? ')", " ålice \n")[1] == "' ålice '"
    assert at_a_terminal("t.ask('Name? ')", "\x04")[1] == "EOF"


def test_a_secret_does_not_show() -> None:
    shown, result = at_a_terminal("t.ask_secret('Secret? ') == 'S3cret'", "S3cret\n")
    assert result == "True"
    assert "S3cret" not in shown


def test_where_there_is_no_terminal_nobody_agrees() -> None:
    program = [sys.executable, "-c", ASKED.format(call="(t.can_ask(), t.agrees('Sure?'))")]
    done = subprocess.run(program, capture_output=True, text=True, check=True, start_new_session=True)
    assert done.stdout == "=(False, False)\n"


def test_what_is_not_painted_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    prompt.say("a\x1b[31m", prompt.Painted(f"{RED}b"))
    said = capsys.readouterr().out
    assert said.endswith(f"{RED}b\n")
    assert said.count("\x1b") == 1


def test_an_address_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"https://sso.example.com/auth?state={'s' * 3000}"
    prompt.say(address)
    assert capsys.readouterr().out == f"{address}\n"


@pytest.mark.parametrize(
    ("variables", "is_terminal", "painted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_coloured_at_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_terminal: bool, painted: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert prompt.painted("bad", "red") == (f"{RED}bad\033[0m" if painted else "bad")
