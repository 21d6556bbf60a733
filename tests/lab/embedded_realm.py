"""A realm at an OpenID provider in this process, with the face of realm.py: for tests that do without Keycloak.

It does what the tests of the heart ask of a realm; whatever else is asked for says that it takes Keycloak.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.lab.app_server import AppServer
from tests.lab.clock import Clock
from tests.lab.provider_endpoints import PATHS, ProviderEndpoints
from tests.lab.provider_records import Client, Records
from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT, PEOPLE, Realm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What Keycloak calls them in its addresses.
ENDPOINTS = {
    "auth": PATHS["authorization_endpoint"],
    "token": PATHS["token_endpoint"],
    "revoke": PATHS["revocation_endpoint"],
    "certs": PATHS["jwks_uri"],
}
# Keycloak's own, for `ssoSessionIdleTimeout`.
SESSION_IDLE_SECONDS = 1800


class EmbeddedProvider:
    """A server with realms, as Keycloak is one. `clock` is theirs, to be handed to all who ask them."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where the clock can be read by other processes."""
        self.clock = Clock(folder)
        self._realms = DispatcherMiddleware(NotFound(), {})
        self._server = AppServer(self._realms)
        self._numbers = itertools.count(1)
        self.url = self._server.url

    def realm(self, **options: Any) -> EmbeddedRealm:
        """A new realm; some of the options of `realm_representation`."""
        made = EmbeddedRealm(self, f"realm-{next(self._numbers)}", **options)
        self._realms.mounts[f"/realms/{made.name}"] = made.served.app
        return made

    def close(self) -> None:
        """Ends the server, and so all realms."""
        self._server.close()


class EmbeddedRealm(Realm):
    """A realm of its own. All its times are seconds."""

    def __init__(
        self,
        provider: EmbeddedProvider,
        name: str,
        *,
        access_token_lifespan: int = 300,
        revoke_refresh_token: bool = False,
        audience_mapper: bool = True,
        people: tuple[str, ...] = PEOPLE,
        harbor_attributes: Mapping[str, str] | None = None,
    ) -> None:
        self.url = provider.url
        self.name = name
        self.people = people
        self.harbor_secret = HARBOR_CLIENT_SECRET
        self.clock = provider.clock
        self._records = Records(
            people,
            token_seconds=access_token_lifespan,
            session_idle_seconds=SESSION_IDLE_SECONDS,
            rotation=revoke_refresh_token,
            clock=provider.clock.now,
        )
        self.served = ProviderEndpoints(self._records)
        if not audience_mapper:
            self._change(HELPER_CLIENT, further_audience=())
        self.update_client(HARBOR_CLIENT, attributes=harbor_attributes or {})

    def endpoint(self, name: str) -> str:
        return self.issuer + ENDPOINTS[name]

    def subject(self, user: str) -> str:
        return self._records.people[user].subject

    def update_client(self, client_id: str, *, attributes: Mapping[str, str], **others: Any) -> None:
        """Of a client's fields the two `attributes` alone that tell what tokens it gets."""
        unknown = {*others, *attributes} - {"access.token.lifespan", "use.refresh.tokens"}
        if unknown:
            self._admin("PUT", f"/clients ({', '.join(unknown)})")
        if life := attributes.get("access.token.lifespan"):
            self._change(client_id, token_seconds=int(life))
        if refreshes := attributes.get("use.refresh.tokens"):
            self._change(client_id, gets_refresh_tokens=refreshes == "true")

    def add_public_client(self, client_id: str, redirect_path: str) -> None:
        """One whose redirect URI is that path at 127.0.0.1, on any port."""
        self._records.clients[client_id] = Client(client_id, "", redirect_path)

    def remove_client(self, client_id: str) -> None:
        del self._records.clients[client_id]

    def sessions(self, user: str) -> list[dict[str, Any]]:
        """Those that a person's browsers began and that live; which clients have tokens of them is not told."""
        live = [session for session in list(self._records.sessions.values()) if self._records.lives(session)]
        return [{"id": session.name} for session in live if session.somebody.username == user]

    def end_sessions(self, user: str | None = None) -> None:
        for person in [user] if user else self.people:
            self._records.end_sessions(person)

    def token_requests(self, client_id: str | None = None, kind: str = "REFRESH_TOKEN") -> int:
        """How many events of a kind there were: of codes, refreshes and revocations."""
        events = list(self._records.events)
        return sum(seen == kind and client_id in (None, client) for client, seen in events)

    def delete(self) -> None:
        """It goes with its provider."""

    def _change(self, client_id: str, **fields: Any) -> None:
        clients = self._records.clients
        clients[client_id] = replace(clients[client_id], **fields)

    def _admin(self, method: str, path: str, **_arguments: Any) -> Any:
        raise NotImplementedError(f"{method} {path}: this takes a test on Keycloak")
