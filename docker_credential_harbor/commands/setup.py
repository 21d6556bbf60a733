"""`setup REGISTRY`: enter a registry into our configuration, and this helper for it into Docker's.

With `--system` for every user yet to come: site-wide, and in the folder that new homes are copied from (useradd(8)).
Docker, podman and Helm have no configuration for all users.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor import config, server_url
from docker_credential_harbor.client_config import cred_helpers, docker, helm, own, podman
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", metavar="REGISTRY", help="as in image names, or Harbor's URL")
    parser.add_argument(
        "--system",
        action="store_true",
        help="for every user made from now on, as root, when an image is built: site-wide configuration, and Docker's, "
        "podman's and Helm's in /etc/skel (Linux)",
    )


def run(arguments: argparse.Namespace) -> int:
    name, url = _registry(arguments.registry)
    if arguments.system:
        _set_up_system(name, url)
    else:
        _set_up(name, url)
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


def _set_up(name: str, url: str | None) -> None:
    settings = config.load()  # a configuration that is broken already is told before anything is written
    theirs = docker.config_file()
    cred_helpers.check(theirs)
    _enter_registry(settings, config.user_file(), name, url)
    _enter_helper(theirs, name)
    print(f"Next: docker-credential-harbor login {name}")


def _set_up_system(name: str, url: str | None) -> None:
    if sys.platform != "linux":
        raise SystemSetupElsewhere()
    if os.geteuid() != 0:
        raise SystemSetupNeedsRoot()
    settings = config.load_site()
    ours = config.site_files()[-1]
    _check_is_open(ours)
    theirs = [SKELETON / client.IN_HOME for client in (docker, podman, helm)]
    for path in theirs:
        cred_helpers.check(path)
    _enter_registry(settings, ours, name, url, for_everybody=True)
    for path in theirs:
        _enter_helper(path, name)
    print(f"Users made from now on need nothing more. Those who exist run: docker-credential-harbor setup {name}")


def _check_is_open(path: Path) -> None:
    """A file of the administrator's may be for a group; one that only root can read is of no use to anybody."""
    for place, bits, mode in ((path.parent, 0o011, "755"), (path, 0o044, "644")):
        if place.exists() and not place.stat().st_mode & bits:
            raise SiteConfigurationClosed(path=place, mode=mode)


def _enter_registry(settings: Settings, path: Path, name: str, url: str | None, *, for_everybody: bool = False) -> None:
    if name in settings.registries and url in (None, settings.registries[name].url):
        print(f"{name} is configured already")
    else:
        own.add_registry(path, name, url, for_everybody=for_everybody)
        print(f"{name} entered into {path}")


def _enter_helper(path: Path, name: str) -> None:
    if cred_helpers.add(path, name):
        print(f"this helper entered for {name} into {path}")
    else:
        print(f"{path} names this helper for {name} already")
