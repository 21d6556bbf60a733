"""Which proxy an https:// address is asked through: the usual variables, read as Docker reads them.

Docker is written in Go: NO_PROXY means what golang.org/x/net/http/httpproxy makes of it, the upper-case variable goes
first, and a SOCKS proxy looks names up itself. ALL_PROXY, which desktops set, comes last; Docker does not know it.
"""

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from docker_credential_harbor.errors import ProxyUnusable
from docker_credential_harbor.warm_get.server_url import is_loopback_host

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
EXEMPTING = ("NO_PROXY", "no_proxy")
SOCKS = "socks5h"  # the h: names are looked up by the proxy
SCHEMES = {"http": "http", "https": "https", "socks5": SOCKS, "socks5h": SOCKS, "socks": SOCKS}
PORTS = {"http": 80, "https": 443, SOCKS: 1080}
HTTPS_PORT = 443
WANTS_PASSWORD = "it wants a user name and password that are right"  # noqa: S105 - words about one
_HOST_AND_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")


class ProxyError(OSError):
    """The proxy, not the host behind it: in words, or with what happened on the way to it as its cause."""


class Proxy(NamedTuple):
    """A proxy. ``url`` has one of the schemes of PORTS, a port, and maybe a password, so ``repr`` leaves it out."""

    url: str
    named_by: str  # an environment variable

    def __repr__(self) -> str:
        return f"Proxy({self.address!r}, {self.named_by!r})"

    @property
    def address(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def proxy_for(url: str) -> Proxy | None:
    """The proxy to ask an https:// URL through. None: it is asked directly, as whatever is on this machine always is.

    Raises ProxyUnusable for a variable that names none.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or HTTPS_PORT
    if is_loopback_host(host):
        return None
    name, value = _first_set(VARIABLES)
    if not value:
        name, value = "the system's settings", _systems_own(host)
    elif is_exempt(host, port, _first_set(EXEMPTING)[1]):
        return None
    return _proxy(value, name, host) if value else None


def _first_set(names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, value) for name in names if (value := os.environ.get(name, "").strip())), ("", ""))


def _systems_own(host: str) -> str:
    """What macOS and Windows are set to where no variable is."""
    if sys.platform == "linux":
        return ""
    from urllib.request import getproxies, proxy_bypass

    return "" if proxy_bypass(host) else getproxies().get("https", "")


def _proxy(value: str, named_by: str, host: str) -> Proxy:
    def unusable(reason: str) -> ProxyUnusable:
        return ProxyUnusable(host=host, variable=named_by, reason=reason)

    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        if "@" in parts.path + parts.query + parts.fragment:  # what counts as the host then is a part of the password
            raise unusable("a /, ? or # in its user name or password must be written as %2F, %3F or %23")
        port = parts.port
    except ValueError as error:
        raise unusable("its host or port is not one") from error
    if parts.scheme not in SCHEMES:
        raise unusable(f"its scheme is none of {', '.join(SCHEMES)}")
    if not parts.hostname or not value.isprintable() or " " in value:
        raise unusable("it names no host")
    scheme = SCHEMES[parts.scheme]
    user, at, _ = parts.netloc.rpartition("@")
    address = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Proxy(f"{scheme}://{user}{at}{address}:{port or PORTS[scheme]}", named_by)


# --- NO_PROXY ---------------------------------------------------------------------------------------------------------


def is_exempt(host: str, port: int, listed: str) -> bool:
    """Whether NO_PROXY's value lists the host: a name with all below it, an address, or a network in CIDR notation.

    ``*.`` or ``.`` before a name leaves the name itself out; name and address may have a port; ``*`` is everything.
    """
    host = _ascii(host.lower())
    entries = [entry for each in listed.lower().split(",") if (entry := each.strip())]
    return "*" in entries or any(_lists(entry, host, str(port)) for entry in entries)


def _lists(entry: str, host: str, port: str) -> bool:
    address = _address(host)
    if (inside := _is_in_network(entry, address)) is not None:
        return inside
    name, wanted_port = entry, ""
    if found := _HOST_AND_PORT.fullmatch(entry):
        name, wanted_port = found[1] or found[2] or "", found[3]
    if not name or wanted_port not in ("", port):
        return False
    if address or _address(name):
        return address == _address(name)
    name = _ascii(name[1:] if name.startswith("*.") else name)
    return host.endswith(name) if name.startswith(".") else f".{host}".endswith(f".{name}")


def _is_in_network(entry: str, address: "IPv4Address | IPv6Address | None") -> bool | None:
    """None: the entry is no network."""
    if not entry.rpartition("/")[2].isdigit() or "/" not in entry:
        return None
    import ipaddress

    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
    return address is not None and address in network


def _address(text: str) -> "IPv4Address | IPv6Address | None":
    """An IPv4 address in IPv6's clothes is an IPv4 address."""
    import ipaddress

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _ascii(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name
