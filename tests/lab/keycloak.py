"""A real Keycloak as identity provider, started from its distribution's zip, and realms of their own for each test.

Source: Keycloak's server guide (kc.sh start-dev) and its Admin REST API. The zip is org.keycloak:keycloak-quarkus-dist
from Maven, unpacked once per version. Each server has its data in a folder of its own, so several run side by side.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from tests.lab.processes import PartError, end, end_pid, wait_for_start
from tests.lab.realm import Realm, realm_representation

MAVEN_FOLDER = ".m2/repository/org/keycloak/keycloak-quarkus-dist"
ADMIN = "admin"
ADMIN_PASSWORD = "admin-password"
# start-dev makes each page anew, at up to half a second of a processor; the names are those of 26.3 and later.
THEME_CACHES = ("cache-themes=true", "cache-templates=true", "static-max-age=2592000")
# An administrator's password is hashed slowly on purpose, so a token is used for long: less than a session that nobody
# refreshes (30 min).
ADMIN_TOKEN_SECONDS = 1200
ATTEMPTS = 3
REQUEST_SECONDS = 300  # making a realm has been seen to take a minute of a machine with eight others at work
LOWEST_PORT, PORTS_END = 20_000, 32_768


def distribution() -> Path | None:
    """The newest Keycloak zip: KEYCLOAK_ZIP if set, else from the local Maven repository; None when there is none."""
    named = os.environ.get("KEYCLOAK_ZIP")
    if named:
        return Path(named) if Path(named).is_file() else None
    found = sorted(
        (Path.home() / MAVEN_FOLDER).glob("*/keycloak-quarkus-dist-*.zip"), key=lambda path: path.stat().st_mtime
    )
    return found[-1] if found else None


def unpacked(archive: Path, cache: Path) -> Path:
    """The unpacked distribution in `cache`; unpacked beside it and then renamed, so that a broken one is never used."""
    home = cache / archive.stem
    if not home.is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            with zipfile.ZipFile(archive) as contents:
                contents.extractall(beside)
            (top,) = Path(beside).iterdir()
            for script in (top / "bin").glob("*.sh"):
                script.chmod(0o755)  # zipfile loses the run bits
            top.rename(home)
    return home


def cache_folder() -> Path:
    """Where unpacked distributions stay from one test run to the next: a folder of this user's alone."""
    folder = Path(tempfile.gettempdir()) / f"harbor-lab-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PartError(f"{folder} belongs to somebody else")
    return folder


def kcadm() -> Path:
    """Keycloak's own command line for administrators, of the distribution that is unpacked by the first start."""
    archive = distribution()
    assert archive
    return cache_folder() / archive.stem / "bin" / "kcadm.sh"


