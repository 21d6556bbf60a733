"""What `doctor` finds out about the clients on this machine: whether they ask this helper for a registry."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from docker_credential_harbor import errors
from docker_credential_harbor.config.clients import (
    creds_store,
    docker,
    docker_reads,
    helm,
    json_file,
    native_store,
    podman,
)
from docker_credential_harbor.model import PROGRAM
from docker_credential_harbor.outside.clean_text import in_shell, shown_server
from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Check(NamedTuple):
    """``fix``: one line that can be followed; empty where all is well."""

    name: str
    ok: bool
    message: str
    fix: str = ""


def helper_on_path() -> Check:
    """Whether Docker can run this helper, as far as shows from here: Docker's own PATH may be another."""
    found, client = shutil.which(PROGRAM), shutil.which("docker")
    if found is None:
        fix = f"put {PROGRAM} into a folder on PATH, under that name"
        return Check("helper", False, f"{PROGRAM} is not on PATH, so no client can run it", fix)
    if client and any("/snap/" in path for path in (client, os.path.realpath(client))):
        fix = "install Docker from your distribution's or Docker's own packages instead of the snap"
        return Check("helper", False, f"{client} is a snap, which runs no program from outside itself", fix)
    return Check("helper", True, f"on PATH as {found}")


def docker_config(name: str) -> Check:
    """Whether Docker asks this helper. Raises ClientConfigInvalid, ClientConfigUnread, NotReadable."""
    path = docker.config_file()
    found = _read(path, name)
    served_by = found.helper_for(name)
    if docker.is_served_by_environment(name):
        message = f"DOCKER_AUTH_CONFIG holds a pair for {name}, which Docker takes before it asks a helper"
        return Check("docker-config", False, message, "run: unset DOCKER_AUTH_CONFIG")
    has_plain_pair = name in creds_store.plain_pairs(found)
    if served_by != json_file.HELPER:
        json_file.read(path)  # raises what `setup` would refuse it for
        message = f"{path} names {f'{served_by!r}, not this helper,' if served_by else 'no helper'} for {name}"
        if not served_by and has_plain_pair:
            message += ", and holds a pair in plain text, which Docker takes"
        return Check("docker-config", False, message, f"run: {PROGRAM} setup {in_shell(name)}")
    message = f"{path} names this helper for {name}"
    if has_plain_pair:  # of an earlier docker login: no reason why pulls fail
        message += (
            f"; a pair in plain text still lies there (docker logout {in_shell(name)} takes it out, and signs out)"
        )
    for key in found.unusable_auths():
        message += f"; docker warns at every command that the auth of {shown_server(key)} there cannot be read"
    return Check("docker-config", True, message)


def other_clients(name: str) -> Check | None:
    """podman's and Helm's own files go before Docker's, and so does the system's own store with Helm.

    None: there is nothing to look at. Raises as ``docker_config``.
    """
    fix = f"run: {PROGRAM} setup {in_shell(name)}"
    of_podman = podman.config_files()
    paths = [path for path in (*of_podman, helm.config_file()) if os.path.exists(path)]  # noqa: PTH110 - or closed to us
    for path in paths:
        found = _read(path, name, whole=path in of_podman)
        if found.helper_for(name) != json_file.HELPER and name in creds_store.plain_pairs(found):
            json_file.read(path)
            message = f"{path} holds a pair for {name} in plain text, which goes before this helper"
            return Check("other-clients", False, message, fix)
    if why := _hindrance_of_helm():
        store = f"docker-credential-{native_store.found()}"
        return Check("other-clients", False, f"Helm asks {store} before this helper, and fails: {why}", fix)
    if _only_for_every_server(name, [docker.config_file(), *of_podman]):  # no reason why Docker's pulls fail
        message = f"podman, skopeo and buildah do not ask this helper for {name}, since they know no credsStore"
        return Check("other-clients", True, f"{message} ({PROGRAM} setup {in_shell(name)} mends that)")
    return Check("other-clients", True, "podman and Helm find nothing that goes before this helper") if paths else None


def _only_for_every_server(name: str, paths: Iterable[Path]) -> bool:
    """Whether a client that is there, and reads ``credHelpers`` alone, does not find this helper."""
    if not any(map(shutil.which, ("podman", "skopeo", "buildah"))):
        return False
    found = []
    for path in paths:
        with suppress(errors.Failure):  # told of that file already
            found.append(_read(path, name))
    names_us = any(reading.helpers.get(name) == json_file.HELPER for reading in found)
    return not names_us and any(reading.store == json_file.HELPER for reading in found)


def _hindrance_of_helm() -> str:
    """Why it fails at every chart, public ones too, where it asks the system's own store; "": it does not."""
    path = helm.config_file()
    content = files.read_bytes(path) or b""
    if not helm.asks_another_first() or not native_store.is_looked_for(content, path, but_for_ours=False):
        return ""
    return native_store.hindrance_to_reading(native_store.found())


def _read(path: Path, name: str, *, whole: bool = False) -> docker_reads.Reading:
    try:
        return docker_reads.read(path, whole=whole)
    except errors.ClientConfigUnread as unread:
        raise errors.ClientConfigUnread(**{**unread.facts, "registry": name}) from None
