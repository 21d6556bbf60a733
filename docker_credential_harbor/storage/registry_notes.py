"""Notes on a registry that hold no secret: one JSON file each.

All of it can be found out anew, a pin by asking a person again: a file that is damaged or cannot be read counts as
empty, and so does an instant in the future (the clock was set back). Whoever changes notes holds the registry's lock
from ``load`` to ``save``.
"""

import json
import time
from typing import NamedTuple

from docker_credential_harbor.errors import NotReadable
from docker_credential_harbor.model import EarlyEnds, Instant, LoginRedirect, Pin, Provider, StoredToken, Word
from docker_credential_harbor.outside import json_value
from docker_credential_harbor.outside.json_record import as_json, of_json
from docker_credential_harbor.storage import registry_lock
from docker_credential_harbor.system.files import make_private_folder, read_bytes, write_private

VERSION = 1
LOCK_SECONDS = 30  # for the registry's lock, where nobody waits
CLOCK_SLACK_SECONDS = 2  # a clock that is being slewed, or another one on a shared home


class Notes(NamedTuple):
    """What was found out about a registry, and when. Its annotations are read (json_record.py), and so not put off."""

    stored_token: StoredToken = StoredToken()  # Harbor's
    unread_at: Instant | None = None  # when its update_time could not be read
    verified_at: Instant | None = None  # start of the last passing probe
    trusted_until: Instant | None = None  # end of the trust window
    config_stamp: str = ""  # digest of the configuration that the last probe ran under
    outcome_began_at: Instant | None = None  # start of the last get that had no pair to give
    outcome_code: str | None = None  # what it found out, as in errors.py
    outcome_message: str | None = None
    declines: int = 0  # sign-ins in a row that did not end in a working pair
    declined_at: Instant | None = None  # the last of them
    last_window: str | None = None  # code of what it ended with, as in errors.py
    asking_run: str | None = None  # the run in which a get asks the person, since nothing else helps as things stand
    generation: int = 0  # raised by erase and logout: a worker that began under another one saves nothing
    provider: Provider | None = None  # as discovered
    provider_found_at: Instant | None = None
    redirect: LoginRedirect | None = None  # Harbor's own, as last read
    early_ends: EarlyEnds | None = None  # of tokens that Harbor stored
    pin: Pin | None = None  # stays when somebody signs out
    word: Word | None = None  # where the provider does not vouch; so that it is not asked by every get


def load(name: str) -> Notes:
    """The notes on the registry of that name; empty ones where there are none that can be used."""
    try:
        content = read_bytes(registry_lock.beside(name, ".json"))
    except NotReadable:
        return Notes()
    if content is None:
        return Notes()
    try:
        data = json_value.decoded(content)
        if data["version"] != VERSION:
            return Notes()
        notes = of_json(Notes, data, least=0)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return Notes()
    return _without_future(notes, time.time() + CLOCK_SLACK_SECONDS)


def save(name: str, notes: Notes) -> bool:
    """Keep the notes. False: nothing had changed, and nothing was written. Raises NotWritable."""
    path = registry_lock.beside(name, ".json")
    make_private_folder(path.parent)
    return write_private(path, json.dumps({"version": VERSION, **as_json(notes)}, indent=1, sort_keys=True).encode())


def with_provider(notes: Notes, found: Notes) -> Notes:
    """The notes with what others have, that were made from older ones, of Harbor's login, its provider and its word."""
    return notes._replace(
        redirect=found.redirect,
        provider=found.provider,
        provider_found_at=found.provider_found_at,
        pin=found.pin,
        word=found.word,
    )


def forget_pin(name: str) -> None:
    """So that the next sign-in is as the first one was. Raises NotWritable."""
    notes = load(name)
    if notes.pin or notes.word:
        with registry_lock.held(name, LOCK_SECONDS):
            save(name, load(name)._replace(pin=None, word=None))


def _without_future(notes: Notes, now: float) -> Notes:
    """An instant that has not come yet says nothing, nor does what was noted with it."""
    token = notes.stored_token
    if max(token.earliest_at or 0, token.latest_at or 0, notes.verified_at or 0) > now:
        notes = notes._replace(stored_token=token._replace(earliest_at=None, latest_at=None))
    if (notes.unread_at or 0) > now:
        notes = notes._replace(unread_at=None)
    if (notes.verified_at or 0) > now:
        notes = notes._replace(verified_at=None, trusted_until=None)
    if (notes.outcome_began_at or 0) > now:
        notes = notes._replace(outcome_began_at=None, outcome_code=None, outcome_message=None)
    if (notes.declined_at or 0) > now:
        notes = notes._replace(declines=0, declined_at=None, last_window=None)
    if (notes.provider_found_at or 0) > now:
        notes = notes._replace(provider=None, provider_found_at=None)
    return notes
