"""What builds dev containers as their specification says (npm's @devcontainers/cli), with the lab's engine.

Source: containers.dev, "devcontainer build".
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.processes import PartError

if TYPE_CHECKING:
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
