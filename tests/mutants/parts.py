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
        """Their files. Raises RuntimeError where a pattern has none any more."""
        found = {pattern: sorted((ROOT / PACKAGE).glob(pattern)) for pattern in self.modules}
        gone = [pattern for pattern, paths in found.items() if not paths]
        if gone:
            raise RuntimeError(f"there is no {', '.join(gone)}")
        return [path for paths in found.values() for path in paths]


PARTS = {
    "policy": Part(
        tuple(f"policy/{name}.py" for name in ("next_step", "pause_after_decline", "harbor_ends_early")),
        tuple(
            f"unit/policy/test_{name}.py"
            for name in ("next_step_words", "next_step", "pause_after_decline", "harbor_ends_early")
        ),
    ),
    "server-urls": Part(("warm_get/server_url.py",), ("unit/warm_get/test_server_url.py",)),
    "id-token": Part(("remote/id_token.py",), ("unit/remote/test_id_token_exact.py", "unit/remote/test_id_token.py")),
    "storage": Part(
        (
            *(f"storage/backends/{name}.py" for name in ("choice", "private_file", "split")),
            *("storage/codec.py", "outside/json_record.py", "storage/credential_store.py"),
        ),
        (
            *("unit/storage/backends/test_choice_by_value.py", "unit/storage/test_credential_store_moves.py"),
            *("unit/outside/test_json_record.py", "unit/storage/test_codec.py"),
            "unit/storage/test_credential_store.py",
            *("unit/storage/backends/test_private_file.py", "unit/storage/backends/test_split.py"),
        ),
        but_for=("TestOverKernel", "TestOverSecretService", "several_processes"),
    ),
    "cadence": Part(("policy/keepalive_interval.py",), ("unit/policy/test_keepalive_interval.py",)),
    "client-files": Part(
        (
            "config/clients/*.py",
            *(f"config/{name}.py" for name in ("go_json", "file_change", "preview", "write_config", "made_files")),
        ),
        (
            *(f"unit/config/test_{name}.py" for name in ("go_json", "preview")),
            *(f"unit/config/clients/test_{name}.py" for name in ("json_text", "json_file", "docker_reads")),
            *(f"unit/config/clients/test_{name}.py" for name in ("cred_helpers", "creds_store")),
            *(f"unit/config/clients/test_{name}.py" for name in ("docker", "podman", "helm")),
            *(f"unit/config/test_{name}.py" for name in ("file_change", "made_files", "write_config")),
            "unit/config/clients/test_native_store.py",
        ),
    ),
}
