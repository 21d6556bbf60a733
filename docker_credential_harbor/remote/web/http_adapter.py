"""The adapter of requests as it is used here: our trust store, our way to connect, and SOCKS proxies.

It takes its time to import.
"""

from __future__ import annotations

from functools import partial
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from requests import RequestException
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from docker_credential_harbor.remote.web import connecting, proxies, unreachable

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from docker_credential_harbor.remote.web.trust_store import TrustStore


class SystemTrustAdapter(HTTPAdapter):
    """Leaves the judgement of certificates to our trust store alone: requests would add the bundle of certifi."""

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust
        super().__init__()

    def send(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().send(*arguments, **options)
        except RequestException as error:  # in the handshake: the request has not left
            if unreachable.lacks_authority(error) and self._trust.read_on():
                return super().send(*arguments, **options)
            raise

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._trust.context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - it is requests' own
        conn.cert_reqs = "CERT_REQUIRED"

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(connecting.connect)

    def proxy_manager_for(self, proxy: str, **arguments: Any) -> Any:
        if proxy not in self.proxy_manager:
            if proxy.startswith(proxies.SOCKS):
                from docker_credential_harbor.remote.web import socks5

                manager = self.proxy_manager[proxy] = PoolManager()
                manager.pool_classes_by_scheme = _pools(partial(socks5.connect, proxy))
            else:
                manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._trust.context, **arguments)
                manager.pool_classes_by_scheme = _pools(connecting.connect)
        return self.proxy_manager[proxy]


def _pools(connect: Callable[..., socket.socket]) -> dict[str, Any]:
    """urllib3's pools by scheme, whose connections come about by ``connect(host, port, seconds, options)``."""

    def new_connection(self: HTTPConnection) -> socket.socket:
        return connect(self._dns_host, self.port, self.timeout, self.socket_options or ())

    class Plain(HTTPConnection):
        _new_conn = new_connection

    class Tls(HTTPSConnection):
        _new_conn = new_connection

        def _tunnel(self) -> None:
            try:
                super()._tunnel()
            except (OSError, HTTPException) as error:  # urllib3 itself does not always tell whose it is
                raise proxies.ProxyError from error

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
