"""`setup REGISTRY`: enter a registry into our configuration, this helper for it into its clients', and sign in.

With `--system` for every user yet to come, with `--undo` all of it is taken back, with `--admin` nothing is changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.config import read_config
from docker_credential_harbor.errors import UnacceptableServerUrl, WrongUsage
from docker_credential_harbor.person.prompt import say, write
from docker_credential_harbor.remote.web.trust_store import TrustStore
from docker_credential_harbor.use_cases import admin_guide, enter_registry, take_out_registry
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from docker_credential_harbor.config.registry_files import Given

EXAMPLES = (
    "setup harbor.example.com",
    "setup --dry-run harbor.example.com",
    "setup --no-login harbor.example.com     # in a script",
    "setup --ca-file corp.pem harbor.example.com",
    "setup --undo harbor.example.com",
    "setup --admin harbor.example.com        # what to add",
    "setup --system harbor.example.com       # in an image",
)


# What each option has nothing to do with, and what it is of no use without.
ALONE = {
    "admin": {"no_login", "credentials_store", "system", "undo", "dry_run"},
    "credentials_store": {"system", "undo"},
    "undo": {"ca_file"},
}
ONLY_WITH = {"json": "admin", "yes": "credentials_store"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("registry", metavar="REGISTRY", help="as in image names, or Harbor's URL")
    yours = parser.add_argument_group("for you")
    yours.add_argument(
        "--ca-file",
        metavar="FILE",
        help="certificates (PEM) of the authorities to trust there, too: a company's own",
    )
    yours.add_argument("--no-login", action="store_true", help="only write the files: ask nobody, sign nobody in")
    yours.add_argument(
        "--credentials-store",
        action="store_true",
        help="let Docker ask this helper for every registry (credsStore); pairs in plain text are moved into its store",
    )
    yours.add_argument("--yes", action="store_true", help="move them without asking")
    administrators = parser.add_argument_group("for the identity provider's administrator")
    administrators.add_argument(
        "--admin", action="store_true", help="change nothing, but tell the administrator what to add there"
    )
    administrators.add_argument(
        "--json", action="store_true", help="with --admin: only the client, for Keycloak to import"
    )
    images = parser.add_argument_group("for an image")
    images.add_argument(
        "--system",
        action="store_true",
        help="for every user made from now on, as root, when an image is built: site-wide configuration, and Docker's, "
        "podman's and Helm's in /etc/skel (Linux)",
    )
    changes = parser.add_argument_group("looking first, and taking it back")
    changes.add_argument("--dry-run", action="store_true", help="only show what would change in which file")
    changes.add_argument("--undo", action="store_true", help="take it back: sign out, and take out what was entered")


def run(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    name, given = _registry(arguments)
    if arguments.admin:
        return _tell_administrator(arguments, name, given)
    for line in _undo(arguments, name) if arguments.undo else _enter(arguments, name, given):
        say(line)
    return 0


def _enter(arguments: argparse.Namespace, name: str, given: Given) -> Iterator[str]:
    wish = enter_registry.Wish(
        name,
        given,
        every_server=arguments.credentials_store,
        moves_unasked=arguments.yes,
        signs_in=not arguments.no_login,
        only_shown=arguments.dry_run,
    )
    return enter_registry.for_everybody(wish) if arguments.system else enter_registry.for_this_user(wish)


def _undo(arguments: argparse.Namespace, name: str) -> Iterator[str]:
    undo = take_out_registry.for_everybody if arguments.system else take_out_registry.for_this_user
    return undo(name, only_shown=arguments.dry_run)


def _tell_administrator(arguments: argparse.Namespace, name: str, given: Given) -> int:
    registry, seen = admin_guide.look(name, given)
    if arguments.json:
        write(json.dumps(admin_guide.keycloak_client(registry, seen), indent=2))
    else:
        for line in admin_guide.guide(registry, seen).split("\n"):
            say(line)
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    """Raises WrongUsage."""
    given = {option for option, value in vars(arguments).items() if value}

    def wrong(reason: str, *options: str) -> WrongUsage:
        names = [f"--{option.replace('_', '-')}" for option in options]
        return WrongUsage(reason=reason.format(*names), program="docker-credential-harbor setup")

    for option, others in ALONE.items():
        if option in given and given & others:
            raise wrong("{} and {} do not go together", option, min(given & others))
    for option, needed in ONLY_WITH.items():
        if option in given and needed not in given:
            raise wrong("{} is of use with {} only", option, needed)


def _registry(arguments: argparse.Namespace) -> tuple[str, Given]:
    """Its name, and what its table is to say: `url` where that is not https:// and the name, and `ca_file`.

    Raises UnacceptableServerUrl; ConfigurationInvalid and NotReadable for the `ca_file`.
    """
    given: dict[str, Any] = {}
    try:
        name, scheme = server_url.parse(arguments.registry)
    except ValueError as fault:
        raise UnacceptableServerUrl(reason=fault) from None
    if not name:
        raise UnacceptableServerUrl(reason="it must be a host, host:port, or an https:// URL")
    if scheme == "http" and not server_url.is_loopback(name):
        raise UnacceptableServerUrl(reason="http:// is for loopback addresses only")
    if scheme == "http":
        given["url"] = f"http://{name}"
    if arguments.ca_file:
        given["ca_file"] = _checked(Path(arguments.ca_file))
    return name, given


def _checked(ca_file: Path) -> Path:
    """By its absolute path: Docker calls from any folder."""
    path = Path(os.path.normpath(read_config.path_of(str(ca_file), "--ca-file")))  # without `..`, links as they are
    TrustStore(path)
    return path
