"""What is mutated, and the tests that must notice: each part by its own, without another process of the product."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "docker_credential_harbor"
TOOL = ROOT / "build" / "mutants-venv" / "bin" / "python"
PAGE = ROOT / "docs" / "mutants.md"


class Part(NamedTuple):
    """``modules`` and ``tests``: patterns below the package and below tests/, the quickest tests first."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def sources(self) -> list[Path]:
        """Their files."""
        return [path for pattern in self.modules for path in sorted((ROOT / PACKAGE).glob(pattern))]


PARTS = {
    "policy": Part(("policy.py",), ("unit/test_policy.py",)),
    "server-urls": Part(("server_url.py",), ("unit/test_server_url.py",)),
    "id-token": Part(("id_token.py",), ("unit/test_id_token_exact.py", "unit/test_id_token.py")),
    "cadence": Part(("cadence.py",), ("unit/test_cadence.py",)),
}
