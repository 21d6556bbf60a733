"""`setup`: a registry entered into our configuration and into its clients' (config/registry_files.py), and the sign-in.

What is done in which order. Each function goes on only as its lines are taken, which are for the person: one on each
thing, once it is done. What people are asked, and what they are warned of, goes past the lines.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor.account import trusted_provider
from docker_credential_harbor.config import file_change, made_files, read_config, registry_files
from docker_credential_harbor.config.clients import creds_store, docker_reads, native_store
from docker_credential_harbor.context import open_context, reach_of_a_pull
from docker_credential_harbor.errors import Failure, IssuerUnconfirmed, NotEntered, PlainPairs, Unreachable
from docker_credential_harbor.model import DEFAULT_CLIENT_ID
from docker_credential_harbor.outside.clean_text import in_shell, shown, shown_server
from docker_credential_harbor.person import prompt
from docker_credential_harbor.policy.known import Step
from docker_credential_harbor.system import console
from docker_credential_harbor.use_cases import (
    before_sign_in,
    client_checks,
    current_state,
    get,
    issuer_by_person,
    login,
    stored_pairs,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from docker_credential_harbor.config.file_change import Change
    from docker_credential_harbor.config.registry_files import Files, Given
    from docker_credential_harbor.config.write_config import Client
    from docker_credential_harbor.model import Credentials
    from docker_credential_harbor.use_cases.before_sign_in import FirstLook


class Wish(NamedTuple):
    """``given``: for the registry's table. ``every_server``: Docker is to ask this helper for all others, too."""

    name: str
    given: Given
    every_server: bool = False
    moves_unasked: bool = False  # the pairs that lie in Docker's file in plain text
    signs_in: bool = True  # and asks Harbor and its provider before
    only_shown: bool = False  # what would change


def for_this_user(wish: Wish) -> Iterator[str]:
    """Raises Failure; what is broken already is told before anything is written."""
    found = registry_files.of_this_user(undo=False)
    client = yield from _client(found, wish)
    changes, plain = _planned(found, wish, client)
    if wish.only_shown:
        yield from file_change.previews(changes)
        return
    if plain and not wish.moves_unasked:
        _ask_whether_to_move(plain, found.clients[0])
    with registry_files.setup_lock(wish.name):
        changes, plain = _entered(wish, client)
    yield from (each.what for each in changes)
    if not wish.every_server and (lost := native_store.lost_by(changes[1])):
        yield lost
    if plain:
        yield f"moved into the credential store: the pairs of {', '.join(map(shown_server, plain))}"
    _adopt(wish.name)
    yield from _what_is_left(found.clients[0], wish.name)
    if wish.signs_in:
        yield from _sign_in_confirming_issuer(wish.name)
    else:
        yield _next(wish.name)


def for_everybody(wish: Wish) -> Iterator[str]:
    """For every user yet to come. Raises Failure, as ``for_this_user``."""
    if wish.only_shown:
        yield from file_change.previews(registry_files.entered(registry_files.of_the_system(), wish.name, wish.given))
        return
    yield from (each.what for each in file_change.made_anew(lambda: _entered_for_everybody(wish)))
    if store := native_store.found():
        ends = f"docker and Helm look for docker-credential-{store} by themselves no more"
        yield f"For these users {ends}: who wants it for other registries enters it as credsStore."
    command = f"docker-credential-harbor setup {in_shell(wish.name)}"
    yield f"Users made from now on need nothing more. Those who exist run: {command}"


# --- What is to be entered --------------------------------------------------------------------------------------------


def _client(found: Files, wish: Wish) -> Generator[str, None, Client]:
    """Which one to enter, by what Harbor and its provider say; one that is configured stays.

    Raises NotEntered, NotOidcMode, AnotherName.
    """
    name, went_without = wish.name, registry_files.went_without_client(found, wish.name)
    if not wish.signs_in or (registry_files.is_entered(found, name, wish.given) and not went_without):
        return "as it is"
    seen = _first_look(found, wish, went_without)
    at = seen.provider.issuer if seen.provider else seen.redirect.authorization_endpoint
    yield f"{name}: Harbor {seen.info.version}".rstrip() + f", where people sign in at {at}"
    if seen.hindrance is None:
        return "ours" if went_without else "as it is"
    is_new = name not in found.settings.registries
    how = ": entered without a client, with your CLI secret pasted once" if is_new else ""
    yield f"{seen.hindrance.message}{how}"
    yield f"What its administrator can do about it: docker-credential-harbor setup --admin {in_shell(name)}"
    return "none" if is_new else "as it is"


def _first_look(found: Files, wish: Wish, went_without: bool) -> FirstLook:
    registry = registry_files.wanted(found.settings, wish.name, wish.given)
    if went_without:
        registry = registry._replace(client_id=DEFAULT_CLIENT_ID)
    try:
        seen = before_sign_in.first_look(found.settings, registry)
    except Unreachable as failure:
        raise NotEntered(registry=wish.name, reason=failure.message, fix=failure.remedy) from failure
    elsewhere = trusted_provider.callback_elsewhere(registry, seen.redirect)
    if elsewhere and registry.client_id and not seen.hindrance:  # of a sign-in of ours, which there would be
        raise elsewhere
    return seen


def _planned(found: Files, wish: Wish, client: Client) -> tuple[list[Change], Mapping[str, Credentials]]:
    """What changes, and the pairs in plain text that are to be moved: both by one reading of Docker's file."""
    everything = wish.every_server
    changes = registry_files.entered(
        found,
        wish.name,
        wish.given,
        client=client,
        for_every_server=everything,
        stores=made_files.noted().stores,
    )
    return changes, creds_store.moved_by(changes[1]) if wish.every_server else {}


