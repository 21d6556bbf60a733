"""A registry with all its parts (harbor_place.py), and one person's machine around it: sealed, with a terminal.

What takes several processes (the worker, a real terminal, Docker's streams) is in flows; what they leave behind is not.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.context import Context, open_context
from docker_credential_harbor.person import prompt
from tests.unit.harbor_place import ROBOT, HarborPlace

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from docker_credential_harbor.model import Credentials
    from tests.lab.sealed_home import Home

__all__ = ["NEVER", "ROBOT", "Machine", "put_on_path", "seal"]

NEVER = 'login = "never"'
# What this process keeps of its own surroundings.
KEPT = ("PYTEST", "COV", "HARBOR_LAB", "VIRTUAL_ENV", "SSL_")


def seal(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the home's environment and nothing else, with no program on PATH."""
    for variable in list(os.environ):
        if not variable.startswith(KEPT):
            monkeypatch.delenv(variable)
    for variable, value in home.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PATH", str(home.path / "bin"))


def put_on_path(home: Home, name: str, script: str = "exit 0") -> Path:
    path = home.path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@dataclass
class Machine(HarborPlace):
    """``typed``: what the person answers at the terminal, in that order; None: there is no terminal.

    ``questions``: those that they were asked there.
    """

    home: Home
    typed: list[str] | None = None
    questions: list[str] = field(default_factory=list)

    @property
    def docker_config(self) -> Path:
        return self.home.docker_config / "config.json"

    def seal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """This process is at home there, and its terminal is the test."""
        seal(self.home, monkeypatch)
        monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_CONFIG", str(self.configuration))
        monkeypatch.setattr(prompt, "can_ask", lambda: self.typed is not None)
        monkeypatch.setattr(prompt, "ask", self._answer)
        monkeypatch.setattr(prompt, "ask_secret", self._answer)

    def configure(self, top: str = NEVER, **keys: str) -> None:
        """As of every place; a pull asks nobody, unless ``top`` is another."""
        super().configure(top, **keys)

    def context(self, *, asked: bool = False) -> Context:
        """``asked``: as for a command; else as for a request of Docker's that begins now."""
        return open_context(asked=asked, has_terminal=False, began_at=None if asked else time.time())

    def sign_in(self, **changes: Any) -> Credentials:
        """As after a sign-in that ended well; ``changes``: of what is kept of the tokens."""
        self.walk()
        self.keep_sign_in(self.pair, **changes)
        self.harbor.clear_requests()
        return self.pair

    def _answer(self, question: str) -> str:
        """Ctrl-D once there is nothing more to type."""
        self.questions.append(question)
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)
