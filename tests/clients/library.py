"""Libraries that programs ask helpers by: a small program of each prints the pair, and the image is fetched by it."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING

from tests.clients.client import Client, Done
from tests.lab.image_client import ImageClient, PullError

if TYPE_CHECKING:
    from tests.clients.client import Seat


class Library(Client):
    """``call`` runs the small program with a verb and its arguments; `get` prints JSON in its last line."""

    pushes = False

    @abstractmethod
    def call(self, seat: Seat, *arguments: str, stdin: str = "", **environment: str) -> Done:
        """Exit status 0, or what the library said on standard error."""

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        registry, _, rest = reference.partition("/")
        repository, _, tag = rest.rpartition(":")
        asked = self.call(seat, "get", registry, **environment)
        pair = json.loads(asked.shown.splitlines()[-1]) if asked.status == 0 else None
        client = ImageClient(f"http://{registry}", (pair["Username"], pair["Secret"]) if pair else None)
        try:
            client.pull(repository, tag)
        except PullError as refused:
            return Done(1, f"{asked.shown}{refused}\n")
        finally:
            client.close()
        return Done(0, "" if pair else asked.shown)

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        return self.call(seat, "store", registry, username, stdin=f"{secret}\n")

    def logout(self, seat: Seat, registry: str) -> Done:
        return self.call(seat, "erase", registry)
