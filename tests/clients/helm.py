"""Helm, whose charts are artifacts in a registry like images."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.clients.go_program import GoProgram
from tests.lab import helm as lab_helm

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat


FOLDER_OF_4 = Path(__file__).parents[2] / "build" / "helm4"


class Helm(GoProgram):
    name = "helm 3"
    artifact = "chart"
    module = lab_helm.INSTALL.split()[2]

    def reference(self, registry: str, project: str) -> str:
        return f"oci://{registry}/{project}/demo-chart"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        for fetched in seat.folder.glob("*.tgz"):
            fetched.unlink()
        return self.run(seat, "pull", reference, "--version", "0.1.0", "--plain-http", **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        chart = lab_helm.Helm(seat.environment).package(seat.folder)
        return self.run(seat, "push", str(chart), reference.rpartition("/")[0], "--plain-http")

    def login(self, seat: Seat, registry: str, username: str, secret: str) -> Done:
        switches = ["-u", username, "--password-stdin", "--plain-http"]
        return self.run(seat, "registry", "login", registry, *switches, stdin=secret)

    def logout(self, seat: Seat, registry: str) -> Done:
        return self.run(seat, "registry", "logout", registry)


class Helm4(Helm):
    """Its program has the name of Helm 3's, so it has a folder of its own."""

    name = "helm 4"
    module = "helm.sh/helm/v4/cmd/helm@v4.3.1"
    quick = False

    @property
    def install(self) -> str:  # type: ignore[override]
        return f"GOBIN={FOLDER_OF_4} go install {self.module}"

    def program(self) -> str | None:
        return shutil.which("helm", path=str(FOLDER_OF_4))
