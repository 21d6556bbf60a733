"""Pulls an image as docker does, without docker: challenge, token with a scope, manifest, configuration, layers.

Source: OCI distribution specification; the distribution project's "Token Authentication Specification".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import requests

from tests.lab.embedded_registry import CONFIG, LAYER, MANIFEST, digest_of

TIMEOUT_SECONDS = 30
Pair = tuple[str, str]


class PullError(Exception):
    """The registry refused, or sent something else than the digest says; the text is one line."""


@dataclass(frozen=True)
class Pulled:
    """An image as it arrived; every digest was checked."""

    digest: str
    layers: tuple[bytes, ...]
    steps: tuple[str, ...]


class ImageClient:
    """One pull after the other from one registry, with a pair or as a stranger."""

    def __init__(self, registry_url: str, pair: Pair | None) -> None:
        self._url = registry_url
        self._pair = pair
        self._session = requests.Session()
        self._session.trust_env = False
        self._steps: list[str] = []
        self._token = ""

    def pull(self, repository: str, tag: str) -> Pulled:
        """Raises PullError."""
        self._token = self._fetch_token(repository)
        content = self._fetch(f"/v2/{repository}/manifests/{tag}", MANIFEST)
        manifest: dict[str, Any] = json.loads(content)
        self._fetch_blob(repository, manifest["config"], CONFIG)
        layers = tuple(self._fetch_blob(repository, layer, LAYER) for layer in manifest["layers"])
        return Pulled(digest_of(content), layers, tuple(self._steps))

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()

    def _fetch_token(self, repository: str) -> str:
        challenged = self._get(f"{self._url}/v2/", {})
        challenge = challenged.headers.get("WWW-Authenticate", "")
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if challenged.status_code != 401 or not challenge.startswith("Bearer ") or "realm" not in parameters:
            raise PullError(f"GET /v2/: {challenged.status_code} without a challenge for a token")
        query = {"service": parameters.get("service", ""), "scope": f"repository:{repository}:pull"}
        answer = self._get(parameters["realm"], {}, params=query, auth=self._pair)
        if answer.status_code != 200:
            raise PullError(f"token refused: {answer.status_code}")
        return str(answer.json()["token"])

    def _fetch_blob(self, repository: str, described: dict[str, Any], media_type: str) -> bytes:
        content = self._fetch(f"/v2/{repository}/blobs/{described['digest']}", media_type)
        if digest_of(content) != described["digest"] or len(content) != described["size"]:
            raise PullError(f"{described['digest']} arrived damaged")
        return content

    def _fetch(self, path: str, media_type: str) -> bytes:
        answer = self._get(self._url + path, {"Authorization": f"Bearer {self._token}", "Accept": media_type})
        if answer.status_code != 200:
            raise PullError(f"GET {path}: {answer.status_code}")
        return answer.content

    def _get(self, url: str, headers: dict[str, str], **arguments: Any) -> requests.Response:
        try:
            answer = self._session.get(url, headers=headers, timeout=TIMEOUT_SECONDS, **arguments)
        except requests.RequestException as error:
            raise PullError(f"GET {url}: {type(error).__name__}") from error
        self._steps.append(f"GET {answer.request.path_url.partition('?')[0]}: {answer.status_code}")
        return answer
