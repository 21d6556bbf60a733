"""Connections through a SOCKS proxy, which looks names up itself: what is inside a network may be known there alone.

Sources: RFC 1928 (version 5), RFC 1929 (user name and password).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from docker_credential_harbor.remote.web import connecting
from docker_credential_harbor.remote.web.proxies import WANTS_PASSWORD, ProxyError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

VERSION, CONNECT = 5, 1
WITHOUT, WITH_PASSWORD = 0, 2  # methods
IPV4, NAME, IPV6 = 1, 3, 4
ADDRESS_BYTES = {IPV4: 4, IPV6: 16}
REPLIES = {
    1: "it failed to connect",
    2: "it does not allow the connection",
    3: "it has no route to the network",
    4: "it does not reach the host",
    5: "the connection from there was refused",
    6: "it waited too long",
    7: "it does not know how to connect",
    8: "it does not know such addresses",
}


def connect(
    proxy_url: str, host: str, port: int, seconds: float, options: Iterable[connecting.SocketOptions] = ()
) -> socket.socket:
    """A connection through the proxy to host and port; each step may take ``seconds``. Raises ProxyError."""
    proxy = urlsplit(proxy_url)
    assert proxy.hostname
    assert proxy.port
    try:
        connection = connecting.connect(proxy.hostname, proxy.port, seconds, options)
        try:
            _log_in(connection, unquote(proxy.username or ""), unquote(proxy.password or ""))
            _lead(connection, host, port)
        except BaseException:
            connection.close()
            raise
    except ProxyError:
        raise
    except OSError as error:
        raise ProxyError from error
    return connection


def _log_in(connection: socket.socket, username: str, password: str) -> None:
    methods = bytes([WITHOUT, WITH_PASSWORD]) if username else bytes([WITHOUT])
    connection.sendall(bytes([VERSION, len(methods)]) + methods)
    version, method = _read(connection, 2)
    if version != VERSION:
        raise ProxyError("it does not speak SOCKS 5")
    if method == WITH_PASSWORD and username:
        connection.sendall(b"\x01" + _counted(username) + _counted(password))
        if _read(connection, 2)[1]:
            raise ProxyError(WANTS_PASSWORD)
    elif method != WITHOUT:
        raise ProxyError(WANTS_PASSWORD)


def _lead(connection: socket.socket, host: str, port: int) -> None:
    connection.sendall(bytes([VERSION, CONNECT, 0]) + _address(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = _read(connection, 4)
    if reply:
        raise ProxyError(REPLIES.get(reply, f"its reply was {reply}"))
    _read(connection, ADDRESS_BYTES[kind] if kind in ADDRESS_BYTES else _read(connection, 1)[0])
    _read(connection, 2)


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return bytes([NAME]) + _counted(host)
    return bytes([IPV4 if address.version == 4 else IPV6]) + address.packed


def _counted(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise ProxyError("a name or password is longer than SOCKS knows")
    return bytes([len(data)]) + data


def _read(connection: socket.socket, count: int) -> bytes:
    """So many bytes and none more: what comes after them is the host's. Raises ProxyError where there are fewer."""
    data = b""
    while len(data) < count:
        received = connection.recv(count - len(data))
        if not received:
            raise ProxyError("it closed the connection without an answer")
        data += received
    return data
