"""The system's own credential store, which Docker and Helm look for where their file says nothing of credentials.

An entry of ours ends that look: the next `docker login` at another registry would write its password in plain text. So
what they would have found is entered beside ours, where it works; others (crane, docker-py) fail at one that does not.
Source: docker/cli, DetectDefaultStore and ContainsAuth; oras-go, DetectDefaultNativeStore, which Helm has turned on.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docker_credential_harbor.config.clients import cred_helpers, docker_reads, json_file, json_text
from docker_credential_harbor.config.clients.creds_store import FIELD
from docker_credential_harbor.config.clients.json_file import HELPER
from docker_credential_harbor.errors import NOT_FOUND
from docker_credential_harbor.outside.clean_text import shown
from docker_credential_harbor.system import detached, folders

if TYPE_CHECKING:
    from docker_credential_harbor.config.change import Change

SECONDS = 10  # for it to answer; a keyring may have to be started
NOWHERE = "docker-credential-harbor.invalid"  # RFC 2606: a server of which nobody has a pair


def found() -> str:
    """The one that they would take, by the name of its helper; "": there is none on PATH."""
    names = {"darwin": "osxkeychain", "win32": "wincred", "linux": "pass" if shutil.which("pass") else "secretservice"}
    name = names.get(sys.platform, "")
    return name if name and shutil.which(f"docker-credential-{name}") else ""


def hindrance(name: str) -> str:
    """Why nothing can be kept in it here; "": it can."""
    if name == "pass" and not (_password_store() / ".gpg-id").exists():
        return "pass is not initialized"
    return hindrance_to_reading(name)


@functools.cache
def hindrance_to_reading(name: str) -> str:
    """Why clients that ask it fail here; "": they do not. It is asked for a server that does not exist, once."""
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=NOWHERE,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
            env=detached.environment_for_others(os.environ),
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    except OSError as fault:
        return fault.strerror or "it cannot be run"
    works = done.returncode == 0 or done.stdout.strip() == NOT_FOUND
    return "" if works else shown(done.stdout.strip()) or f"exit status {done.returncode}"


def is_looked_for(content: bytes, path: Path, *, but_for_ours: bool = True) -> bool:
    """Whether a client looks for it that reads such a file, or would do so but for entries of ours.

    Raises ClientConfigUnread, ClientConfigInvalid.
    """
    reading = docker_reads.of(content, path)
    others = [helper for helper in reading.helpers.values() if not (but_for_ours and helper == HELPER)]
    return not (reading.store or reading.auths or others)


def entered(change: Change, otherwise: str = "") -> Change:
    """What ``change`` leaves of the file, with it for all servers of which nothing is said, where it was looked for.

    ``otherwise``: what a person can do who has none that works.
    """
    name, path = found(), change.path
    if not name or not is_looked_for(change.after, path):
        return change
    if why := hindrance(name):
        plain = f"so the passwords of other registries go into that file in plain text{otherwise}"
        return change._replace(what=f"{change.what}; docker-credential-{name} does not work here ({why}), {plain}")
    document = json_file.parsed(change.after, path)
    text = json_text.with_member(document.named(FIELD), [FIELD], name)
    what = f"docker-credential-{name} entered there for all others, as it was found without an entry until now"
    return change.and_then(document.changed(text, what)._replace(ours=(name,)))


def entered_by(change: Change) -> str | None:
    """Which one the change enters; None: none."""
    before, after = (
        json_file.parsed(content or b"", change.path).field(FIELD) for content in (change.before, change.after)
    )
    return after if after not in (before, HELPER) else None


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


def _password_store() -> Path:
    """Source: pass(1), PASSWORD_STORE_DIR."""
    return Path(os.environ.get("PASSWORD_STORE_DIR") or folders.home() / ".password-store")
