"""`setup REGISTRY`: enter a registry into our configuration, and this helper for it into Docker's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import config, server_url
from docker_credential_harbor.client_config import docker, own
from docker_credential_harbor.errors import UnacceptableServerUrl

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", metavar="REGISTRY", help="as in image names, or Harbor's URL")


def run(arguments: argparse.Namespace) -> int:
    try:
        name, scheme = server_url.parse(arguments.registry)
    except ValueError as fault:
        raise UnacceptableServerUrl(reason=fault) from None
    if not name:
        raise UnacceptableServerUrl(reason="it must be a host, host:port, or an https:// URL")
    if scheme == "http" and not server_url.is_loopback(name):
        raise UnacceptableServerUrl(reason="http:// is for loopback addresses only")
    settings = config.load()  # a configuration that is broken already is told before anything is written
    ours = config.user_file()
    theirs = docker.config_file()
    docker.check(theirs)
    url = f"http://{name}" if scheme == "http" else None
    if name in settings.registries and url in (None, settings.registries[name].url):
        print(f"{name} is configured already")
    else:
        own.add_registry(ours, name, url)
        print(f"{name} entered into {ours}")
    if docker.add_helper(theirs, name):
        print(f"this helper entered for {name} into {theirs}")
    else:
        print(f"{theirs} names this helper for {name} already")
    print(f"Next: docker-credential-harbor login {name}")
    return 0
