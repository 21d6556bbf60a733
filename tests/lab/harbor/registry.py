"""`/v2/`: Harbor's own part of the registry protocol; the rest goes to the registry behind it, or to one in Python.

Source: OCI distribution specification; challenges and answers of /v2/ from tests/recordings/harbor.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.lab.harbor.tokens import SERVICE, granted
from tests.lab.web import forward

if TYPE_CHECKING:
    from tests.lab.harbor.server import StandInHarbor
    from tests.lab.web import Exchange

VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
ENDINGS = ("/manifests/", "/blobs/", "/tags/")


class Registry(Protocol):
    """What keeps the images. Requests arrive with a Bearer token of Harbor's signer, or with none."""

    def serve(self, exchange: Exchange) -> None:
        """Answers one request below /v2/, or challenges it."""


class RegistryBehind:
    """A registry that runs at `url` with token authentication (see docker.py)."""

    def __init__(self, url: str, scheme: str) -> None:
        self._url = url
        self._scheme = scheme

    def serve(self, exchange: Exchange) -> None:
        """Passes the request on; the registry makes its links from Host and from X-Forwarded-Proto."""
        replaced: dict[str, str | None] = {"Cookie": None, "X-Forwarded-Proto": self._scheme}
        if exchange.registry_token:
            replaced["Authorization"] = f"Bearer {exchange.registry_token}"
        forward(exchange, self._url, replaced)


class NoRegistry:
    """Nothing behind Harbor: a good token is told that there is no such repository."""

    def serve(self, exchange: Exchange) -> None:
        """404 for everything."""
        answer = {"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]}
        exchange.answer_json(404, answer, [VERSION])


def repository(path: str) -> str:
    """The repository that a path below /v2/ is about; empty for /v2/ itself and the catalog."""
    rest = path.removeprefix("/v2/")
    for ending in ENDINGS:
        if ending in rest:
            return rest.rpartition(ending)[0] if ending != "/blobs/" else rest.partition(ending)[0]
    return ""


def refuse(exchange: Exchange, challenge: str) -> None:
    """Harbor's 401 on /v2/."""
    errors = [{"code": "UNAUTHORIZED", "message": "unauthorized: unauthorized"}]
    exchange.answer_json(401, {"errors": errors}, [("Www-Authenticate", challenge), VERSION])


def bearer_challenge(harbor: StandInHarbor, exchange: Exchange) -> str:
    """Where to get a token; the realm is Harbor's own host and port."""
    challenge = f'Bearer realm="{harbor.external_url}/service/token",service="{SERVICE}"'
    name = repository(exchange.path)
    if name:
        actions = "pull" if exchange.method in ("GET", "HEAD") else "pull,push"
        challenge += f',scope="repository:{name}:{actions}"'
    return challenge


def serve(harbor: StandInHarbor, exchange: Exchange) -> None:
    """Answers /v2/ and everything below."""
    authorization = exchange.headers.get("Authorization", "")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "basic":
        account = harbor.account_of(exchange)
        if account is None:
            refuse(exchange, 'Basic realm="harbor"')
            return
        access = [granted(account, f"repository:{repository(exchange.path)}:pull,push,delete", harbor.projects)]
        exchange.registry_token = harbor.signer.sign(harbor.name_of(account), access)
    elif scheme.lower() != "bearer" or harbor.signer.access(value) is None:
        refuse(exchange, bearer_challenge(harbor, exchange))
        return
    if exchange.path.rstrip("/") == "/v2":
        exchange.answer_json(200, {}, [VERSION])
    else:
        harbor.registry.serve(exchange)
