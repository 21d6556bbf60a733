"""What builds dev containers as their specification says (npm's @devcontainers/cli), with the lab's engine.

Source: containers.dev, "devcontainer build".
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.processes import PartError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.docker import DockerEngine

FOLDER = Path(__file__).parent / "devcontainer"
PROGRAM = FOLDER / "node_modules" / "@devcontainers" / "cli" / "devcontainer.js"
HOW_TO_INSTALL = "Node.js 20 or later; npm ci --prefix tests/lab/devcontainer"


def missing() -> str:
    """What it lacks on this machine; empty when nothing."""
    if shutil.which("node") is None:
        return "node"
    return "" if PROGRAM.is_file() else "node_modules"


def build(engine: DockerEngine, workspace: Path, image: str) -> None:
    """The image that the folder's .devcontainer/ describes. What is in between goes there, too. Raises PartError."""
    command = ["node", str(PROGRAM), "build", "--workspace-folder", str(workspace), "--image-name", image]
    environment = {**engine.environment, "HOME": str(workspace), "TMPDIR": str(workspace)}
    done = subprocess.run([*command, "--buildkit", "never"], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise PartError((done.stdout + done.stderr)[-3000:])


def publish_feature(folder: Path, registry: str, namespace: str, pair: tuple[str, str], name: str = "empty") -> str:
    """An empty feature, published there by that user; its name. Plain http is for localhost alone. Raises PartError."""
    made = feature(folder, name)
    who = {"DEVCONTAINERS_OCI_AUTH": "|".join((registry, *pair)), "HOME": str(folder), "TMPDIR": str(folder)}
    where = ["--registry", registry, "--namespace", namespace]
    done = features(["publish", *where, str(made)], {**os.environ, **who})
    if done.returncode:
        raise PartError((done.stdout + done.stderr)[-3000:])
    return f"{registry}/{namespace}/{name}:1.0.0"


def feature(folder: Path, name: str) -> Path:
    """The folder of an empty one, as it is published."""
    place = folder / "src" / name
    place.mkdir(parents=True)
    (place / "devcontainer-feature.json").write_text(json.dumps({"id": name, "version": "1.0.0", "name": name}))
    (place / "install.sh").write_text("#!/bin/sh\n")
    return place.parent


def features(arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`devcontainer features` with these."""
    command = ["node", str(PROGRAM), "features", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
