"""`setup REGISTRY`: enter a registry into our configuration, and this helper for it into its clients'.

With `--system` for every user yet to come: site-wide, and in the folder that new homes are copied from (useradd(8)).
Docker, podman and Helm have no configuration for all users. With `--undo` all of it is taken back.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor import config, server_url
from docker_credential_harbor.client_config import cred_helpers, docker, helm, own, podman
from docker_credential_harbor.client_config.change import Change
from docker_credential_harbor.errors import (
    SiteConfigurationClosed,
    SystemSetupElsewhere,
    SystemSetupNeedsRoot,
    UnacceptableServerUrl,
)

if TYPE_CHECKING:
    import argparse

    from docker_credential_harbor.model import Settings

SKELETON = Path("/etc/skel")


class Files(NamedTuple):
    """What is to be changed, whose, and what it says as a whole now."""

    settings: Settings
    ours: Path
    clients: list[Path]
    for_everybody: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", metavar="REGISTRY", help="as in image names, or Harbor's URL")
    parser.add_argument(
        "--system",
        action="store_true",
        help="for every user made from now on, as root, when an image is built: site-wide configuration, and Docker's, "
        "podman's and Helm's in /etc/skel (Linux)",
    )
    parser.add_argument("--undo", action="store_true", help="take it back: sign out, and take out what was entered")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change in which file")


def run(arguments: argparse.Namespace) -> int:
    name, url = _registry(arguments.registry)
    # A configuration that is broken already is told before anything is written.
    found = _of_the_system() if arguments.system else _of_this_user(undo=arguments.undo)
    changes = _undone(found, name) if arguments.undo else _done(found, name, url)
    if arguments.dry_run:
        return _show(changes)
    if arguments.undo and not arguments.system and name in found.settings.registries:
        _sign_out(name)
    for change in changes:
        change.carry_out()
        print(change.what)
    if not arguments.undo:
        print(_next(name, system=arguments.system))
    return 0


def _registry(given: str) -> tuple[str, str | None]:
    """Its name, and its URL where that is not https:// and the name."""
    try:
        name, scheme = server_url.parse(given)
    except ValueError as fault:
        raise UnacceptableServerUrl(reason=fault) from None
    if not name:
        raise UnacceptableServerUrl(reason="it must be a host, host:port, or an https:// URL")
    if scheme == "http" and not server_url.is_loopback(name):
        raise UnacceptableServerUrl(reason="http:// is for loopback addresses only")
    return name, f"http://{name}" if scheme == "http" else None


def _of_this_user(*, undo: bool) -> Files:
    """podman and Helm read Docker's file, too: their own are changed where they exist, since those go first."""
    others = [path for path in (*podman.config_files(), helm.config_file()) if path.exists()]
    theirs = docker.config_file()
    clients = [theirs, *others] if theirs.exists() or not undo else others
    return Files(config.load(), config.user_file(), clients, for_everybody=False)


def _of_the_system() -> Files:
    if sys.platform != "linux":
        raise SystemSetupElsewhere()
    if os.geteuid() != 0:
        raise SystemSetupNeedsRoot()
    settings, ours = config.load_site(), config.site_files()[-1]
    _check_is_open(ours)
    return Files(settings, ours, [SKELETON / client.IN_HOME for client in (docker, podman, helm)], for_everybody=True)


def _done(found: Files, name: str, url: str | None) -> list[Change]:
    known = found.settings.registries.get(name)
    if known and url in (None, known.url):
        first = Change(found.ours, None, b"", f"{name} is configured already")
    else:
        first = own.entered(found.ours, name, url, for_everybody=found.for_everybody)
    return [first, *(cred_helpers.entered(path, name) for path in found.clients)]


def _undone(found: Files, name: str) -> list[Change]:
    return [*(cred_helpers.taken_out(path, name) for path in found.clients), own.taken_out(found.ours, name)]


def _show(changes: list[Change]) -> int:
    for change in changes:
        print(change.diff(), end="")
    if all(change.is_none for change in changes):
        print("nothing would change")
    return 0


def _sign_out(name: str) -> None:
    from docker_credential_harbor import sign_out
    from docker_credential_harbor.context import open_context

    context = open_context(asked=True)
    if sign_out.sign_out(context, context.registry(name)):
        print(f"signed out of {name}")


def _next(name: str, *, system: bool) -> str:
    if system:
        return f"Users made from now on need nothing more. Those who exist run: docker-credential-harbor setup {name}"
    return f"Next: docker-credential-harbor login {name}"


def _check_is_open(path: Path) -> None:
    """A file of the administrator's may be for a group; one that only root can read is of no use to anybody."""
    for place, bits, mode in ((path.parent, 0o011, "755"), (path, 0o044, "644")):
        if place.exists() and not place.stat().st_mode & bits:
            raise SiteConfigurationClosed(path=place, mode=mode)
