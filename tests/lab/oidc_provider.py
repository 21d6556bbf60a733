"""A second certified identity provider: npm's oidc-provider, run by oidc_provider/server.js on a free loopback port.

It issues an ID token for each client alone, checks redirect URIs as RFC 8252 says, revokes the whole grant at the
second use of a refresh token, and gives offline_access only where a page asked for consent (OIDC Core 11).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import requests

from tests.lab.processes import PartError, end, tail
from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT, PEOPLE, password_of

if TYPE_CHECKING:
    from types import TracebackType

FOLDER = Path(__file__).parent / "oidc_provider"
HOW_TO_INSTALL = "Node.js 20 or later; npm ci --prefix tests/lab/oidc_provider"


def missing() -> str:
    """What it lacks on this machine; empty when nothing."""
    if shutil.which("node") is None:
        return "node"
    return "" if (FOLDER / "node_modules/oidc-provider").is_dir() else "node_modules"


def helper_client(**changes: Any) -> dict[str, Any]:
    """The helper's client as an administrator registers it: public and native, so that any loopback port will do."""
    return {
        "client_id": HELPER_CLIENT,
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        **changes,
    }


def harbor_client(harbor_url: str = "http://127.0.0.1:9") -> dict[str, Any]:
    """Harbor's own client: confidential, with the one redirect URI that it has."""
    return {
        "client_id": HARBOR_CLIENT,
        "client_secret": HARBOR_CLIENT_SECRET,
        "redirect_uris": [f"{harbor_url}/c/oidc/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    }


class OidcProvider:
    """A running provider. It answers the same questions as `tests.lab.realm.Realm`, where a workplace asks them."""

    harbor_secret = HARBOR_CLIENT_SECRET
    clock = None  # the machine's

    def __init__(self, process: subprocess.Popen[str], issuer: str, *, pairwise: bool, log: IO[bytes]) -> None:
        self.issuer = issuer
        self.pid = process.pid
        self._process = process
        self._pairwise = pairwise
        self._log = log
        self._lock = threading.Lock()

    @classmethod
    def start(cls, folder: Path, *, clients: tuple[dict[str, Any], ...] | None = None, **options: Any) -> OidcProvider:
        """Starts one with its log in `folder`; `options` are those at the top of server.js."""
        log = (folder / "oidc-provider.log").open("wb")
        chosen = {
            "people": {name: password_of(name) for name in PEOPLE},
            "clients": (helper_client(), harbor_client()) if clients is None else clients,
            **options,
        }
        process = subprocess.Popen(
            ["node", "server.js", json.dumps(chosen)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            end(process)
            log.close()
            raise PartError(f"oidc-provider did not start: {tail(Path(log.name))}")
        return cls(process, json.loads(line)["issuer"], pairwise=bool(options.get("pairwise")), log=log)

    def subject(self, user: str, client_id: str = HARBOR_CLIENT) -> str:
        """The `sub` by which a client knows somebody."""
        subject = f"id-of-{user}"
        return hashlib.sha256(f"{subject} {client_id}".encode()).hexdigest() if self._pairwise else subject

    def endpoint(self, name: str) -> str:
        """An endpoint's address: `auth`, `token`, …"""
        return f"{self.issuer}/{name}"

    def discovered(self) -> dict[str, Any]:
        """What it says of itself."""
        found: dict[str, Any] = requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=30).json()
        return found

    def register(self, client: dict[str, Any]) -> None:
        """Registers a client, in place of one of that name."""
        self._order(client=client)

    def remove_client(self, client_id: str) -> None:
        """As if it had never been registered."""
        self._order(without=client_id)

    def set_harbor_redirect(self, harbor_url: str) -> None:
        """Harbor's own client may come back there."""
        self.register(harbor_client(harbor_url))

    def end_sessions(self, user: str = "") -> None:
        """At every browser."""
        self._order(forget="Session", of=user)

    def end_grants(self, user: str = "") -> None:
        """Every consent is withdrawn, and every token that hangs on one."""
        self._order(forget="Grant", of=user)

    def close(self) -> None:
        """Ends it; its standard input going away would do so, too."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        end(self._process)
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> OidcProvider:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _order(self, **order: Any) -> None:
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            if not self._process.stdout.readline():
                raise PartError(f"oidc-provider has ended: {tail(Path(self._log.name))}")
