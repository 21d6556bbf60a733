"""All the files that a registry is entered into together: ours, and those of the clients that are to ask this helper.

For one user, or for every user yet to come: site-wide, and in the folder that new homes are copied from (useradd(8)),
since Docker, podman and Helm have no configuration for all users. Every function that reads raises
ConfigurationInvalid, ClientConfigInvalid or NotReadable for what is broken already.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from docker_credential_harbor.config import file_change, read_config, write_config
from docker_credential_harbor.config.clients import cred_helpers, creds_store, docker, helm, native_store, podman
from docker_credential_harbor.errors import Busy, SiteConfigurationClosed, SystemSetupElsewhere, SystemSetupNeedsRoot
from docker_credential_harbor.model import Registry
from docker_credential_harbor.system import files, folders, leftovers, lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker_credential_harbor.config.file_change import Change
    from docker_credential_harbor.model import Settings

    Given = Mapping[str, Any]  # keys of the registry's table

SKELETON = Path("/etc/skel")
LOCK_SECONDS = 30  # for others to change files, and to move pairs into a keyring


class Files(NamedTuple):
    """What is to be changed, whose, and what it says as a whole now. ``clients``: Docker's first, where it is there."""

    settings: Settings
    ours: Path
    clients: list[Path]
    for_everybody: bool = False


def of_this_user(*, undo: bool) -> Files:
    """podman and Helm read Docker's file, too: their own are changed where they exist, since those go first.

    Helm's is made where Helm would ask the system's own store before it looks into Docker's, and not in whatever folder
    `setup` runs in.
    """
    theirs, helms = docker.config_file(), helm.config_file()
    clients = [theirs] if not undo or files.read_bytes(theirs) is not None else []
    clients += [path for path in podman.config_files() if _is_there(path)]
    if _is_there(helms) or (not undo and helms.is_absolute() and helm.asks_another_first()):
        clients.append(helms)
    return Files(read_config.load(), read_config.user_file(), _each_once(clients))


def _is_there(path: Path) -> bool:
    """One in a folder that is closed to this user (of another's session, after su) is none of theirs."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises PermissionError


def _each_once(paths: list[Path]) -> list[Path]:
    """By their first names: people have podman or Helm read Docker's own file, by a variable or a link."""
    names: dict[str, Path] = {}
    for path in paths:
        names.setdefault(os.path.realpath(path), path)
    return list(names.values())


def of_the_system() -> Files:
    """Raises SystemSetupElsewhere, SystemSetupNeedsRoot, SiteConfigurationClosed."""
    if sys.platform != "linux":
        raise SystemSetupElsewhere()
    if os.geteuid() != 0:
        raise SystemSetupNeedsRoot()
    settings, ours = read_config.load_site(), read_config.site_files()[-1]
    _check_is_open(ours)
    return Files(settings, ours, [SKELETON / client.IN_HOME for client in (docker, podman, helm)], for_everybody=True)


@contextmanager
def setup_lock(name: str) -> Iterator[None]:
    """While no other `setup` of this user reads or changes their files: one would undo the other. Raises Busy.

    Those of the system are changed by whoever builds an image, one command after the other, and get no lock file.
    """
    with lock.hold(folders.user_folder("state") / "setup.lock", LOCK_SECONDS) as locked:
        if not locked:
            raise Busy(what_runs="setup", registry=name)
        _sweep()
        yield


def _sweep() -> None:
    """What those left behind who were killed while they changed a file: it may hold the pairs of clients."""
    for path in (read_config.user_file(), docker.config_file(), *podman.config_files(), helm.config_file()):
        leftovers.sweep(Path(os.path.realpath(path)))


def wanted(settings: Settings, name: str, given: Given) -> Registry:
    """The registry as it is to be: as it is configured, or the defaults, with what is given."""
    known = settings.registries.get(name) or Registry(name, f"https://{name}")
    return known._replace(**given)


def is_entered(found: Files, name: str, given: Given) -> bool:
    """Whether our configuration knows the registry already, and what is given for it."""
    return found.settings.registries.get(name) == wanted(found.settings, name, given)


def went_without_client(found: Files, name: str) -> bool:
    """Whether `setup` found out before that the provider does not take our client."""
    return name in found.settings.registries and write_config.is_without_client(found.ours, name)


def entered(
    found: Files,
    name: str,
    given: Given,
    *,
    client: write_config.Client = "as it is",
    for_every_server: bool = False,
    stores: Mapping[Path, str] = MappingProxyType({}),
) -> list[Change]:
    """With the registry in all of them, ours first. ``for_every_server``: Docker is to ask for all others, too.

    ``stores``: which of the system's own `setup` has entered where. Raises AnotherCredsStore, ConfigurationInvalid.
    """
    if is_entered(found, name, given) and client == "as it is":
        ours = file_change.none(found.ours, f"{name} is configured already")
    else:
        ours = write_config.entered(found.ours, name, given, client=client, for_everybody=found.for_everybody)
    first, *others = [cred_helpers.entered(path, name) for path in found.clients]
    if for_every_server:
        first = creds_store.entered(first.path, first, stores.get(first.path))
    elif not found.for_everybody:
        first = native_store.entered(first)
    looks = helm.config_file()
    return [ours, first, *(native_store.entered(each) if each.path == looks else each for each in others)]


def taken_out(found: Files, name: str, stores: Mapping[Path, str] = MappingProxyType({})) -> list[Change]:
    """Without it, ours last; with the last registry this helper is no longer asked for every server either.

    ``stores``: which of the system's own `setup` has entered where.
    """
    clients = [cred_helpers.taken_out(path, name) for path in found.clients]
    if is_for_every_server(found) and not set(found.settings.registries) - {name}:
        clients[0] = creds_store.taken_out(found.clients[0], clients[0])
    clients = [native_store.taken_out(each, stores.get(each.path)) for each in clients]
    return [*clients, write_config.taken_out(found.ours, name)]


def is_for_every_server(found: Files) -> bool:
    """Whether Docker asks this helper for servers that no configuration names."""
    return bool(found.clients) and not found.for_everybody and creds_store.is_entered(found.clients[0])


def _check_is_open(path: Path) -> None:
    """A file of the administrator's may be for a group; one that only root can read is of no use to anybody."""
    for place, bits, mode in ((path.parent, 0o011, "755"), (path, 0o044, "644")):
        if place.exists() and not place.stat().st_mode & bits:
            raise SiteConfigurationClosed(path=place, mode=mode)
