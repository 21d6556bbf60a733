"""The ``auth.json`` of podman, skopeo and buildah. Source: containers-auth.json(5)."""

from pathlib import Path

IN_HOME = Path(".config", "containers", "auth.json")
