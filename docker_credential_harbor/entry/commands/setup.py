"""`setup REGISTRY`: enter a registry into our configuration, this helper for it into its clients', and sign in.

What it finds out, asks and says; the files are those of client_config/registration.py. With `--system` for every user
yet to come, with `--undo` all of it is taken back, with `--admin` nothing is changed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.config import change, made_files, read_config, registration
from docker_credential_harbor.config.clients import creds_store, reading
from docker_credential_harbor.errors import (
    Failure,
    IssuerUnconfirmed,
    NotEntered,
    PlainPairs,
    UnacceptableServerUrl,
    Unreachable,
    WrongUsage,
)
from docker_credential_harbor.model import DEFAULT_CLIENT_ID
from docker_credential_harbor.outside.text import in_shell, shown, shown_server
from docker_credential_harbor.person.terminal import say
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import console, scheduler
from docker_credential_harbor.use_cases import doctor_checks
from docker_credential_harbor.warm_get import server_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from docker_credential_harbor.config import write_config
    from docker_credential_harbor.config.change import Change
    from docker_credential_harbor.config.registration import Files, Given
    from docker_credential_harbor.model import Credentials, Registry, Settings
    from docker_credential_harbor.use_cases.before_sign_in import FirstLook

EXAMPLES = (
    "setup harbor.example.com",
    "setup --dry-run harbor.example.com",
    "setup --no-login harbor.example.com     # in a script",
    "setup --ca-file corp.pem harbor.example.com",
    "setup --undo harbor.example.com",
    "setup --admin harbor.example.com        # what to add at the identity provider",
    "setup --system harbor.example.com       # as root, when an image is built",
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
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="certificates (PEM) of the authorities to trust there, too: a company's own",
    )
    parser.add_argument("--no-login", action="store_true", help="only write the files: ask nobody, sign nobody in")
    parser.add_argument(
        "--credentials-store",
        action="store_true",
        help="let Docker ask this helper for every registry (credsStore); pairs in plain text are moved into its store",
    )
    parser.add_argument("--yes", action="store_true", help="move them without asking")
    parser.add_argument(
        "--system",
        action="store_true",
        help="for every user made from now on, as root, when an image is built: site-wide configuration, and Docker's, "
        "podman's and Helm's in /etc/skel (Linux)",
    )
    parser.add_argument(
        "--admin",
        action="store_true",
        help="change nothing, but tell the identity provider's administrator what to add there",
    )
    parser.add_argument("--json", action="store_true", help="with --admin: only the client, for Keycloak to import")
    parser.add_argument("--undo", action="store_true", help="take it back: sign out, and take out what was entered")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change in which file")


def run(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    name, given = _registry(arguments)
    if arguments.admin:
        return _tell_administrator(arguments, name, given)
    # A configuration that is broken already is told before anything is written.
    found = registration.of_the_system() if arguments.system else registration.of_this_user(undo=arguments.undo)
    if arguments.undo:
        return _undo(arguments, found, name)
    if arguments.system:
        return _set_up_for_everybody(arguments, found, name, given)
    return _set_up(arguments, found, name, given)


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
    from docker_credential_harbor.remote.web.trust_store import TrustStore

    path = Path(os.path.normpath(read_config.path_of(str(ca_file), "--ca-file")))  # without `..`, links as they are
    TrustStore(path)
    return path


# --- For this user, and for every user yet to come --------------------------------------------------------------------


def _set_up(arguments: argparse.Namespace, found: Files, name: str, given: Given) -> int:
    looks = not registration.is_entered(found, name, given) or registration.went_without_client(found, name)
    client = _client(found, name, given) if looks and not arguments.no_login else "as it is"

    def planned(found: Files) -> tuple[list[Change], Mapping[str, Credentials]]:
        everything = arguments.credentials_store
        plain = creds_store.movable_pairs(found.clients[0]) if everything else {}
        return registration.entered(found, name, given, client=client, for_every_server=everything), plain

    changes, plain = planned(found)
    if arguments.dry_run:
        return _show(changes)
    if plain and not arguments.yes:
        _ask_whether_to_move(plain, found.clients[0])
    with registration.alone(name):
        changes, plain = planned(registration.of_this_user(undo=False))
        _carry_out(changes, plain)
        made_files.note(each.path for each in changes if each.before is None and not each.is_none)
    _adopt(name)
    _tell_what_is_left(found, name)
    if arguments.no_login:
        say(f"Next: docker-credential-harbor login {in_shell(name)}")
    else:
        _sign_in_confirming_issuer(name)
    return 0


def _set_up_for_everybody(arguments: argparse.Namespace, found: Files, name: str, given: Given) -> int:
    changes = registration.entered(found, name, given)
    if arguments.dry_run:
        return _show(changes)
    _carry_out(changes, {})
    command = f"docker-credential-harbor setup {in_shell(name)}"
    say(f"Users made from now on need nothing more. Those who exist run: {command}")
    return 0


def _client(found: Files, name: str, given: Given) -> write_config.Client:
    """Which one to enter, by what Harbor and its provider say, which is printed; one that is configured stays.

    Raises NotEntered, NotOidcMode, AnotherName.
    """
    from docker_credential_harbor.account import trusted_provider

    went_without = registration.went_without_client(found, name)
    registry = registration.wanted(found.settings, name, given)
    if went_without:
        registry = registry._replace(client_id=DEFAULT_CLIENT_ID)
    try:
        seen = _look(found.settings, registry)
    except Unreachable as failure:
        raise NotEntered(registry=name, reason=failure.message, fix=failure.fix) from failure
    elsewhere = trusted_provider.callback_elsewhere(registry, seen.redirect)
    if elsewhere and registry.client_id and not seen.hindrance:  # of a sign-in of ours, which there would be
        raise elsewhere
    at = seen.provider.issuer if seen.provider else seen.redirect.authorization_endpoint
    say(f"{name}: Harbor {seen.info.version}".rstrip() + f", where people sign in at {at}")
    if seen.hindrance is None:
        return "ours" if went_without else "as it is"
    is_new = name not in found.settings.registries
    how = ": entered without a client, with your CLI secret pasted once" if is_new else ""
    say(f"{seen.hindrance.message}{how}")
    say(f"What its administrator can do about it: docker-credential-harbor setup --admin {in_shell(name)}")
    return "none" if is_new else "as it is"


def _look(settings: Settings, registry: Registry) -> FirstLook:
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.use_cases import before_sign_in

    return before_sign_in.look(Transport(settings.timeout_seconds, registry.ca_file, trace=console.trace), registry)


def _ask_whether_to_move(pairs: Mapping[str, Credentials], path: Path) -> None:
    """Raises PlainPairs for anything but a yes."""
    from docker_credential_harbor.person import terminal

    servers = ", ".join(map(shown_server, pairs))
    answer = "n"
    if terminal.can_ask():
        try:
            answer = terminal.ask(f"Move the pairs of {servers} from {shown(path)} into the credential store? [Y/n] ")
        except EOFError:
            answer = "n"
    if answer.strip().lower() not in ("", "y", "yes"):
        raise PlainPairs(path=path, servers=servers)


def _carry_out(changes: list[Change], plain: Mapping[str, Credentials]) -> None:
    """All or nothing: the pairs are in the store, under the configuration that is to be, before they leave the file."""
    ours, *theirs = changes
    ours.carry_out()
    try:
        _move(plain)
        change.carry_out(theirs)
    except Failure:
        ours.take_back()
        raise
    for each in changes:
        say(each.what)
    if plain:
        say(f"moved into the credential store: the pairs of {', '.join(map(shown_server, plain))}")


def _move(pairs: Mapping[str, Credentials]) -> None:
    from docker_credential_harbor.context import open_context
    from docker_credential_harbor.use_cases import stored_pairs

    if pairs:
        context = open_context(asked=True)
        for server, pair in pairs.items():
            stored_pairs.store(context, server, read_config.registry_for(context.settings, server), pair)


def _adopt(name: str) -> None:
    """What `docker login` gave this helper as `credsStore`, before the registry was entered."""
    from docker_credential_harbor.context import open_context
    from docker_credential_harbor.use_cases import stored_pairs

    context = open_context(asked=True)
    stored_pairs.adopt(context, context.registry(name))


def _sign_in_confirming_issuer(name: str) -> None:
    """Where the provider cannot vouch for the registry, the person at the terminal can."""
    from docker_credential_harbor.use_cases import issuer_by_person

    try:
        _sign_in(name)
    except Failure as failure:
        done = issuer_by_person.confirm(name, failure) if failure.note_code == IssuerUnconfirmed.code else None
        if done is None:
            raise
        say(done)
        _sign_in(name)


def _sign_in(name: str) -> None:
    """Where a person is there who can be asked, as for a pull; who is signed in already stays so."""
    from docker_credential_harbor.context import open_context, reach_of_a_pull
    from docker_credential_harbor.entry.commands import login
    from docker_credential_harbor.person import terminal
    from docker_credential_harbor.policy.known import Step
    from docker_credential_harbor.use_cases import get, issuer_by_person, state_now

    context = open_context(asked=True)
    registry = context.registry(name)
    if reach_of_a_pull().way == "nobody" or not (registry.client_id or terminal.can_ask()):
        say(f"Next: docker-credential-harbor login {in_shell(name)}")
        return
    now = state_now.survey(context, registry)
    if isinstance(now.failure, Unreachable):
        raise now.failure
    if now.state == "ready" and now.known and now.known.pair:
        say(f"Signed in at {name} as {now.known.pair.who} already: Harbor accepts the pair now.")
    elif now.due and now.due.step is Step.RENEW_HARBOR_SIDE and now.state != "not-onboarded":
        pair = issuer_by_person.taking_another(context, registry, lambda: get.credentials(context, registry))
        say(f"Signed in at {name} as {pair.who} again: Harbor's own sign-in had ended.")
    else:
        login.sign_in(context, registry)
    say(f"Try it: docker pull {in_shell(name)}/PROJECT/IMAGE")


def _tell_what_is_left(found: Files, name: str) -> None:
    """What would surprise later: Docker cannot find this helper, or a secret of an earlier login still lies there."""
    missing = doctor_checks.helper_on_path()
    if not missing.ok:
        console.warn(f"{missing.message}: {missing.fix}")
    path = found.clients[0]
    theirs = reading.read(path)
    for key in theirs.unusable_auths():
        where = f"the auth of {shown_server(key)} in {path}"
        console.warn(f"docker warns at every command that {where} cannot be read: correct it there")
    if name in creds_store.plain_pairs(theirs):
        say(f"{path} still holds a pair for {name} in plain text, which docker does not use any more;")
        say(f"to take it out: docker logout {in_shell(name)}, then docker-credential-harbor login {in_shell(name)}")


# --- For the identity provider's administrator ------------------------------------------------------------------------


def _tell_administrator(arguments: argparse.Namespace, name: str, given: Given) -> int:
    from docker_credential_harbor.use_cases import admin_guide

    settings = read_config.load()
    registry = registration.wanted(settings, name, given)
    if not registry.client_id:  # which is what may be changed
        registry = registry._replace(client_id=DEFAULT_CLIENT_ID)
    seen = _look(settings, registry)
    if arguments.json:
        print(json.dumps(admin_guide.keycloak_client(registry, seen), indent=2))
    else:
        for line in admin_guide.guide(registry, seen).split("\n"):
            say(line)
    return 0


# --- Back, and beforehand ---------------------------------------------------------------------------------------------


def _undo(arguments: argparse.Namespace, found: Files, name: str) -> int:
    changes = registration.taken_out(found, name)
    if arguments.dry_run:
        return _show(changes)
    if not found.for_everybody and name in found.settings.registries:
        _sign_out(name)
    left = _left_in_the_store() if registration.is_for_every_server(found) else []
    if found.for_everybody:
        change.carry_out(changes, may_go=[each.path for each in changes])
    else:
        with registration.alone(name):
            changes = registration.taken_out(registration.of_this_user(undo=True), name)
            change.carry_out(changes, may_go=made_files.noted())
            made_files.forget_those_gone()
    for each in changes:
        say(each.what)
    if not found.for_everybody and not set(found.settings.registries) - {name} and scheduler.choose().uninstall():
        say("keepalive runs by itself no more")
    if not found.for_everybody:
        registry_notes.forget_pin(name)
    if left and not registration.is_for_every_server(found):
        servers = ", ".join(map(shown_server, left))
        say(f"kept in the credential store, but docker does not look there any more: {servers}")
    return 0


def _left_in_the_store() -> list[str]:
    from docker_credential_harbor.context import open_context

    return sorted(open_context(asked=True).store.list())


def _sign_out(name: str) -> None:
    from docker_credential_harbor.context import open_context
    from docker_credential_harbor.use_cases import sign_out

    context = open_context(asked=True)
    if sign_out.sign_out(context, context.registry(name)):
        say(f"signed out of {name}")


def _show(changes: list[Change]) -> int:
    for each in changes:
        for line in each.preview():
            say(line)
    if all(each.is_none for each in changes):
        say("nothing would change")
    return 0
