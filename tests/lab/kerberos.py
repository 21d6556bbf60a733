"""A real MIT KDC for one realm, CORP.TEST: on loopback, in a folder of its own.

Source: kdb5_util(8), kadmin.local(8), krb5kdc(8), krb5.conf(5), kdc.conf(5).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

from docker_credential_harbor.system import gssapi
from tests.lab.keycloak import free_port
from tests.lab.processes import end, wait_for_start

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

REALM = "CORP.TEST"
SERVICES = ("HTTP/localhost", "HTTP/127.0.0.1")


def _tool(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def missing() -> list[str]:
    """The programs that are not there."""
    return [name for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit") if not _tool(name)]


def has_library() -> bool:
    """Whether the library that the helper uses is there."""
    try:
        ctypes.CDLL(gssapi.LIBRARY)
    except OSError:
        return False
    return True


class Kdc:
    """From the start to the end of a `with`. `environment` goes over that of whoever has a ticket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.keytab = folder / "http.keytab"
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder / 'tickets'}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Kdc:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "of-the-lab")
        for principal in SERVICES:
            self._admin(f"addprinc -randkey {principal}")
            self._admin(f"ktadd -k {self.keytab} {principal}")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """To stop and continue it, so that it is silent."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Starts the KDC and waits until it answers."""
        log = self.folder / "krb5kdc.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(_tool("krb5kdc")), "-n"],
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_for_start(self._process, self._listens, log)

    def stop(self) -> None:
        """Ends the KDC."""
        if self._process:
            end(self._process)
            self._process = None

    def add_person(self, name: str) -> None:
        """A principal whose key lies in a keytab, so that nobody types a password."""
        self._admin(f"addprinc -randkey {name}")
        self._admin(f"ktadd -k {self._keytab_of(name)} {name}")

    def change_service_keys(self) -> None:
        """New keys that the keytab does not have: whoever reads it cannot read tokens made from now on."""
        for principal in SERVICES:
            self._admin(f"change_password -randkey {principal}")

    def sign_in(self, name: str, life: str | None = None) -> None:
        """kinit: that person's ticket is in the cache that `environment` names."""
        self._run("kinit", *(["-l", life] if life else []), "-k", "-t", str(self._keytab_of(name)), f"{name}@{REALM}")

    def sign_out(self) -> None:
        """No ticket any more."""
        (self.folder / "tickets").unlink(missing_ok=True)

    def _keytab_of(self, name: str) -> Path:
        return self.folder / f"{name}.keytab"

    def _write_configuration(self) -> None:
        (self.folder / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n"
            " dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
        )
        (self.folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {self.folder}/principal\n"
            f"  key_stash_file = {self.folder}/stash\n  acl_file = {self.folder}/kadm5.acl\n }}\n"
        )

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _environ(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LANG": "C", **self.environment}

    def _admin(self, query: str) -> None:
        self._run("kadmin.local", "-r", REALM, "-q", query)

    def _run(self, tool: str, *arguments: str) -> None:
        subprocess.run(
            [str(_tool(tool)), *arguments],
            env=self._environ(),
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
