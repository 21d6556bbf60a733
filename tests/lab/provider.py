"""The demo's small OpenID provider, where no Keycloak is: one issuer at a free loopback port.

Its endpoints stand in provider_endpoints.py; the tests of the heart have such a one as a realm (embedded_realm.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.app_server import AppServer
from tests.lab.provider_endpoints import ProviderEndpoints
from tests.lab.provider_records import Records

if TYPE_CHECKING:
    from types import TracebackType


class DemoProvider(ProviderEndpoints):
    """A running provider."""

    def __init__(self, people: tuple[str, ...] = ("alice", "bob"), tls: tuple[str, str] | None = None) -> None:
        super().__init__(Records(people))
        self._server = AppServer(self.app, tls)
        self.port = self._server.port
        self.issuer = self._server.url

    def end_sessions(self, username: str) -> None:
        """That person has to sign in anew everywhere; their refresh tokens are refused."""
        self.records.end_sessions(username)

    def down(self) -> None:
        """Refuses connections from now on; the port stays ours."""
        self._server.down()

    def up(self) -> None:
        """Answers again on the same port."""
        self._server.up()

    def close(self) -> None:
        """Ends the server."""
        self._server.close()

    def __enter__(self) -> DemoProvider:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
