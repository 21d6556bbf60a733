"""The demo's embedded lab: stand-in Harbor, identity provider, registry, person and a sealed home, all on loopback."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.person import reaching
from docker_credential_harbor.warm_get import kernel_keys
from tests.lab.certificates import Authority
from tests.lab.embedded_registry import EmbeddedRegistry
from tests.lab.harbor import StandInHarbor
from tests.lab.page import Page
from tests.lab.person import CookiePerson, Person
from tests.lab.provider import DemoProvider
from tests.lab.sealed_home import NAME, Helper, Home, others_let_be

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

PERSON, HARBOR_NAME = "alice", "alice-h"
REPOSITORY, TAG = "demo/hello", "1"
GREETING = b"Pulled with a CLI secret that nobody had to copy.\n"
# Harbor's usual scopes at a Keycloak whose sessions end with the browser's.
SCOPES = "openid profile email"
LONGEST_CALL_SECONDS = 150
BUILT_IN_LOGIN_SECONDS = 30
# Linux, /proc/keys: serial, flags, usage, timeout, permissions, uid, gid, type, "description: payload's size".
KEY = re.compile(r"[0-9a-f]+ (?P<flags>\S+) .* user +(?P<description>.+): \d+")
GONE_FLAGS = set("RDi")  # revoked, dead, invalidated: only waiting to be collected


class OwnBrowser(Person):
    """The person who looks at the demo, at their own browser: it is opened from here, with their environment."""

    def _walk(self, url: str) -> Page:
        opened = reaching.open_browser(url)
        return Page(url, text="" if opened else "no browser could be opened", status=200 if opened else 0)


@dataclass(frozen=True)
class Call:
    """How a run of the helper ended."""

    status: int
    output: str
    errors: str
    milliseconds: float


class DemoLab:
    """Starts with `with`; at its end nothing is left."""

    def __init__(self, own_browser: bool = False, tls: bool = False) -> None:
        """`tls`: both servers have certificates of an authority of the lab's own, whose file is `ca_file`."""
        with contextlib.ExitStack() as started:
            started.enter_context(others_let_be())
            folder = started.enter_context(tempfile.TemporaryDirectory(prefix="harbor-demo-"))
            self.folder = Path(folder)
            authority = Authority(self.folder) if tls else None
            self.ca_file = authority.ca_file if authority else None
            pair = authority.server() if authority else None
            self.provider = started.enter_context(DemoProvider(tls=pair))
            verify = str(self.ca_file) if self.ca_file else True
            self.harbor = started.enter_context(
                StandInHarbor.start(self.provider.issuer, scopes=SCOPES, tls=pair, verify=verify)
            )
            self.harbor.provider.kept_seconds = 0  # an outage is noticed at once, for the demo's sake
            self.registry = EmbeddedRegistry(self.harbor)
            self._fill_harbor()
            self.person = OwnBrowser(PERSON) if own_browser else self._person()
            started.callback(self.person.close)
            self.home = Home(self.folder / "sealed")
            self.helper = Helper(self.home)
            self._furnish(own_browser)
            started.callback(self._forget)
            self._started = started.pop_all()

    @property
    def name(self) -> str:
        """The registry's, as in image names."""
        return self.harbor.name

    def call(
        self, arguments: str | Sequence[str], payload: str = "", show: Callable[[str], None] | None = None
    ) -> Call:
        """Runs the installed helper; `show` gets each line of its standard error as it comes."""
        began = time.perf_counter()
        process = self.helper.start(arguments)
        assert process.stdin
        assert process.stdout
        assert process.stderr
        lines: list[str] = []
        errors = process.stderr

        def read_errors() -> None:
            for line in errors:
                lines.append(line.decode(errors="replace"))
                if show:
                    show(lines[-1])

        reader = threading.Thread(target=read_errors, daemon=True)
        reader.start()
        limit = threading.Timer(LONGEST_CALL_SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(payload.encode())
            process.stdin.close()
            output = process.stdout.read().decode(errors="replace")
            status = process.wait()
            milliseconds = (time.perf_counter() - began) * 1000
            reader.join()
        finally:
            limit.cancel()
            process.kill()
            process.stdout.close()
        return Call(status, output, "".join(lines), milliseconds)

    def close(self) -> None:
        """Signs out, ends everything and removes the temporary folder."""
        self._started.close()

    def leftovers(self) -> list[str]:
        """What of this demo is still there, for after `close`."""
        keys = [f"kernel key {description}" for description in live_kernel_keys(self.name)]
        processes = [f"process {pid}" for pid in processes_in(self.folder)]
        return [*keys, *processes, *([str(self.folder)] if self.folder.exists() else [])]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _person(self) -> CookiePerson:
        person = CookiePerson(PERSON)
        if self.ca_file:
            person.trust(self.ca_file)
        return person

    def _fill_harbor(self) -> None:
        somebody = self.provider.records.people[PERSON]
        self.harbor.onboard(HARBOR_NAME, f"{PERSON}@example.com", somebody.subject)
        self.harbor.add_project(REPOSITORY.partition("/")[0])
        self.harbor.set_registry(self.registry)
        self.registry.add_image(REPOSITORY, TAG, {"hello.txt": GREETING})

    def _furnish(self, own_browser: bool) -> None:
        environment = self.home.environment
        environment["BROWSER"] = self.person.browser_command
        if not own_browser:
            environment["DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT"] = str(BUILT_IN_LOGIN_SECONDS)
        if sys.platform != "linux":
            # The keyring elsewhere is the person's own, whatever the home.
            environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"

    def _forget(self) -> None:
        """Also where the demo was broken off: kernel keys outlive processes."""
        self.provider.up()
        self.harbor.up()
        with contextlib.suppress(OSError):
            self.call("erase", self.name)
        self.home.end_processes()
        for description in live_kernel_keys(self.name):
            with contextlib.suppress(OSError):
                kernel_keys.remove(description.encode(), kernel_keys.USER)
                kernel_keys.remove(description.encode(), kernel_keys.persistent_keyring())


def processes_in(folder: Path) -> list[str]:
    """The processes whose environment names the folder, where /proc shows that."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


def live_kernel_keys(registry_name: str) -> list[str]:
    """Descriptions of the helper's live kernel keys for one registry."""
    try:
        listed = Path("/proc/keys").read_text(errors="replace").splitlines()
    except OSError:
        return []
    keys = [found for line in listed if (found := KEY.fullmatch(line))]
    mine = re.compile(rf"{NAME}:.*(?<![\w.]){re.escape(registry_name)}(?!\d).*")
    return [
        key["description"] for key in keys if not GONE_FLAGS & set(key["flags"]) and mine.fullmatch(key["description"])
    ]
