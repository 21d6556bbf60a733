"""`setup --undo`: a registry taken out of all files that it was entered into, after a sign-out.

As in enter_registry.py, each function goes on only as its lines are taken, one for the person on each thing once done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor.config import file_change, made_files, registry_files
from docker_credential_harbor.config.clients import cred_helpers, native_store
from docker_credential_harbor.context import open_context
from docker_credential_harbor.outside.clean_text import shown_server
from docker_credential_harbor.storage import registry_notes
from docker_credential_harbor.system import scheduler
from docker_credential_harbor.use_cases import logout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from docker_credential_harbor.config.file_change import Change


def for_this_user(name: str, *, only_shown: bool) -> Iterator[str]:
    """Raises Failure; what is broken already is told before anything is written."""
    found = registry_files.of_this_user(undo=True)
    changes = registry_files.taken_out(found, name, made_files.noted().stores)
    if only_shown:
        yield from file_change.previews(changes)
        return
    if name in found.settings.registries and _signed_out(name):
        yield f"signed out of {name}"
    left = _left_in_the_store() if registry_files.is_for_every_server(found) else []
    with registry_files.setup_lock(name):
        changes = file_change.made_anew(lambda: _taken_out(name))
    yield from (each.what for each in changes)
    if not set(found.settings.registries) - {name}:
        yield from _named_still(changes[:-1])
        if scheduler.choose().uninstall():
            yield "keepalive runs by itself no more"
    registry_notes.forget_pin(name)
    if left and not registry_files.is_for_every_server(found):
        servers = ", ".join(map(shown_server, left))
        yield f"kept in the credential store, but docker does not look there any more: {servers}"


def for_everybody(name: str, *, only_shown: bool) -> Iterator[str]:
    """For every user yet to come. Raises Failure, as ``for_this_user``."""
    if only_shown:
        yield from file_change.previews(registry_files.taken_out(registry_files.of_the_system(), name))
        return
    yield from (each.what for each in file_change.made_anew(lambda: _taken_out_for_everybody(name)))


def _taken_out(name: str) -> list[Change]:
    found, made = registry_files.of_this_user(undo=True), made_files.noted()
    changes = registry_files.taken_out(found, name, made.stores)
    file_change.carry_out(changes, may_go=made.files)
    is_last = not set(found.settings.registries) - {name}
    made_files.forget_those_gone(each.path for each in changes if is_last or not _has_store(each, made.stores))
    return changes


def _has_store(each: Change, stores: Mapping[Path, str]) -> bool:
    """Whether one of the system's own, which `setup` has entered, is left in the client's file."""
    return each.path in stores and native_store.is_left_by(each, stores[each.path])


def _taken_out_for_everybody(name: str) -> list[Change]:
    changes = registry_files.taken_out(registry_files.of_the_system(), name)
    file_change.carry_out(changes, may_go=[each.path for each in changes])
    return changes


def _named_still(theirs: Sequence[Change]) -> Iterator[str]:
    """For servers whose pairs were moved, where Docker asks another helper for all others by now."""
    for each in theirs:
        if servers := cred_helpers.served_after(each):
            yield f"{each.path} names this helper still, for {', '.join(map(shown_server, servers))}"


def _signed_out(name: str) -> bool:
    context = open_context(asked=True)
    return logout.sign_out(context, context.registry(name))


def _left_in_the_store() -> list[str]:
    return sorted(open_context(asked=True).store.list())
