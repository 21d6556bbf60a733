"""What people had before: Docker's own credential helpers for the Secret Service and for pass, each with one pair; and
kubectl's for OIDC, signed in, its token in a file and good for longer than the run: like a warm `get`, it asks nobody.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from tests.bench.timing import Contestant
from tests.lab import go_programs
from tests.lab.embedded_realm import EmbeddedProvider
from tests.lab.password_store import password_store
from tests.lab.person import CookiePerson
from tests.lab.secret_service import SecretService
from tests.lab.secret_service import missing as missing_for_secret_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = "registry.example.com"
PAIR = {"ServerURL": SERVER, "Username": "alice", "Secret": "a-secret-of-some-length-0123456789"}
SECRET_SERVICE, PASS = "docker-credential-secretservice", "docker-credential-pass"
KUBELOGIN = "kubelogin"
HOW_TO_INSTALL = (
    "apt-get install golang-docker-credential-helpers gnome-keyring dbus pass gnupg; "
    "go install github.com/int128/kubelogin@v1.32.4"
)
NAMES = (f"{SECRET_SERVICE} get", f"{PASS} get", f"{KUBELOGIN} get-token")  # as contestants
A_DAY_SECONDS = 86400


@contextmanager
def peers(folder: Path) -> Iterator[list[Contestant]]:
    """Those that are on this machine, ready to be asked; gone with all their state at the end."""
    with ExitStack() as started:
        found = []
        if shutil.which(SECRET_SERVICE) and not missing_for_secret_service():
            (folder / "bus").mkdir()
            bus = started.enter_context(SecretService.start(folder / "bus"))
            found.append(_with_a_pair(SECRET_SERVICE, {**os.environ, **bus.environment}))
        if all(shutil.which(program) for program in (PASS, "pass", "gpg")):
            found.append(_with_a_pair(PASS, started.enter_context(password_store(folder))))
        if program := go_programs.on_path(KUBELOGIN):
            (folder / KUBELOGIN).mkdir()
            found.append(_signed_in(program, folder / KUBELOGIN))
        yield found


def _with_a_pair(program: str, environment: dict[str, str]) -> Contestant:
    subprocess.run([program, "store"], env=environment, input=json.dumps(PAIR).encode(), check=True)
    return Contestant(f"{program} get", [program, "get"], environment, SERVER.encode())


def _signed_in(program: str, folder: Path) -> Contestant:
    provider = EmbeddedProvider(folder)
    realm = provider.realm(access_token_lifespan=A_DAY_SECONDS)
    realm.add_public_client(KUBELOGIN, "")
    command = [program, "get-token", "--oidc-issuer-url", realm.issuer, "--oidc-client-id", KUBELOGIN]
    command += ["--token-cache-dir", str(folder), "--listen-address", "127.0.0.1:0"]
    command += ["--oidc-redirect-url-hostname", "127.0.0.1"]
    with closing(provider), CookiePerson() as person:
        subprocess.run([*command, "--browser-command", person.browser_command], capture_output=True, check=True)
    return Contestant(f"{KUBELOGIN} get-token", command, dict(os.environ))
