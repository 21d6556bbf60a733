"""The walk through Harbor's ``/c/oidc/login``, then asking until it shows: the one place that renews Harbor's side.

The person's browser does the walking, on any device, and cannot be seen from here; with a live session at the provider
it needs no click. Whether Harbor has stored a new token shows only in what Harbor answers afterwards.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from docker_credential_harbor.errors import SignInEnded, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FIRST_LOOK_SECONDS = 0.3
LOOK_SECONDS = 0.5


def walk(
    url: str,
    *,
    open_url: Callable[[str], None],
    passes: Callable[[], T | None],
    timeout_seconds: float,
    cancelled: Callable[[], bool],
    registry_name: str,
) -> T | None:
    """Open Harbor's login and wait for what ``passes`` gives; the rest is as in ``wait``."""
    open_url(url)
    return wait(passes=passes, timeout_seconds=timeout_seconds, cancelled=cancelled, registry_name=registry_name)


def wait(
    *,
    passes: Callable[[], T | None],
    timeout_seconds: float,
    cancelled: Callable[[], bool],
    registry_name: str,
) -> T | None:
    """What ``passes`` gives, asked about twice a second; None when it gave nothing until the time was over.

    Raises SignInEnded once ``cancelled``, and the Unreachable of the last attempt when that is how the time ended.
    """
    ends_at = time.monotonic() + timeout_seconds
    unreachable: Unreachable | None = None
    pause_seconds = FIRST_LOOK_SECONDS
    while True:
        if cancelled():
            raise SignInEnded(registry=registry_name)
        left = ends_at - time.monotonic()
        time.sleep(max(0.0, min(pause_seconds, left)))
        pause_seconds = LOOK_SECONDS
        try:
            passed = passes()
            unreachable = None
        except Unreachable as error:  # Harbor may be restarting, or the network changing
            passed, unreachable = None, error
        if passed is not None:
            return passed
        if time.monotonic() >= ends_at:
            break
    if unreachable is not None:
        raise unreachable
    return None
