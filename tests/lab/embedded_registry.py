"""A registry in memory behind the stand-in Harbor, good enough for docker to push and pull small images.

Source: OCI distribution specification 1.1 and the distribution project's token authentication. Unlike a real one it
never throws anything away.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import secrets
import tarfile
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.lab.harbor.registry import VERSION, bearer_challenge, refuse

if TYPE_CHECKING:
    from tests.lab.harbor import StandInHarbor
    from tests.lab.web import Exchange

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PATH = re.compile(
    r"/v2/(?P<name>[a-z0-9._/-]+?)/(?P<kind>manifests|blobs/uploads|blobs|tags)(?:/(?P<reference>[\w.:+-]*))?"
)


class EmbeddedRegistry:
    """Plugs into a stand-in: `harbor.set_registry(EmbeddedRegistry(harbor))`."""

    def __init__(self, harbor: StandInHarbor) -> None:
        self._harbor = harbor
        self._lock = threading.Lock()
        self._blobs: dict[tuple[str, str], bytes] = {}
        self._manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._uploads: dict[str, bytearray] = {}

    def add_image(self, repository: str, tag: str, files: dict[str, bytes]) -> str:
        """An image of one layer with these files; its digest."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
        unpacked = archive.getvalue()
        rootfs = {"type": "layers", "diff_ids": [digest_of(unpacked)]}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._described(repository, CONFIG, config),
            "layers": [self._described(repository, LAYER, gzip.compress(unpacked, mtime=0))],
        }
        return self._keep_manifest(repository, tag, MANIFEST, json.dumps(manifest).encode())

    def repositories(self) -> set[str]:
        """Those with at least one image."""
        return {repository for repository, _ in list(self._manifests)}

    def serve(self, exchange: Exchange) -> None:
        """Answers one request below /v2/, or challenges it where its token does not allow it."""
        found = PATH.fullmatch(exchange.path)
        if found is None:
            _fault(exchange, 404, "NAME_UNKNOWN")
            return
        name, kind, reference = found["name"], found["kind"], found["reference"] or ""
        action = "pull" if exchange.method in ("GET", "HEAD") else "push"
        if not self._allowed(exchange, name, action):
            refuse(exchange, bearer_challenge(self._harbor, exchange) + ',error="insufficient_scope"')
            return
        match (kind, exchange.method):
            case ("manifests", "GET" | "HEAD"):
                self._manifest(exchange, name, reference)
            case ("manifests", "PUT"):
                self._put_manifest(exchange, name, reference)
            case ("blobs", "GET" | "HEAD"):
                self._blob(exchange, name, reference)
            case ("blobs/uploads", "POST"):
                self._begin_upload(exchange, name)
            case ("blobs/uploads", "PATCH"):
                self._go_on_with_upload(exchange, name, reference)
            case ("blobs/uploads", "PUT"):
                self._end_upload(exchange, name, reference)
            case ("tags", "GET") if reference == "list":
                kept = [tag for repository, tag in list(self._manifests) if repository == name and ":" not in tag]
                exchange.answer_json(200, {"name": name, "tags": sorted(kept)}, [VERSION])
            case _:
                _fault(exchange, 405, "UNSUPPORTED")

    def _allowed(self, exchange: Exchange, name: str, action: str) -> bool:
        """Whether Harbor's token names this repository and action."""
        token = exchange.registry_token or exchange.headers.get("Authorization", "").partition(" ")[2]
        return any(
            entry.get("type") == "repository" and entry.get("name") == name and action in entry.get("actions", ())
            for entry in self._harbor.signer.access(token) or []
        )

    # --- Manifests ----------------------------------------------------------------------------------------------------

    def _manifest(self, exchange: Exchange, name: str, reference: str) -> None:
        kept = self._manifests.get((name, reference))
        if kept is None:
            _fault(exchange, 404, "MANIFEST_UNKNOWN")
            return
        media_type, content = kept
        exchange.answer(200, content, [("Content-Type", media_type), _digest_header(digest_of(content)), VERSION])

    def _put_manifest(self, exchange: Exchange, name: str, reference: str) -> None:
        content = exchange.body()
        if ":" in reference and reference != digest_of(content):
            _fault(exchange, 400, "DIGEST_INVALID")
            return
        digest = self._keep_manifest(name, reference, exchange.headers.get("Content-Type", MANIFEST), content)
        exchange.answer(201, b"", [("Location", f"/v2/{name}/manifests/{digest}"), _digest_header(digest), VERSION])

    def _keep_manifest(self, name: str, reference: str, media_type: str, content: bytes) -> str:
        digest = digest_of(content)
        self._manifests[name, digest] = self._manifests[name, reference] = (media_type, content)
        return digest

    # --- Blobs --------------------------------------------------------------------------------------------------------

    def _blob(self, exchange: Exchange, name: str, digest: str) -> None:
        content = self._blobs.get((name, digest))
        if content is None:
            _fault(exchange, 404, "BLOB_UNKNOWN")
            return
        kind = ("Content-Type", "application/octet-stream")
        exchange.answer(200, content, [kind, _digest_header(digest), VERSION])

    def _begin_upload(self, exchange: Exchange, name: str) -> None:
        """Mounting from another repository is not offered: 202 tells the client to upload (end-11 of the source)."""
        upload = secrets.token_hex(16)
        self._uploads[upload] = bytearray()
        if exchange.parameter("digest"):
            self._end_upload(exchange, name, upload)
        else:
            self._uploading(exchange, name, upload)

    def _go_on_with_upload(self, exchange: Exchange, name: str, upload: str) -> None:
        if self._append(exchange, upload):
            self._uploading(exchange, name, upload)

    def _end_upload(self, exchange: Exchange, name: str, upload: str) -> None:
        if not self._append(exchange, upload):
            return
        with self._lock:
            content = bytes(self._uploads.pop(upload))
        digest = exchange.parameter("digest")
        if digest != digest_of(content):
            _fault(exchange, 400, "DIGEST_INVALID")
            return
        self._blobs[name, digest] = content
        place = ("Location", f"/v2/{name}/blobs/{quote(digest)}")
        exchange.answer(201, b"", [place, _digest_header(digest), VERSION])

    def _append(self, exchange: Exchange, upload: str) -> bool:
        arrived = exchange.body()
        with self._lock:
            kept = self._uploads.get(upload)
            if kept is not None:
                kept += arrived
        if kept is None:
            _fault(exchange, 404, "BLOB_UPLOAD_UNKNOWN")
        return kept is not None

    def _uploading(self, exchange: Exchange, name: str, upload: str) -> None:
        last = max(0, len(self._uploads[upload]) - 1)
        place = ("Location", f"{self._harbor.external_url}/v2/{name}/blobs/uploads/{upload}")
        exchange.answer(202, b"", [place, ("Range", f"0-{last}"), ("Docker-Upload-UUID", upload), VERSION])

    def _described(self, repository: str, media_type: str, content: bytes) -> dict[str, object]:
        digest = digest_of(content)
        self._blobs[repository, digest] = content
        return {"mediaType": media_type, "size": len(content), "digest": digest}


def digest_of(content: bytes) -> str:
    """A content's name."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _digest_header(digest: str) -> tuple[str, str]:
    return ("Docker-Content-Digest", digest)


def _fault(exchange: Exchange, status: int, code: str) -> None:
    exchange.answer_json(status, {"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}, [VERSION])
