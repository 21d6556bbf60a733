"""So many connections at once, and those that say nothing give way."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from urllib.parse import urlsplit

from docker_credential_harbor.sign_in.loopback.connections import Connections
from tests.unit.browser_place import HARBOR, Place, query


def test_hundreds_of_idle_connections_do_not_keep_the_callback_out(place: Place) -> None:
    """Of any user: the oldest goes for the next that comes."""

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        with contextlib.ExitStack() as idle:
            for _ in range(300):
                idle.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30))
            place.visit(place.back(url))

    place.sign_in(behave)
    assert place.responses[-1].headers["location"] == HARBOR


def test_nor_do_those_that_come_back_at_once(place: Place) -> None:
    ended = threading.Event()

    def come_back(address: tuple[str, int]) -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError), socket.create_connection(address, timeout=30) as connection:
                connection.recv(1)  # until it is dropped

    def behave(url: str) -> None:
        parts = urlsplit(query(url)["redirect_uri"])
        address = (parts.hostname or "", parts.port or 0)
        strangers = [threading.Thread(target=come_back, args=(address,), daemon=True) for _ in range(64)]
        for stranger in strangers:
            stranger.start()
        try:
            while True:  # as browsers do where a connection ends without an answer
                with contextlib.suppress(OSError, http.client.HTTPException):
                    place.visit(place.back(url))
                    break
        finally:
            ended.set()

    place.sign_in(behave)
    assert place.responses[-1].headers["location"] == HARBOR


def test_where_all_are_being_answered_the_next_one_waits() -> None:
    connections = Connections(2)
    answered, silent, late = (socket.socket() for _ in range(3))
    with answered, silent, late:
        for connection in (answered, silent):
            assert connections.admit(connection)
            assert connections.came_in(connection)
        threading.Timer(0.1, connections.leave, (answered,)).start()
        assert connections.admit(late)
        assert connections.came_in(late)
