"""A real Helm 3, pushing and pulling charts as OCI artifacts; it asks the helper through `credHelpers`.

Source: helm.sh/docs/topics/registries. From the Go module proxy: `go install helm.sh/helm/v3/cmd/helm@v3.19.0`.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab import go_programs

INSTALL = "go install helm.sh/helm/v3/cmd/helm@v3.19.0"


def program() -> str | None:
    """Helm on PATH, or where Go installs programs; None when there is none."""
    return go_programs.on_path("helm")


class Helm:
    """Helm in the environment of a sealed home."""

    def __init__(self, environment: Mapping[str, str], registry_config: Path | None = None) -> None:
        """`registry_config`: Helm's own file instead of Docker's config.json."""
        self._environment = environment
        self._switches = ["--registry-config", str(registry_config)] if registry_config else []

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Helm with these arguments, whatever comes of it."""
        found = program()
        assert found
        command = [found, *arguments, *self._switches]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )

    def must(self, *arguments: str) -> str:
        """What it printed to standard error; it must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    def package(self, folder: Path, version: str = "0.1.0") -> Path:
        """The archive of a chart named demo-chart, made by Helm."""
        chart = folder / "demo-chart"
        chart.mkdir(exist_ok=True)
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: demo-chart\nversion: {version}\n")
        self.must("package", str(chart), "--destination", str(folder))
        return folder / f"demo-chart-{version}.tgz"
