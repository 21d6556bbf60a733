"""A registry that is no Harbor, and takes one pair: enough for `docker login`."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.lab.web import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.web import Exchange

USERNAME, SECRET = "me", "a-secret-of-another-registry"
IN_PLAIN_TEXT = base64.b64encode(f"{USERNAME}:{SECRET}".encode()).decode()  # as Docker's file has it


@contextmanager
def other_registry() -> Iterator[str]:
    """Its name, as in image names."""

    def answer(exchange: Exchange) -> None:
        if exchange.headers.get("Authorization") == f"Basic {IN_PLAIN_TEXT}":
            exchange.answer(200, b"{}")
        else:
            exchange.answer(401, headers=[("WWW-Authenticate", 'Basic realm="other"')])

    server = WebServer(answer)
    try:
        yield f"{server.host}:{server.port}"
    finally:
        server.close()
