"""What a person sees while a sign-in is waited for: the address, the time that is left, and a way out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.lab.processes import wait_until
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from tests.lab.workplace import Workplace

COUNT = re.compile(r"docker-credential-harbor: waiting for the browser, (\d):(\d\d) left \(Ctrl-C stops it\)")


def counts(terminal: Terminal) -> list[int]:
    """The seconds that were shown so far."""
    return [int(minutes) * 60 + int(seconds) for minutes, seconds in COUNT.findall(terminal.raw)]


@pytest.fixture
def slow(workplace: Workplace) -> Workplace:
    """Somebody who does not fill in the form."""
    workplace.person.decline = True
    return workplace


@pytest.mark.parametrize("command", [["login"], ["setup", "REGISTRY"]])
def test_a_countdown_under_the_address_and_a_clean_end(slow: Workplace, command: list[str]) -> None:
    words = [word.replace("REGISTRY", slow.harbor.url) for word in command]
    with Terminal([slow.helper.program, *words], {**slow.helper.home.environment, "TERM": "xterm"}) as terminal:
        terminal.wait_for("if none appears, open: http")
        wait_until(lambda: len(set(counts(terminal))) >= 3, "the count to go on")
        assert COUNT.fullmatch(terminal.text.splitlines()[-1]), "one line, whose place the next one takes"
        terminal.enter("\x03")
        assert terminal.wait() == 130
    assert counts(terminal) == sorted(counts(terminal), reverse=True)
    assert counts(terminal)[0] <= 120
    last = terminal.text.splitlines()[-1].removeprefix("^C")  # which the terminal itself shows
    assert (
        last == f"docker-credential-harbor: stopped; to sign in later, run: docker-credential-harbor login {slow.name}"
    )
    assert not COUNT.search(terminal.text), "it is gone"
    assert "Traceback" not in terminal.text
    assert slow.helper.run("status").stdout.startswith(f"{slow.name}: signed-out")


def test_it_makes_room_for_what_follows(workplace: Workplace) -> None:
    command = [workplace.helper.program, "login"]
    with Terminal(command, {**workplace.helper.home.environment, "TERM": "xterm"}) as terminal:
        assert terminal.wait() == 0
    assert counts(terminal)
    assert terminal.text.endswith(f"\nSigned in at {workplace.name} as alice-h.\n")
    assert not COUNT.search(terminal.text)


def test_a_narrow_terminal_is_not_overflown(slow: Workplace) -> None:
    command = [slow.helper.program, "login"]
    environment = {**slow.helper.home.environment, "TERM": "xterm"}
    with Terminal(command, environment, columns=40) as terminal:
        terminal.wait_for("waiting for t")
        terminal.enter("\x03")
        terminal.wait()
    cleared = re.findall(r"\033\[K([^\r\n\033]*)", terminal.raw)
    assert max(len(text.split("^C")[0]) for text in cleared if "waiting" in text) == 39


@pytest.mark.parametrize("dumb", [True, False])
def test_nothing_of_it_elsewhere(workplace: Workplace, dumb: bool) -> None:
    """A terminal that cannot take a line back, and none at all (Docker's pipe)."""
    if dumb:
        environment = {**workplace.helper.home.environment, "TERM": "dumb"}
        with Terminal([workplace.helper.program, "login"], environment) as terminal:
            assert terminal.wait() == 0
        said = terminal.raw
    else:
        said = workplace.helper.run("login").stderr
    assert "opening a browser" in said
    assert "waiting for the browser" not in said
    assert "\033" not in said
