"""Sign-in without a client at the provider: the person copies the CLI secret from Harbor's user profile, once.

The page is opened through Harbor's own login (``/c/oidc/login``, ``redirect_url`` a local path), so that the token by
which Harbor judges the secret is fresh as well. Nothing is kept that Harbor does not accept.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.errors import NothingEntered, PastedPairRefused
from docker_credential_harbor.model import Credentials, StoredPair
from docker_credential_harbor.remote import harbor

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import Registry
    from docker_credential_harbor.remote.web.transport import Transport

MOST_TRIES = 3


def sign_in(
    http: Transport,
    registry: Registry,
    *,
    open_url: Callable[[str], None],
    ask: Callable[[str], str],
    ask_secret: Callable[[str], str],
    tell: Callable[[str], None],
) -> tuple[StoredPair, float]:
    """The pair that Harbor accepts, and when it was asked (an instant); three tries.

    ``ask`` and ``ask_secret`` raise EOFError where the person gives up. Raises NothingEntered, PastedPairRefused,
    HarborCannotReachProvider, NotOidcMode, Unreachable.
    """
    harbor.login_redirect(http, registry)  # before a person is sent there
    open_url(harbor.profile_url(registry))
    tell("in Harbor's page click your name at the top right, then User Profile: it shows both, and copies the secret")
    for tries_left in reversed(range(MOST_TRIES)):
        pair = _ask(registry, ask, ask_secret)
        asked_at = time.time()
        if harbor.probe(http, registry, pair):
            return StoredPair(pair, harbor.pair_kind(http, registry, pair)), asked_at
        harbor.login_redirect(http, registry)  # else every pair is refused, the right one too
        if tries_left:
            tell("Harbor refuses that user name and CLI secret; copy both once more")
    raise PastedPairRefused(registry=registry.name, url=registry.url)


def _ask(registry: Registry, ask: Callable[[str], str], ask_secret: Callable[[str], str]) -> Credentials:
    try:
        username = ask("Harbor user name: ").strip()
        secret = ask_secret("CLI secret (it does not show): ").strip() if username else ""
    except EOFError as end:
        raise NothingEntered(registry=registry.name) from end
    if not secret:
        raise NothingEntered(registry=registry.name)
    return Credentials(username, secret)
