"""Docker's server URL to the name of a registry, or refused.

Pure, and ``parse`` without imports: the warm `get` runs through here. Docker, podman, Helm and BuildKit write one
registry as ``h``, ``h:443``, ``https://h``, ``https://h/v2/`` or ``h/project/repo``.
"""

MAXIMUM_LENGTH = 4096
DEFAULT_PORTS = {"": 443, "https": 443, "http": 80}


def parse(server_url: str) -> tuple[str, str]:
    """The registry's name (``host`` or ``host:port``, lower case, without a default port) and the scheme, "" for none.

    The name is "" for another scheme than http and https: such a URL names no registry, and is kept as it stands.
    Raises ValueError with the reason for a URL that is refused.
    """
    if len(server_url) > MAXIMUM_LENGTH or len(server_url.encode("utf-8", "surrogatepass")) > MAXIMUM_LENGTH:
        raise ValueError("it is longer than 4 KiB")
    for character in server_url:
        if character == " " or not character.isprintable():
            raise ValueError("it has white space or control characters in it")
    scheme, mark, rest = server_url.partition("://")
    if not mark:
        scheme, rest = "", server_url
    scheme = scheme.lower()
    authority = rest
    for end in "/?#\\":
        authority = authority.partition(end)[0]
    if "@" in authority:
        raise ValueError("it has user information in it")
    if scheme not in DEFAULT_PORTS:
        return "", scheme
    host, port = _split_port(authority)
    if not host:
        raise ValueError("it names no host")
    if not port:
        return host.lower(), scheme
    digits = port.lstrip("0")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and int(digits) < 65536):
        raise ValueError("its port is not a number from 1 to 65535")
    number = int(digits)
    return (host.lower() if number == DEFAULT_PORTS[scheme] else f"{host.lower()}:{number}"), scheme


def is_loopback_host(host: str | None) -> bool:
    """Whether the host (no port; an IPv6 address with or without brackets) is this machine's own (RFC 8252 7.3)."""
    address = (host or "").strip("[]")
    if ":" not in address and not address[-1:].isdigit():  # a name: no top-level domain ends in a digit
        return host == "localhost"
    import ipaddress  # never in a warm get

    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_loopback(name: str) -> bool:
    """The same for a name as ``parse`` gives it."""
    return is_loopback_host(_split_port(name)[0])


def _split_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):  # an IPv6 literal, RFC 3986 3.2.2
        host, mark, rest = authority.partition("]")
        if not mark or (rest and not rest.startswith(":")):
            raise ValueError("its IPv6 address is not closed")
        return host + mark, rest[1:]
    if authority.count(":") > 1:
        raise ValueError("its IPv6 address needs brackets")
    host, _, port = authority.partition(":")
    return host, port
