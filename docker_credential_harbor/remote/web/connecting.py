"""TCP connections to hosts some of whose addresses are dead: each has a quarter of a second before the next joins in.

Source: RFC 8305 (happy eyeballs), with the addresses that one getaddrinfo(3) gives.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ATTEMPT_DELAY_SECONDS = 0.25  # RFC 8305 8
UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)  # the last one is Windows'

SocketOptions = tuple[int, int, "int | bytes"]  # of setsockopt(2)


def connect(host: str, port: int, seconds: float, options: Iterable[SocketOptions] = ()) -> socket.socket:
    """A connection to the first of the host's addresses that answers; ``seconds`` is its own time limit, too.

    Raises OSError: socket.gaierror for the name, TimeoutError, or what the last address that failed said.
    """
    ends_at = time.monotonic() + seconds
    waiting = _by_turns(_look_up(host, port))
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    with selectors.DefaultSelector() as under_way:
        try:
            while waiting or under_way.get_map():
                left = ends_at - time.monotonic()
                if left <= 0:
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
                try:
                    if waiting:
                        under_way.register(_begin(waiting.pop(0), options), selectors.EVENT_WRITE)
                    if attempt := _first_ready(under_way, min(left, ATTEMPT_DELAY_SECONDS) if waiting else left):
                        attempt.settimeout(seconds)
                        return attempt
                except OSError as error:  # of one address
                    failure = error
            raise failure
        finally:
            for key in under_way.get_map().values():
                key.fileobj.close()  # type: ignore[union-attr]


def _look_up(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # an empty label, or one that is too long
        raise socket.gaierror(socket.EAI_NONAME, "no host name") from error


def _by_turns(addresses: list[Any]) -> list[Any]:
    """The resolver's order, the two address families by turns (RFC 8305 4)."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    other = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(preferred, other) for address in pair if address]


def _begin(address: Any, options: Iterable[SocketOptions]) -> socket.socket:
    """Raises OSError where the attempt is over at once."""
    family, kind, protocol, _, place = address
    attempt = socket.socket(family, kind, protocol)
    try:
        for option in options:
            attempt.setsockopt(*option)
        attempt.setblocking(False)
        _check(attempt.connect_ex(place))
    except BaseException:
        attempt.close()
        raise
    return attempt


def _first_ready(under_way: selectors.BaseSelector, seconds: float) -> socket.socket | None:
    """The first connection that came about. Raises OSError for the first that did not; None: none did either so far."""
    for key, _ in under_way.select(seconds):
        attempt: Any = key.fileobj
        under_way.unregister(attempt)
        try:
            _check(attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        except OSError:
            attempt.close()
            raise
        return attempt  # type: ignore[no-any-return]
    return None


def _check(code: int) -> None:
    if code not in UNDER_WAY:
        raise OSError(code, os.strerror(code))
