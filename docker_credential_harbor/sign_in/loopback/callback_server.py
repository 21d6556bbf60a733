"""The loopback server that the browser starts from and comes back to (RFC 8252 7.3, 8.3).

It starts from a one-time address, since command lines can be read by others: who saw it is too late, or ends the
sign-in. Back comes one callback, the right one, taken once, and whoever waits for it gives the answer to the browser,
too. Everything else that comes in (other pages of the machine's browsers, other users' programs, another state) is
refused and does not end the wait.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from docker_credential_harbor.errors import ConfigurationInvalid, ProcessLimit
from docker_credential_harbor.sign_in.loopback import listening
from docker_credential_harbor.sign_in.loopback.awaited_callback import Awaited
from docker_credential_harbor.warm_get.server_url import is_loopback_host

if TYPE_CHECKING:
    from types import TracebackType

LAST_ANSWER_SECONDS = 3  # for the browser to fetch its last answer, before the server closes


class CallbackServer(Awaited):
    """Listens from the start to the end of a ``with``; the last answers are sent before it closes.

    ``redirect_uri`` is the configured one: its port, if it names one, else any free one. Raises PortBusy.
    """

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or not is_loopback_host(parts.hostname):
            raise ConfigurationInvalid(place="redirect_uri", reason="it must be an http:// loopback address")
        host = parts.hostname or ""
        self._servers = listening.listen(host, parts.port)
        address, port = self._servers[0].server_address[:2]
        name = listening.in_url(host)
        self.redirect_uri = urlunsplit((parts.scheme, f"{name}:{port}", parts.path, parts.query, ""))
        # Against other names that lead to this machine (DNS rebinding).
        hosts = {f"{name}:{port}"} | ({name} if port == 80 else set())
        super().__init__(f"{parts.scheme}://{listening.in_url(str(address))}:{port}", parts.path or "/", hosts)
        for server in self._servers:
            server.owner = self

    def __enter__(self) -> CallbackServer:
        started: list[listening.Server] = []
        try:
            for server in self._servers:
                work = (listening.POLL_SECONDS,)
                threading.Thread(target=server.serve_forever, args=work, name="loopback", daemon=True).start()
                started.append(server)
        except RuntimeError as error:
            self._close(started)
            raise ProcessLimit(program="what takes the browser's answer") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(LAST_ANSWER_SECONDS)
        self._close(self._servers)

    def _close(self, started: list[listening.Server]) -> None:
        for server in started:
            server.shutdown()  # it waits for one that was never started for ever
        for server in self._servers:
            server.server_close()