def free_port() -> int:
    """A port that is free now, for programs that cannot be handed a bound socket.

    It is none of those that systems give to whoever asks for any (ip(7), ip_local_port_range; RFC 6335, 6), so it stays
    free although the tests beside this one open many, until the program is there.
    """
    while True:
        port = LOWEST_PORT + secrets.randbelow(PORTS_END - LOWEST_PORT)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Keycloak:
    """A running server. `close()` ends it; an attached one (another process started it) is left running."""

    def __init__(self, url: str, pid: int, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url
        self.pid = pid
        self._process = process
        self._session = requests.Session()
        self._session.trust_env = False
        self._lock = threading.Lock()
        self._token = ""
        self._token_from = 0.0

    @classmethod
    def start(cls, folder: Path, cache: Path | None = None) -> "Keycloak":
        """Starts a server with its log and data in `folder`: about 15 s; a minute more the first time for a version."""
        archive = distribution()
        if archive is None:
            raise PartError("no Keycloak zip: set KEYCLOAK_ZIP or get org.keycloak:keycloak-quarkus-dist:zip by Maven")
        cache = cache or cache_folder()
        with (cache / "lock").open("w") as lock:
            # A first start builds into the distribution's own folder: one at a time.
            fcntl.flock(lock, fcntl.LOCK_EX)
            home = unpacked(archive, cache)
            prepared = cache / f"{archive.stem}-data"
            if not prepared.is_dir():
                with tempfile.TemporaryDirectory(dir=cache) as beside:
                    cls._launch(home, Path(beside)).close()
                    (Path(beside) / "data").rename(prepared)
            # A database that has its tables and its administrator saves half of the time.
            shutil.copytree(prepared, folder / "data")
            server = cls._launch(home, folder)
        server.admin("PUT", "/admin/realms/master", json={"accessTokenLifespan": ADMIN_TOKEN_SECONDS + REQUEST_SECONDS})
        server.forget_admin_token()
        return server

    @classmethod
    def _launch(cls, home: Path, folder: Path) -> "Keycloak":
        log = folder / "keycloak.log"
        port = free_port()
        address = ["--http-host=127.0.0.1", f"--http-port={port}", "--proxy-headers=xforwarded"]
        themes = [f"--spi-theme--{name}" for name in THEME_CACHES]
        database = f"--db-url=jdbc:h2:file:{folder}/data/keycloak;NON_KEYWORDS=VALUE;DB_CLOSE_ON_EXIT=FALSE"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(home / "bin/kc.sh"), "start-dev", *address, *themes, database],
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        keycloak = cls(f"http://127.0.0.1:{port}", process.pid, process)
        wait_for_start(process, keycloak._answers, log, 180)
        return keycloak

    @classmethod
    def attach(cls, url: str, pid: int) -> "Keycloak":
        """One that another process of the same test run has started."""
        return cls(url, pid)

    def realm(self, **options: Any) -> Realm:
        """Makes a realm with a name of its own; the options are those of `realm_representation`."""
        name = f"lab-{secrets.token_hex(4)}"
        representation = realm_representation(name, **options)
        self.admin("POST", "/admin/realms", json=representation)
        return Realm(self, name, representation)

    def admin(self, method: str, path: str, **arguments: Any) -> Any:
        """An Admin REST request: its JSON, None for an empty answer; requests.HTTPError when it is refused.

        Two changes at once, of two workers, may meet in the server's small database (H2): one of them is undone, and
        answered 500.
        """
        for _ in range(ATTEMPTS):
            headers = {"Authorization": f"Bearer {self._admin_token()}"}
            answer = self._session.request(
                method, self.url + path, headers=headers, timeout=REQUEST_SECONDS, **arguments
            )
            if answer.status_code != 500:
                break
        if not answer.ok:
            raise requests.HTTPError(f"{method} {path}: {answer.status_code} {answer.text}", response=answer)
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Ends the server if it was started here."""
        self._session.close()
        if self._process is not None:
            end(self._process)

    def detach(self) -> None:
        """Leaves the server running for others, who `attach` to it."""
        self._session.close()
        if self._process is not None:
            self._process.returncode = 0  # so that Popen does not warn about a child that nobody waits for
            self._process = None

    def end(self) -> None:
        """Ends the server, whoever started it."""
        end_pid(self.pid)

    def __enter__(self) -> "Keycloak":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answers(self) -> bool:
        try:
            return self._session.get(f"{self.url}/realms/master/.well-known/openid-configuration", timeout=10).ok
        except requests.RequestException:
            return False

    def forget_admin_token(self) -> None:
        """The next request comes with a new one, as the realm has it by then."""
        self._token = ""

    def _admin_token(self) -> str:
        with self._lock:
            if time.monotonic() - self._token_from > ADMIN_TOKEN_SECONDS or not self._token:
                form = {
                    "grant_type": "password",
                    "client_id": "admin-cli",
                    "username": ADMIN,
                    "password": ADMIN_PASSWORD,
                }
                url = f"{self.url}/realms/master/protocol/openid-connect/token"
                answer = self._session.post(url, data=form, timeout=REQUEST_SECONDS)
                answer.raise_for_status()
                self._token, self._token_from = answer.json()["access_token"], time.monotonic()
            return self._token


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        "JAVA_OPTS_APPEND": f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UseG1GC -Djava.io.tmpdir={folder}",
        "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
        "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
