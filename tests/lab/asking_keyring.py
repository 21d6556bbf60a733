"""A Secret Service that asks for each entry and each program, as KeePassXC does: gnome-keyring has no such setting.

Run as a program with the bus in its environment. It writes a line for each dialog. Nobody ever answers one, or with an
argument somebody says yes, after so many seconds. Source: the Secret Service API (freedesktop.org).
"""

import sys
import time
from typing import Any

from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

ROOT = "/org/freedesktop/secrets"
NOT_SUPPORTED, IS_LOCKED = "org.freedesktop.DBus.Error.NotSupported", "org.freedesktop.Secret.Error.IsLocked"


class AskingKeyring:
    """One collection, open to all; an entry is open to the connection that made it."""

    def __init__(self, answer_seconds: float | None) -> None:
        self.answer_seconds = answer_seconds
        self._asked_for: list[str] = []
        self._entries: dict[str, dict[str, Any]] = {}

    def answer(self, message: Message) -> Message:
        """By the name of the method: those of the three interfaces that are called have different ones."""
        fields = message.header.fields
        path, sender = fields[HeaderFields.path], fields[HeaderFields.sender]
        method = getattr(self, fields[HeaderFields.member].lower(), None)
        if method is None:
            return new_error(message, NOT_SUPPORTED)
        signature, *body = method(path, sender, *message.body)
        if signature.startswith("org."):
            return new_error(message, signature)
        return new_method_return(message, signature, tuple(body))

    def opensession(self, _path: str, _sender: str, algorithm: str, _input: object) -> tuple[Any, ...]:
        return ("vo", ("s", ""), f"{ROOT}/session/1") if algorithm == "plain" else (NOT_SUPPORTED,)

    def readalias(self, *_: object) -> tuple[Any, ...]:
        return "o", f"{ROOT}/aliases/default"

    def get(self, path: str, sender: str, _interface: str, name: str) -> tuple[Any, ...]:
        if name == "Locked":
            return "v", ("b", self._is_locked(path, sender))
        return "v", ("s", "default")

    def searchitems(self, _path: str, _sender: str, wanted: dict[str, str]) -> tuple[Any, ...]:
        return "ao", [path for path, entry in self._entries.items() if wanted.items() <= entry["attributes"].items()]

    def createitem(self, _path: str, sender: str, properties: Any, secret: Any, _replace: bool) -> tuple[Any, ...]:
        attributes = properties["org.freedesktop.Secret.Item.Attributes"][1]
        made = f"{ROOT}/collection/default/{len(self._entries)}"
        same = [item for item, entry in self._entries.items() if entry["attributes"] == attributes]
        item = same[0] if same else made
        self._entries[item] = {"attributes": attributes, "secret": secret, "open_to": {sender}}
        return "oo", item, "/"

    def getsecret(self, path: str, sender: str, _session: str) -> tuple[Any, ...]:
        return (IS_LOCKED,) if self._is_locked(path, sender) else ("(oayays)", self._entries[path]["secret"])

    def unlock(self, _path: str, _sender: str, objects: list[str]) -> tuple[Any, ...]:
        self._asked_for = [path for path in objects if path in self._entries]
        return "aoo", [], f"{ROOT}/prompt/1" if self._asked_for else "/"

    def prompt(self, _path: str, sender: str, _window: str) -> tuple[Any, ...]:
        write("a dialog")
        if self.answer_seconds is not None:
            for path in self._asked_for:
                self._entries[path]["open_to"].add(sender)
        return ("",)

    def completed(self) -> Message:
        """That the dialog was answered with yes."""
        prompt = DBusAddress(f"{ROOT}/prompt/1", interface="org.freedesktop.Secret.Prompt")
        return new_signal(prompt, "Completed", "bv", (False, ("ao", self._asked_for)))

    def _is_locked(self, path: str, sender: str) -> bool:
        return path in self._entries and sender not in self._entries[path]["open_to"]


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    connection = open_dbus_connection("SESSION")
    connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"))
    write("ready")
    keyring = AskingKeyring(float(sys.argv[1]) if sys.argv[1:] else None)
    while True:
        message = connection.receive()
        if message.header.message_type is MessageType.method_call:
            connection.send(keyring.answer(message))
            if message.header.fields[HeaderFields.member] == "Prompt" and keyring.answer_seconds is not None:
                time.sleep(keyring.answer_seconds)
                connection.send(keyring.completed())


if __name__ == "__main__":
    main()
