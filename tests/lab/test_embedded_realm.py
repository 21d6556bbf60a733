"""The tests of the heart run where nothing is but Python; on a machine with Keycloak `make test` runs them on that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.embedded_realm import EmbeddedProvider

ROOT = Path(__file__).parents[2]
FLOWS = {
    "a sign-in": "test_get.py::TestFirstAndWarm::test_the_first_get_signs_in_and_a_warm_one_asks_nobody",
    "time that passes": "test_keepalive.py::TestHarborEndsByItself::test_ours_is_kept_alive_and_that_is_no_failure",
    "a way through a proxy": "test_killed.py::test_a_command[command0]",
}


@pytest.mark.parametrize("options", [[], ["--provider=embedded"]], ids=["found out", "told"])
def test_with_python_alone(tmp_path: Path, options: list[str]) -> None:
    """No program on the path, and no Keycloak in the home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "KEYCLOAK_ZIP", "PATH", "HARBOR_LAB_RUN")
    }
    chosen = list(FLOWS.values()) if options else [FLOWS["a sign-in"]]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, *(f"tests/flows/{name}" for name in chosen)],
        cwd=ROOT,
        env={**kept, "PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert f"{len(chosen)} passed" in done.stdout, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_what_takes_keycloak_says_so(tmp_path: Path) -> None:
    provider = EmbeddedProvider(tmp_path)
    realm = provider.realm()
    with pytest.raises(NotImplementedError, match="takes a test on Keycloak"):
        realm.make_pairwise("harbor")
    provider.close()
