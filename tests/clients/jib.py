"""jib, which builds images of Java programs without Docker, here as Maven's plugin."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.clients import maven
from tests.clients.maven import MavenClient

if TYPE_CHECKING:
    from tests.clients.client import Done, Seat

PLAIN_HTTP = ("-Djib.allowInsecureRegistries=true", "-DsendCredentialsOverHttp=true")


class Jib(MavenClient):
    name = "jib (Maven)"
    project = "jib"

    def pull(self, seat: Seat, reference: str, **environment: str) -> Done:
        return self._run(seat, "jib:buildTar", f"-Djib.from.image={reference}", **environment)

    def push(self, seat: Seat, reference: str) -> Done:
        return self._run(seat, "jib:build", "-Djib.from.image=scratch", f"-Djib.to.image={reference}")

    @staticmethod
    def _run(seat: Seat, goal: str, *images: str, **environment: str) -> Done:
        (maven.project(seat, "jib") / "target" / "classes").mkdir(parents=True, exist_ok=True)
        cache = seat.folder / "jib-cache"
        shutil.rmtree(cache, ignore_errors=True)
        caches = (f"-Djib.baseImageCache={cache}", f"-Djib.applicationCache={cache}")
        return maven.run(seat, "jib", goal, *images, *PLAIN_HTTP, *caches, "-Djib.container.mainClass=x", **environment)
