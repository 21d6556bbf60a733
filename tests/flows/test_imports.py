"""What a `get` that asks Harbor imports, since that is most of its time."""

from __future__ import annotations

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.remote.web.requests_import import PUT_OFF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.sealed_home import Helper

PAIR = {"Username": "alice", "Secret": "A-Secret-0123456789"}
# Of libraries, and of ours: what a person, a first sign-in, a refresh or another store needs.
NEVER = {
    *(set(PUT_OFF) - {"ipaddress"}),  # this Harbor has no name
    *("bz2", "lzma", "ntpath"),
    *("argparse", "ast", "asyncio", "authlib", "charset_normalizer.api", "cryptography", "dataclasses", "http.server"),
    *("inspect", "joserfc", "keyring", "secrets", "segno", "signal", "subprocess", "tomlkit", "truststore"),
    *("urllib3.contrib", "webbrowser"),
    *(
        f"docker_credential_harbor.{name}"
        for name in (
            *("config.write_config", "entry.command_line", "person.prompt", "person.qr_code", "remote.authorization"),
            *("remote.id_token", "remote.identity_provider", "remote.negotiate", "sign_in.announce", "sign_in.worker"),
            *("system.detached", "system.forked", "system.gssapi", "use_cases.login", "use_cases.why_no_pair"),
        )
    ),
}

NOT_FOR_OTHERS = {
    "requests",
    "ssl",
    *(f"docker_credential_harbor.{name}" for name in ("account.account", "sign_in.window")),
}


class _Harbor(BaseHTTPRequestHandler):
    """Takes every pair for a person's."""

    def do_GET(self) -> None:
        is_probe = self.path.startswith("/service/token")
        body = json.dumps({"token": "t"}).encode() if is_probe else b"{}"
        self.send_response(200 if is_probe else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Harbor) as harbor:
        threading.Thread(target=harbor.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{harbor.server_port}"
        harbor.shutdown()


def imported_by_get(helper: Helper, server: str) -> set[str]:
    """The modules, once the pair has been stored."""
    assert helper.run("store", json.dumps({"ServerURL": server, **PAIR})).returncode == 0
    script = helper.home.path / "with-import-times"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -X importtime -m docker_credential_harbor "$@"\n')
    script.chmod(0o755)
    helper.program = str(script)
    answer = helper.get(server, {"DOCKER_CREDENTIAL_HARBOR_CACHE_TTL": "0"})
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["Secret"] == PAIR["Secret"]
    return set(re.findall(r"^import time:.*\| *(\S+)$", answer.stderr, re.MULTILINE))


def test_one_that_probes(helper: Helper, server: str) -> None:
    helper.configure(f'storage = "file"\n[registries."{server}"]\nurl = "http://{server}"\n')
    imported = imported_by_get(helper, server)
    assert "requests" in imported
    assert sorted(imported & NEVER) == []


def test_one_for_a_server_that_is_no_harbor(helper: Helper) -> None:
    """A pull asks for those as well, where the helper is the credsStore."""
    helper.configure('storage = "file"\n')
    imported = imported_by_get(helper, "registry.example.com")
    assert sorted(imported & {*NEVER, *NOT_FOR_OTHERS}) == []
