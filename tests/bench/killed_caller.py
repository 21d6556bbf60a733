"""What it costs that a refresh outlives its caller: the same refresh and save in this process and in a forked one.

A provider on loopback that answers at once, so nothing of the cost hides behind the network. Most of it are the pages
that the forked process copies when it first writes to them.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.model import Credentials, Provider, Registry, SignIn, TokenSet
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.storage.credential_store import CredentialStore

HERE, FORKED = "in this process", "in one that outlives it"
WARM_UP_RUNS = 5


class _TokenEndpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"access_token": "a", "expires_in": 300, "refresh_token": os.urandom(300).hex()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


def measure(runs: int) -> dict[str, float]:
    """Milliseconds of one refresh, by where it is made; medians of runs in turns."""
    reading, writing = os.pipe()
    server = os.fork()  # in a process of its own: beside a thread nothing is forked
    if server == 0:
        _serve(writing)
    url = f"http://127.0.0.1:{os.read(reading, 16).decode()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measure(url, CredentialStore("file", Path(folder)), runs)
    finally:
        os.kill(server, 15)
        os.waitpid(server, 0)


def _serve(writing: int) -> None:
    try:
        with HTTPServer(("127.0.0.1", 0), _TokenEndpoint) as provider:
            os.write(writing, str(provider.server_port).encode())
            provider.serve_forever()
    finally:
        os._exit(0)


def _measure(url: str, store: CredentialStore, runs: int) -> dict[str, float]:
    assert threading.active_count() == 1
    provider, registry = Provider(url, f"{url}/auth", f"{url}/token", f"{url}/keys"), Registry("bench", url)
    kept = SignIn(TokenSet(url, "s", "alice", ("h",), "e" * 1500, 1.0, "r" * 600, 300.0), Credentials("a", "b"))
    times: dict[str, list[float]] = {HERE: [], FORKED: []}
    for run in range(WARM_UP_RUNS + runs):
        for name, milliseconds in times.items():
            http = Transport(10)
            http.afresh()  # as in a `get`, which has asked Harbor before
            began = time.perf_counter()
            assert own_tokens.refresh(http, provider, registry, kept, store, outlives_caller=name == HERE)
            if run >= WARM_UP_RUNS:
                milliseconds.append((time.perf_counter() - began) * 1000)
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


if __name__ == "__main__":
    print(measure(200))
