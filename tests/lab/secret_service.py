"""A real Secret Service: a session bus of its own with gnome-keyring on it, unlocked (or left locked).

Source: freedesktop.org's Secret Service API; the manual pages of dbus-daemon and gnome-keyring-daemon.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal

from tests.lab.processes import PartError, end, wait_for_start, wait_until

SERVICE = "org.freedesktop.secrets"
LOGIN_COLLECTION = "/org/freedesktop/secrets/collection/login"
Part = Literal["keyring", "bus"]


def missing() -> list[str]:
    """The programs of it that are not on this machine."""
    return [name for name in ("dbus-daemon", "dbus-send", "gnome-keyring-daemon") if shutil.which(name) is None]


class SecretService:
    """`environment` is what a process needs to find it, laid over its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        home = folder / "home"
        home.mkdir(parents=True)
        # Sockets have short names; a test's folder may be deep.
        self._runtime = tempfile.TemporaryDirectory(prefix="bus-")
        self._variables = {"HOME": str(home), "XDG_RUNTIME_DIR": self._runtime.name}
        self._log = folder / "secret-service.log"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._bus = self._start_bus()
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": self._address}

    @classmethod
    def start(cls, folder: Path, *, unlocked: bool = True) -> "SecretService":
        """Takes about 0.3 s. Left locked, the bus starts a locked keyring at the first call."""
        service = cls(folder)
        if unlocked:
            try:
                service._start_keyring()
            except BaseException:
                service.close()
                raise
        return service

    def lock(self) -> None:
        """Locks the keyring, as a screen lock may do."""
        method = "org.freedesktop.Secret.Service.Lock"
        self._send(SERVICE, "/org/freedesktop/secrets", method, f"array:objpath:{LOGIN_COLLECTION}")

    def locked(self) -> bool:
        """Whether what is kept cannot be read now; a keyring that was never unlocked has no collection at all."""
        properties = "org.freedesktop.DBus.Properties.Get"
        names = ("string:org.freedesktop.Secret.Collection", "string:Locked")
        return "boolean false" not in self._send(SERVICE, LOGIN_COLLECTION, properties, *names)

    def stop(self, which: Part) -> None:
        """It takes connections and requests, and never answers: until `go_on`."""
        self._signal(which, signal.SIGSTOP)

    def go_on(self, which: Part) -> None:
        """It answers again, what was asked meanwhile too."""
        self._signal(which, signal.SIGCONT)

    def _signal(self, which: Part, number: int) -> None:
        part = self._bus if which == "bus" else self._daemon
        assert part is not None
        part.send_signal(number)

    def close(self) -> None:
        """Ends the keyring and the bus, and with it whatever the bus has started."""
        for part in (self._daemon, self._bus):
            if part is not None:
                part.send_signal(signal.SIGCONT)  # one that stands still does not end
                end(part)
        self._runtime.cleanup()

    def __enter__(self) -> "SecretService":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_bus(self) -> "subprocess.Popen[bytes]":
        address = f"unix:path={self._runtime.name}/bus"
        bus = self._start(["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"])
        self._address = address
        try:
            wait_for_start(bus, (Path(self._runtime.name) / "bus").exists, self._log)
        except PartError:
            self._runtime.cleanup()
            raise
        return bus

    def _start_keyring(self) -> None:
        command = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
        self._daemon = self._start(command, {"DBUS_SESSION_BUS_ADDRESS": self._address})
        if self._daemon.stdin is not None:
            self._daemon.stdin.write(b"keyring-password")
            self._daemon.stdin.close()
        wait_for_start(self._daemon, self._has_owner, self._log)
        wait_until(self._has_login_collection, "the unlocked collection")

    def _has_owner(self) -> bool:
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner")
        return "boolean true" in self._send(*bus, f"string:{SERVICE}")

    def _has_login_collection(self) -> bool:
        method = "org.freedesktop.Secret.Service.ReadAlias"
        return LOGIN_COLLECTION in self._send(SERVICE, "/org/freedesktop/secrets", method, "string:default")

    def _send(self, destination: str, path: str, method: str, *values: str) -> str:
        switches = [f"--bus={self._address}", "--print-reply", f"--dest={destination}"]
        command = ["dbus-send", *switches, path, method, *values]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    def _start(self, command: list[str], more: dict[str, str] | None = None) -> "subprocess.Popen[bytes]":
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            **self._variables,
            **(more or {}),
        }
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
