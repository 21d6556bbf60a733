"""pycreds (PyPI: docker-pycreds), by which older docker-py and others ask one helper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients import python_environment
from tests.clients.library import Library

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PROGRAM = """
import json, sys
from dockerpycreds import Store, StoreError
verb, *about = sys.argv[1:]
try:
    answer = getattr(Store("harbor"), verb)(*about, *([input()] if verb == "store" else []))
except StoreError as error:
    sys.exit(str(error))
if verb == "get":
    print(json.dumps(answer))
"""
VERSION = "from importlib.metadata import version; print(version('docker-pycreds'))"


class Pycreds(Library):
    name = "pycreds"
    install = python_environment.INSTALL

    def program(self) -> str | None:
        return python_environment.python()

    def version(self, seat: Seat) -> str:
        return seat.run([self.program() or "", "-c", VERSION]).shown.strip()

    def call(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        return seat.run([self.program() or "", "-c", PROGRAM, *arguments], stdin, **environment)
