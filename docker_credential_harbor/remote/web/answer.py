"""What a server answered: a value."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from docker_credential_harbor.errors import BrokenAnswer, ServerFault
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.clean_text import Said


class Answer(NamedTuple):
    """What a server answered, whatever its status. Bodies and headers can hold secrets, so ``repr`` leaves them out."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str
    set_cookies: tuple[str, ...] = ()  # each Set-Cookie as it came (RFC 6265 4.1)

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"

    @property
    def host(self) -> str:
        """The host that answered, with its port where it is not the scheme's own."""
        return host_of(self.url)

    def json_object(self) -> Said:
        """The body as a JSON object. Raises BrokenAnswer when it is anything else."""
        try:
            value = json_value.decoded(self.body)
        except ValueError as fault:
            raise BrokenAnswer(host=self.host, reason=fault) from fault
        if not isinstance(value, dict):
            raise BrokenAnswer(host=self.host, reason="it is not a JSON object")
        return Said(value)

    def raise_for_server_fault(self) -> None:
        """Raises ServerFault for 5xx and 429: the server is there and cannot say anything now."""
        if self.status >= 500 or self.status == 429:
            raise ServerFault(host=self.host, status=self.status)

    def unexpected(self) -> BrokenAnswer:
        """The error for a status that means nothing at this endpoint."""
        return BrokenAnswer(host=self.host, reason=f"unexpected status {self.status}")


def host_of(url: str) -> str:
    """Host and port as they stand in the URL."""
    return urlsplit(url).netloc.rpartition("@")[2]
