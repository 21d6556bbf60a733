"""Helm's own registry configuration, which goes before Docker's.

Where nothing is said of credentials in it, or there is none, Helm asks the system's own store (native_store.py) before
it looks into Docker's, and fails for every chart where that store does not work, public ones too.
Source: `helm env` (HELM_REGISTRY_CONFIG, HELM_CONFIG_HOME), Helm's documentation of its folders, and its registry
client (NewStoreWithFallbacks: an error of the first store is the end).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import native_store
from docker_credential_harbor.system import folders

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_HOME = Path(".config", "helm", "registry", "config.json")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The file that the helm command reads before Docker's."""
    named = environ.get("HELM_REGISTRY_CONFIG")
    return Path(named) if named else _folder(environ) / "registry" / "config.json"


def asks_another_first() -> bool:
    """Whether there is a Helm that would ask the system's own store before it looks into Docker's file."""
    return bool(shutil.which("helm") and native_store.found())


def _folder(environ: Mapping[str, str]) -> Path:
    if environ.get("HELM_CONFIG_HOME"):
        return Path(environ["HELM_CONFIG_HOME"])
    if environ.get("XDG_CONFIG_HOME"):
        return Path(environ["XDG_CONFIG_HOME"], "helm")
    if sys.platform == "darwin":
        return folders.home() / "Library" / "Preferences" / "helm"
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or folders.home() / "AppData" / "Roaming") / "helm"
    return folders.home() / ".config" / "helm"
