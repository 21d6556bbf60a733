"""Our own TOML file, as `setup` writes it: comments and order of what is there are kept.

It has been read without a fault before. Every function raises NotReadable, those that change it ConfigurationInvalid.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, Literal

from docker_credential_harbor.config import preview
from docker_credential_harbor.config.file_change import Change
from docker_credential_harbor.errors import ConfigurationInvalid
from docker_credential_harbor.system import files
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomlkit import TOMLDocument
    from tomlkit.container import Container
    from tomlkit.items import AbstractTable

    Client = Literal["as it is", "ours", "none"]

WITHOUT_CLIENT = "the identity provider does not take ours: without one"  # the comment that marks setup's own line


def entered(
    path: Path, name: str, given: Mapping[str, Any], *, client: Client = "as it is", for_everybody: bool = False
) -> Change:
    """With a registry, and the keys that are given for it. A new file is for this user alone, or for everybody to read.

    ``client`` "none": the provider does not take ours; "ours": it does again, and what "none" wrote goes.
    """
    import tomlkit

    before = files.read_bytes(path)
    document = tomlkit.parse(_text(before))
    registries = document.setdefault("registries", tomlkit.table(is_super_table=True))
    is_inline = isinstance(registries, tomlkit.items.InlineTable)
    key = _key(registries, name)
    table = registries.setdefault(key or name, tomlkit.inline_table() if is_inline else tomlkit.table())
    for member, value in given.items():
        table[member] = str(value)
    if client == "none":
        none = tomlkit.item("")
        table.add("client_id", none if is_inline else none.comment(WITHOUT_CLIENT))
    elif client == "ours" and _is_without_client(table):
        del table["client_id"]
    modes = (files.OPEN_FILE, files.OPEN_FOLDER) if for_everybody else (files.PRIVATE_FILE, files.PRIVATE_FOLDER)
    what = f"{name} {'changed in' if key else 'entered into'} {path}"
    ours = ("", *map(str, given.values()))
    return Change(path, before, _written(path, document, before), what, *modes, preview.of_toml, ours)


def taken_out(path: Path, name: str) -> Change:
    """Without the registry, and what was set for it."""
    import tomlkit

    before = files.read_bytes(path)
    document = tomlkit.parse(_text(before))
    registries = document.get("registries", {})
    key = _key(registries, name)
    if key is None:
        return Change(path, before, before or b"", f"{name} is not in {path}")
    del registries[key]
    if not registries:
        del document["registries"]
    after = _written(path, document, before)
    return Change(path, before, after, f"{name} taken out of {path}", says=preview.of_toml)


def is_without_client(path: Path, name: str) -> bool:
    """Whether `setup` found out before that the provider does not take our client."""
    import tomlkit

    registries = tomlkit.parse(_text(files.read_bytes(path))).get("registries", {})
    key = _key(registries, name)
    return key is not None and _is_without_client(registries[key])


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8-sig")


def _written(path: Path, document: TOMLDocument, before: bytes | None) -> bytes:
    """With the byte-order mark that was there.

    Where it says the same when it is read again: a table after keys with dots in them would swallow what follows.
    """
    import tomlkit

    text = tomlkit.dumps(document)
    if tomlkit.parse(text).unwrap() != document.unwrap():
        raise ConfigurationInvalid(place=path, reason="its tables stand so that setup cannot change it")
    return text.encode("utf-8-sig" if (before or b"").startswith(codecs.BOM_UTF8) else "utf-8")


def _is_without_client(table: AbstractTable) -> bool:
    from tomlkit.items import Item

    value = table.get("client_id")
    return isinstance(value, Item) and value.unwrap() == "" and WITHOUT_CLIENT in value.trivia.comment


def _key(registries: AbstractTable | Container, name: str) -> str | None:
    """As it is spelt in the file: upper case and a default port name the same registry."""
    return next((key for key in registries if server_url.parse(key)[0] == name), None)
