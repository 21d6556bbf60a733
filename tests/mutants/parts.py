"""What is mutated, and the tests that must notice: each part by its own, without another process of the product."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = "docker_credential_harbor"
TOOL = ROOT / "build" / "mutants-venv" / "bin" / "python"
PAGE = ROOT / "docs" / "mutants.md"


class Part(NamedTuple):
    """``modules`` and ``tests``: patterns below the package and below tests/, the quickest tests first.

    ``but_for``: words of the tests that are left out, since they need a real keyring or processes of their own.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    but_for: tuple[str, ...] = ()

    def sources(self) -> list[Path]:
        """Their files."""
        return [path for pattern in self.modules for path in sorted((ROOT / PACKAGE).glob(pattern))]


PARTS = {
    "policy": Part(("policy/next_step.py",), ("unit/policy/test_next_step_words.py", "unit/policy/test_next_step.py")),
    "server-urls": Part(("warm_get/server_url.py",), ("unit/warm_get/test_server_url.py",)),
    "id-token": Part(("remote/id_token.py",), ("unit/remote/test_id_token_exact.py", "unit/remote/test_id_token.py")),
    "storage": Part(
        tuple(
            f"storage/{name}.py"
            for name in ("backends/choice", "backends/private_file", "backends/split", "credential_store")
        ),
        tuple(
            f"unit/storage/{name}.py"
            for name in (
                *("backends/test_choice_by_value", "test_credential_store_moves", "test_credential_store"),
                *("backends/test_private_file", "backends/test_split"),
            )
        ),
        but_for=("TestOverKernel", "TestOverSecretService", "several_processes"),
    ),
    "cadence": Part(("policy/keepalive_interval.py",), ("unit/policy/test_keepalive_interval.py",)),
    "client-files": Part(
        tuple(
            f"config/{name}.py"
            for name in (
                *("go_json", "change", "preview", "write_config", "made_files"),
                *("clients/json_text", "clients/json_file", "clients/reading", "clients/cred_helpers"),
                *("clients/creds_store", "clients/docker", "clients/podman", "clients/helm"),
            )
        ),
        tuple(
            f"unit/config/test_{name}.py" for name in ("client_json", "client_changes", "client_files", "write_config")
        ),
    ),
}
