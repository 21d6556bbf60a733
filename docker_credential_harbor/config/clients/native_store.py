"""The system's own credential store, which Docker and Helm look for where their file says nothing of credentials.

An entry of ours ends that look: the next `docker login` at another registry would write its password in plain text. So
what they would have found is entered beside ours, where it works; others (crane, docker-py) fail at one that does not.
Source: docker/cli, DetectDefaultStore and ContainsAuth; oras-go, DetectDefaultNativeStore, which Helm has turned on.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import cred_helpers, docker_reads, json_file, json_text
from docker_credential_harbor.config.clients.creds_store import FIELD
from docker_credential_harbor.config.clients.json_file import HELPER
from docker_credential_harbor.errors import NOT_FOUND, NoHome
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.system import detached, folders

if TYPE_CHECKING:
    from docker_credential_harbor.config.file_change import Change

SECONDS = 10  # for it to answer; a keyring may have to be started
NOWHERE = "docker-credential-harbor.invalid"  # RFC 2606: a server of which nobody has a pair
LONGEST_REASON = 100  # characters; pass tells what gpg has told, line by line
ITS_FOLDER = "docker-credential-helpers"  # in the password store, for docker-credential-pass; it may have its own key


def found() -> str:
    """The one that they would take, by the name of its helper; "": there is none on PATH."""
    names = {"darwin": "osxkeychain", "win32": "wincred", "linux": "pass" if shutil.which("pass") else "secretservice"}
    name = names.get(sys.platform, "")
    return name if name and shutil.which(f"docker-credential-{name}") else ""


def hindrance(name: str) -> str:
    """Why nothing can be kept in it here; "": it can."""
    if name == "pass" and not _pass_is_initialized():
        return "pass is not initialized"
    return hindrance_to_reading(name)


@functools.cache
def hindrance_to_reading(name: str) -> str:
    """Why clients that ask it fail here; "": they do not. It is asked for a server that does not exist, once."""
    try:
        status, told = _asked(f"docker-credential-{name}")
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    except OSError as fault:
        return fault.strerror or "it cannot be run"
    works = status == 0 or told == NOT_FOUND
    return "" if works else shown(told, LONGEST_REASON) or f"exit status {status}"


def _asked(program: str) -> tuple[int, str]:
    """Its exit status and its answer; without a terminal, on which what it starts (gpg) would ask for a PIN.

    Raises TimeoutExpired, OSError.
    """
    environment = detached.environment_for_others(os.environ)
    environment.pop("GPG_TTY", None)
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        [program, "get"],
        stdin=pipe,
        stdout=pipe,
        stderr=nothing,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            told, _ = process.communicate(NOWHERE, SECONDS)
        except BaseException:
            _kill_with_all_it_started(process)
            raise
    return process.returncode, told.strip()


def _kill_with_all_it_started(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)  # not waited for yet, so the number is still its own


def is_looked_for(content: bytes, path: Path, *, but_for_ours: bool = True) -> bool:
    """Whether a client looks for it that reads such a file, or would do so but for entries of ours.

    Raises ClientConfigUnread, ClientConfigInvalid.
    """
    reading = docker_reads.of(content, path)
    others = [helper for helper in reading.helpers.values() if not (but_for_ours and helper == HELPER)]
    return not (reading.store or reading.auths or others)


def entered(change: Change) -> Change:
    """What ``change`` leaves of the file, with it for all servers of which nothing is said, where it was looked for."""
    name, path = found(), change.path
    if not name or not is_looked_for(change.after, path) or hindrance(name):
        return change
    document = json_file.parsed(change.after, path)
    text = json_text.with_member(document.named(FIELD), [FIELD], name)
    what = f"docker-credential-{name} entered there for all others, as it was found without an entry until now"
    return change.and_then(document.changed(text, what)._replace(ours=(name,)))


def lost_by(change: Change) -> str:
    """What a person should know where the change has ended the look for one that does not work; "": nothing."""
    name = found()
    before = json_file.parsed(change.before or b"", change.path).field(cred_helpers.FIELD) or {}
    is_ended = HELPER not in before.values() and is_looked_for(change.after, change.path)
    if not name or not is_ended or not (why := hindrance(name)):
        return ""
    plain = "so docker login keeps the passwords of other registries in plain text"
    instead = "setup --credentials-store has this helper keep them"
    return f"docker-credential-{name} does not work here ({why}), {plain}; {instead}"


def entered_by(change: Change) -> str | None:
    """Which one the change enters; None: none."""
    before, after = (
        json_file.parsed(content or b"", change.path).field(FIELD) for content in (change.before, change.after)
    )
    return after if after not in (before, HELPER) else None


def is_left_by(change: Change, name: str) -> bool:
    """Whether the file names it after the change."""
    return bool(json_file.parsed(change.after, change.path).field(FIELD) == name)


def taken_out(change: Change, name: str | None) -> Change:
    """What ``change`` leaves, without the one that ``entered`` wrote, where nothing else is said of credentials now."""
    document = json_file.parsed(change.after, change.path)
    spelt = document.spelt(FIELD)
    others = document.field(cred_helpers.FIELD) or document.field("auths")
    if not name or not spelt or document.field(FIELD) != name or others:
        return change
    after = json_text.without(document.text, [spelt])
    what = f"docker-credential-{name}, which setup entered for all others, taken out of {change.path}"
    return change.and_then(document.changed(after, what))


def _pass_is_initialized() -> bool:
    """Whether there is a key, of its folder or of the one above. Source: pass(1), PASSWORD_STORE_DIR and ``init``."""
    try:
        store = Path(os.environ.get("PASSWORD_STORE_DIR") or folders.home() / ".password-store")
    except NoHome:
        return False
    return any(os.path.exists(place / ".gpg-id") for place in (store / ITS_FOLDER, store))  # noqa: PTH110 - or closed
