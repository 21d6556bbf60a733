"""What VS Code's Dev Containers does with a container's requests for credentials, without VS Code: both of its sides.

Into the container it writes a helper of its own, `docker-credential-dev-containers-ID`, and names it as `credsStore`.
That one posts its arguments and its standard input as JSON to a socket, whose path is in $REMOTE_CONTAINERS_IPC. On the
computer where VS Code runs, Docker's configuration is looked at and the helper named there called, away from any
terminal. Sources: the extension as it was delivered (0.470) and its issues, by others' notes; the code is not public.
"""

from __future__ import annotations

import http.server
import json
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.lab.sealed_home import NAME, installed_program

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from tests.lab.sealed_home import Home

ID = "dev-containers-5f1b"
SYSTEM_PATH = "/usr/bin:/bin"  # what a program has that no shell has started
NOT_FOUND = "credentials not found in native keychain"
IN_CONTAINER = """#!{python}
import http.client, json, os, socket, sys

where = os.environ.get("REMOTE_CONTAINERS_IPC")
if not where:
    sys.exit(255)
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(where)
request = {{"args": ["docker-credential-helper", *sys.argv[1:]], "stdin": sys.stdin.read()}}
connection.request("POST", "/", json.dumps(request))
answer = json.loads(connection.getresponse().read())
sys.stdout.write(answer["stdout"])
sys.exit(answer["code"])
"""


class Answer(NamedTuple):
    """What a helper ended with. Its standard error nobody has seen."""

    code: int
    stdout: str


class Forwarding:
    """The computer's side, which listens in `folder` from the start to the end of a ``with``.

    Helpers are called with ``environment``, which may be changed: the home's, with a PATH of two folders besides the
    one in which the helper lies, as a package puts it into /usr/bin, and where a desktop's `xdg-open` can be put.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.folder = Path(tempfile.mkdtemp(prefix="ipc-"))  # sockets need shorter paths than tests have
        self.programs, self.in_container = self.folder / "bin", self.folder / "container"
        self.programs.mkdir()
        self.in_container.mkdir()
        (self.programs / NAME).symlink_to(installed_program())
        script = self.in_container / f"docker-credential-{ID}"
        script.write_text(IN_CONTAINER.format(python=Path(sys.executable).resolve()))
        script.chmod(0o755)
        self.environment = {**home.environment, "PATH": f"{self.programs}:{SYSTEM_PATH}"}
        self.environment.pop("BROWSER", None)  # a shell's
        self._server = _Server(str(self.in_container / "socket"), self)

    def open_by(self, opener: str, command: str) -> None:
        """That program is there and opens addresses by ``command``, the last of its arguments being the address."""
        place = self.programs / opener
        place.write_text(f'#!/bin/sh\nfor url; do :; done\nexec {command} "$url"\n')
        place.chmod(0o755)

    def call(self, verb: str, payload: str, *, reads_errors: bool = True) -> Answer:
        """A container's request. `reads_errors`: standard error stays open, though nobody reads it."""
        config = json.loads((self._home.docker_config / "config.json").read_text())
        server = json.loads(payload)["ServerURL"] if verb == "store" else payload.strip()
        helper = config.get("credHelpers", {}).get(server) or config.get("credsStore")
        if not helper:
            return Answer(1, NOT_FOUND)
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [f"docker-credential-{helper}", verb],
            env=self.environment,
            cwd="/",
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            assert process.stderr
            if not reads_errors:
                process.stderr.close()
            process.stdin.write(payload.encode())
            process.stdin.close()
            output = process.stdout.read().decode()
            return Answer(process.wait(), output)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    def __init__(self, place: str, forwarding: Forwarding) -> None:
        super().__init__(place, _Handler)
        self.forwarding = forwarding


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, verb = asked["args"]
        assert kind == "docker-credential-helper"
        answer = json.dumps(self.server.forwarding.call(verb, asked["stdin"])._asdict()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Nothing: it has no address to tell."""
