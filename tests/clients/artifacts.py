"""What clients push and build: an image of one random file, as a layer and as an image layout; what builds on another.

Source: OCI image specification.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MEDIA_TYPE = "application/vnd.oci.image"


def layer(folder: Path) -> Path:
    """A tar archive of one file, no two alike."""
    path = folder / "layer.tar"
    content = secrets.token_bytes(1024)
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return path


def layout(folder: Path) -> Path:
    """The folder of an image layout with that one layer, and the tag `1`."""
    place = folder / "layout"
    blobs = place / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def blob(content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"{MEDIA_TYPE}.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    files = blob(layer(folder).read_bytes(), "layer.v1.tar")
    system = {"architecture": "amd64", "os": "linux", "config": {}}
    root = {"type": "layers", "diff_ids": [files["digest"]]}
    config = blob(json.dumps({**system, "rootfs": root}).encode(), "config.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": f"{MEDIA_TYPE}.manifest.v1+json", "config": config, "layers": [files]}
    described = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (place / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (place / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return place


def build_context(folder: Path, reference: str) -> Path:
    """For an image that is made from another one."""
    context = folder / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(f"FROM {reference}\nLABEL made=here\n")
    return context