def _ask_whether_to_move(pairs: Mapping[str, Credentials], path: Path) -> None:
    """Raises PlainPairs for anything but a yes."""
    servers = ", ".join(map(shown_server, pairs))
    answer = "n"
    if prompt.can_ask():
        try:
            answer = prompt.ask(f"Move the pairs of {servers} from {shown(path)} into the credential store? [Y/n] ")
        except EOFError:
            answer = "n"
    if answer.strip().lower() not in ("", "y", "yes"):
        raise PlainPairs(path=path, servers=servers)


# --- What is done -----------------------------------------------------------------------------------------------------


def _entered(wish: Wish, client: Client) -> tuple[list[Change], Mapping[str, Credentials]]:
    """What was changed, and the pairs that were moved. Raises Failure."""
    moved: set[str] = set()

    def attempt() -> tuple[list[Change], Mapping[str, Credentials]]:
        changes, plain = _planned(registry_files.of_this_user(undo=False), wish, client)
        moved.update(plain)
        new = [each.path for each in changes if each.before is None and not each.is_none]
        stores = {each.path: store for each in changes[1:] if (store := native_store.entered_by(each))}
        with made_files.noting(new, stores):
            _carry_out(changes, plain)
        return changes, plain

    changes, plain = file_change.made_anew(attempt)
    _forget(moved.difference(plain))
    return changes, plain


def _carry_out(changes: Sequence[Change], plain: Mapping[str, Credentials]) -> None:
    """All or nothing: the pairs are in the store, under the configuration that is to be, before they leave the file."""
    ours, *theirs = changes
    new: set[str] = set()
    ours.carry_out()
    try:
        _move(plain, new)
        file_change.carry_out(theirs)
    except BaseException:  # Ctrl-C, too, while a keyring asks to be unlocked
        with suppress(Exception):  # what is left there is of no use to Docker
            _forget(new)
        ours.take_back()
        raise


def _move(pairs: Mapping[str, Credentials], new: set[str]) -> None:
    """``new`` is told of the servers of which there was no pair in the store."""
    if pairs:
        context = open_context(asked=True)
        for server, pair in pairs.items():
            registry = read_config.registry_for(context.settings, server)
            if context.store.load_stored(registry.key if registry else server) is None:
                new.add(server)
            stored_pairs.store(context, server, registry, pair)


def _entered_for_everybody(wish: Wish) -> list[Change]:
    changes = registry_files.entered(registry_files.of_the_system(), wish.name, wish.given)
    file_change.carry_out(changes)
    return changes


def _forget(servers: Collection[str]) -> None:
    """Pairs that somebody took out of the file (`docker logout`) while it was about to be written."""
    if servers:
        context = open_context(asked=True)
        for server in servers:
            registry = read_config.registry_for(context.settings, server)
            context.store.delete_stored(registry.key if registry else server)


def _adopt(name: str) -> None:
    """What `docker login` gave this helper as `credsStore`, before the registry was entered."""
    context = open_context(asked=True)
    stored_pairs.adopt(context, context.registry(name))


def _what_is_left(path: Path, name: str) -> Iterator[str]:
    """What would surprise later: Docker cannot find this helper, or a secret of an earlier login still lies there."""
    missing = client_checks.helper_on_path()
    if not missing.ok:
        console.warn(f"{missing.message}: {missing.fix}")
    theirs = docker_reads.read(path)
    for key in theirs.unusable_auths():
        where = f"the auth of {shown_server(key)} in {path}"
        console.warn(f"docker warns at every command that {where} cannot be read: correct it there")
    if name in creds_store.plain_pairs(theirs):
        yield f"{path} still holds a pair for {name} in plain text, which docker does not use any more;"
        yield f"to take it out: docker logout {in_shell(name)}, then docker-credential-harbor login {in_shell(name)}"


# --- The sign-in ------------------------------------------------------------------------------------------------------


def _sign_in_confirming_issuer(name: str) -> Iterator[str]:
    """Where the provider cannot vouch for the registry, the person at the terminal can."""
    try:
        lines = _sign_in(name)
    except Failure as failure:
        done = issuer_by_person.confirm(name, failure) if failure.note_code == IssuerUnconfirmed.code else None
        if done is None:
            raise
        yield done
        lines = _sign_in(name)
    yield from lines


def _sign_in(name: str) -> list[str]:
    """Where a person is there who can be asked, as for a pull; who is signed in already stays so."""
    context = open_context(asked=True)
    registry = context.registry(name)
    if reach_of_a_pull().way == "nobody" or not (registry.client_id or prompt.can_ask()):
        return [_next(name)]
    now = current_state.survey(context, registry)
    if isinstance(now.failure, Unreachable):
        raise now.failure
    if now.state == "ready" and now.known and now.known.pair:
        lines = [f"Signed in at {name} as {now.known.pair.who} already: Harbor accepts the pair now."]
    elif now.due and now.due.step is Step.RENEW_HARBOR_SIDE and now.state != "not-onboarded":
        pair = issuer_by_person.taking_another(context, registry, lambda: get.credentials(context, registry))
        lines = [f"Signed in at {name} as {pair.who} again: Harbor's own sign-in had ended."]
    else:
        lines = login.sign_in(context, registry)
    return [*lines, f"Try it: docker pull {in_shell(name)}/PROJECT/IMAGE"]


def _next(name: str) -> str:
    return f"Next: docker-credential-harbor login {in_shell(name)}"
