"""A pair passed the probe: what is kept of that, by a `get` and by the worker alike.

The notes say when Harbor was asked and until when its answer is trusted; the pair itself may be remembered where a
warm `get` reads it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from docker_credential_harbor.model import Credentials
from docker_credential_harbor.policy import trust_window
from docker_credential_harbor.storage import miss_note
from docker_credential_harbor.warm_get import remembered

if TYPE_CHECKING:
    from docker_credential_harbor.context import Context
    from docker_credential_harbor.storage.registry_notes import Notes

# Nothing is known to stand in the way, and nobody is asked about it.
_NO_OUTCOME: dict[str, Any] = dict.fromkeys(
    ("outcome_began_at", "outcome_code", "outcome_message", "asking_run", "last_window")
)


def keep(
    context: Context,
    name: str,
    notes: Notes,
    pair: Credentials,
    *,
    probed_at: float,
) -> Notes:
    """The notes after the probe that began at ``probed_at`` and passed; remembers the pair for the trust window."""
    ends_at = trust_window.trusted_until(probed_at, context.settings.cache_ttl_seconds, notes.stored_token)
    remembered.remember(name, members(pair), context.stamp, ends_at - time.time())
    miss_note.forget(name)
    return notes._replace(
        verified_at=probed_at,
        trusted_until=ends_at,
        config_stamp=context.stamp_digest,
        declines=0,
        declined_at=None,
        **_NO_OUTCOME,
    )


def recall(name: str) -> Credentials | None:
    """The remembered pair, while its trust window is not over; None where there is none."""
    found = remembered.recall(name)
    if found is None:
        return None
    pair = json.loads(b"{" + found + b"}")
    return Credentials(pair["Username"], pair["Secret"])


def forget(name: str, notes: Notes) -> Notes:
    """Forgets the remembered pair, and gives the notes without what was true of it."""
    remembered.forget(name)
    token = trust_window.unread(notes.stored_token)
    return notes._replace(verified_at=None, trusted_until=None, stored_token=token, **_NO_OUTCOME)


def members(pair: Credentials) -> bytes:
    """The members of Docker's answer that do not depend on how the server was called."""
    return json.dumps({"Username": pair.username, "Secret": pair.secret})[1:-1].encode()
