"""The desk at which clients are tried: what is published, what the helper is asked, and another company's registry.

`setup` was run and nobody is signed in. Published are an image or, for clients of that kind, a chart or a feature, in a
private project and in a public one; at the other registry in a public one.
"""

from __future__ import annotations

import base64
import json
import secrets
import shlex
import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, NamedTuple

from tests.clients.client import Seat
from tests.lab import devcontainer, docker
from tests.lab.helm import Helm
from tests.lab.sealed_home import NAME

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from tests.clients.client import Artifact
    from tests.lab.desk import Desk
    from tests.lab.harbor import StandInHarbor

ROBOT = ("robot$builder", "Builder-Secret-1")
PRIVATE, PUBLIC = "demo", "pub"
# Its standard input is kept apart, and its parent stays whoever called: that is looked at.
RECORDER = """#!/bin/sh
asked=$(cat)
printf '%s %s\\n' "$1" "$asked" >> {log}
exec {program} "$@" <<END
$asked
END
"""


class Asked(NamedTuple):
    """A call of the helper by a client."""

    verb: str
    about: str  # the first line of its standard input


class Place:
    """Use with `with`. ``seat`` is the person's."""

    def __init__(self, desk: Desk, elsewhere: StandInHarbor, folder: Path, artifact: Artifact) -> None:
        self.workplace = desk.workplace
        self.harbor = desk.workplace.harbor
        self.elsewhere = elsewhere
        self._desk = desk
        self._artifact = artifact
        self._folder = folder
        self._log = folder / "asked"
        self._open = ExitStack()
        self.seat = Seat(self.workplace.helper.home.environment, desk.engine, self._short())

    def __enter__(self) -> Self:
        self.elsewhere.add_project(PUBLIC, public=True)
        other = self._open.enter_context(
            docker.Registry.start(self._made("elsewhere"), self.elsewhere.signer, self.elsewhere.external_url)
        )
        self.elsewhere.set_registry(other.url)
        for harbor, project in ((self.harbor, PRIVATE), (self.harbor, PUBLIC), (self.elsewhere, PUBLIC)):
            self._publish(harbor, project)
        self._desk.set_up()
        self._record()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def asked(self) -> list[Asked]:
        """What clients have asked the helper since the last time."""
        if not self._log.exists():
            return []
        lines = self._log.read_text().splitlines()
        self._log.unlink()
        calls = [line.partition(" ") for line in lines if line.startswith(("get ", "store ", "erase ", "list "))]
        return [Asked(verb, about) for verb, _, about in calls]

    def called(self, about: str) -> str:
        """What a client asked about, by the names that the table has: of the lab's addresses no two are alike."""
        for harbor, name in ((self.harbor, "HARBOR"), (self.elsewhere, "OTHER")):
            about = about.replace(harbor.name, name)
        return about

    def _publish(self, harbor: StandInHarbor, project: str) -> None:
        """As a robot does it, at another machine."""
        harbor.add_robot(*ROBOT)
        pair = base64.b64encode(":".join(ROBOT).encode()).decode()
        config = self._made("builder") / "config.json"
        config.write_text(json.dumps({"auths": {harbor.name: {"auth": pair}}}))
        if self._artifact == "feature":
            devcontainer.publish_feature(self._made(f"{harbor.port}-{project}"), harbor.name, project, ROBOT, "hello")
        elif self._artifact == "chart":
            client = Helm(self.seat.environment, registry_config=config)
            archive = client.package(self._made("chart"))
            client.must("push", str(archive), f"oci://{harbor.name}/{project}", "--plain-http")
        else:
            image = f"{harbor.name}/{project}/hello:1"
            engine = self.seat.engine
            engine.import_image(image)
            pushed = engine.run("push", image, config=config.parent)
            assert pushed.returncode == 0, pushed.stdout + pushed.stderr
            engine.forget_image(image)

    def _record(self) -> None:
        program = self._made("recorder") / NAME
        program.write_text(
            RECORDER.format(log=shlex.quote(str(self._log)), program=shlex.quote(self.workplace.helper.program))
        )
        program.chmod(0o755)
        environment = self.workplace.helper.home.environment
        environment["PATH"] = f"{program.parent}:{environment['PATH']}"

    def _short(self) -> Path:
        """podman wants a path of fewer than 50 characters, buildah one that could be an image's name: no `-_`."""
        place = Path(gettempdir()) / f"client-{secrets.token_hex(4)}"
        place.mkdir(mode=0o700)
        self._open.callback(shutil.rmtree, place)
        return place

    def _made(self, name: str) -> Path:
        place = self._folder / name
        place.mkdir(exist_ok=True)
        return place
