"""What is kept of one registry, for those who do not hold its lock throughout: notes, stored pair, own sign-in.

Each save takes the registry's lock, goes onto what is read again then, and is made only while nobody has signed out.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import own_tokens, shared_audience, verified_pair
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.policy import next_step, trust_window
from docker_credential_harbor.storage import registry_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import Credentials, Registry, ReleasedIdToken, SignIn, TokenSet
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.registry_notes import Notes

LOCK_SECONDS = 30  # for the registry's lock, to save


class Account:
    """``generation``: the notes' one when this began, which moves when somebody signs out. ``tell`` a line to a person.

    ``stored``: the stored pair, if any; ``sign_in``: our own, where it is of the provider that is configured. What
    saves raises Busy, SignInEnded, NotWritable, and what the store raises.
    """

    def __init__(
        self, context: Context, registry: Registry, http: Transport, generation: int, tell: Callable[[str], None]
    ) -> None:
        self.store = context.store
        self.store.tell = tell
        self._context = context
        self._registry = registry
        self._http = http
        self._generation = generation
        self._tell = tell
        self._refresh_refused = False
        self._not_released: errors.AudienceShared | None = None
        self.stored = self.store.load_stored(self._registry.key)
        kept = self.store.load_sign_in(registry.name)
        self.sign_in = kept if kept and own_tokens.belongs_to(kept, registry) else None

    @property
    def last_known(self) -> Credentials | None:
        """The pair that came of our own sign-in."""
        return self.sign_in.pair if self.sign_in else None

    def notes(self) -> Notes:
        """As they are now."""
        return registry_notes.load(self._registry.name)

    def is_superseded(self) -> bool:
        """Whether somebody has signed out since this began."""
        return self.notes().generation != self._generation

    # --- The ID token, for Harbor -------------------------------------------------------------------------------------

    def id_token(self) -> ReleasedIdToken | None:
        """One that Harbor takes now, refreshed if need be; None where a stored pair counts, or there is none such."""
        if self.stored or not self.sign_in:
            return None
        if own_tokens.id_token_expired(self.sign_in, time.time()) and not self._refresh_refused:
            try:
                self._refresh()
            except Failure as failure:
                if failure.note_code not in next_step.OURS_ALONE:
                    raise
                self._refresh_refused = True
        if self._not_released:
            raise self._not_released
        try:
            return self.release(self.sign_in.tokens).id_token()
        except errors.AudienceMissing:  # Harbor would not take it
            return None
        except errors.AudienceShared as refusal:  # asked again and again, it is the same
            self._not_released = refusal
            raise

    def release(self, own: TokenSet) -> shared_audience.Release:
        """Whether the registry gets the ID token of these."""
        registries, anew = self._context.settings.registries, self._context.asked
        return shared_audience.Release(
            registries, self._registry, own, self.notes(), self._http, self.keep_provider, anew=anew
        )

    def _refresh(self) -> None:
        with self._locked():
            kept = self.store.load_sign_in(self._registry.name)
            if kept and not own_tokens.id_token_expired(kept, time.time()):
                self.sign_in = kept  # another process was quicker
                return
            found, notes = own_tokens.provider_of(self._http, self._registry, self.notes())
            self._write_notes(notes)
            fresh = None
            if kept:
                fresh = own_tokens.refresh(self._http, found, self._registry, kept, self.store, outlives_caller=True)
            self.sign_in = fresh or self.sign_in
            self._refresh_refused = fresh is None

    # --- What is saved ------------------------------------------------------------------------------------------------

    def keep_provider(self, found: Notes) -> None:
        """Of these notes what is about the provider."""
        with self._locked():
            self._write_notes(registry_notes.with_provider(self.notes(), found))

    def count_as_declined(self) -> None:
        """Until it ended in a working pair: whoever kills this process has declined, too."""
        with self._locked():
            notes = self.notes()
            declines = 0 if self._context.asked else notes.declines
            self._write_notes(notes._replace(declines=declines + 1, declined_at=time.time()))

    def save_sign_in(self, sign_in: SignIn) -> None:
        """A new one: what was true of the last pair is forgotten."""
        with self._locked():
            notes = verified_pair.forget(self._registry.name, self.notes())
            token = trust_window.of_anybody(notes.stored_token)  # until the walk that follows
            self._write_notes_if_possible(notes._replace(stored_token=token))
            self.store.save_sign_in(self._registry.name, sign_in)
        self.sign_in = sign_in

    def save_verified(
        self, pair: Credentials, *, walked_at: float | None, probed_at: float, updated_at: str = ""
    ) -> None:
        """The pair that passes, onto what is kept now: another process may have refreshed, or stored a pair meanwhile.

        ``walked_at``: the earliest instant at which Harbor stored its new token; None: nothing shows that it did.
        ``updated_at``: as in StoredToken.
        """
        with self._locked():
            notes = self.notes()._replace(declines=0, declined_at=None)
            if self.stored is None:
                kept = self.store.load_sign_in(self._registry.name)
                if kept is None:
                    raise errors.SignInEnded(registry=self._registry.name)
                self._save_if_possible(kept._replace(pair=pair))
            answer = self.store.load_stored(self._registry.key)
            if (answer.pair if answer else None) == (self.stored.pair if self.stored else None):
                token = trust_window.of_anybody(notes.stored_token)
                if not self.stored:
                    token = trust_window.after_walk(token, walked_at, max(probed_at, walked_at or 0), updated_at)
                notes = notes._replace(stored_token=token)
                notes = verified_pair.keep(self._context, self._registry.name, notes, pair, probed_at=probed_at)
            self._write_notes_if_possible(notes)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """With the registry's lock, and only while nobody has signed out. Raises Busy, SignInEnded."""
        with registry_notes.alone(self._registry.name, LOCK_SECONDS):
            if self.is_superseded():
                raise errors.SignInEnded(registry=self._registry.name)
            yield

    def _write_notes(self, notes: Notes) -> None:
        registry_notes.save(self._registry.name, notes)

    def _save_if_possible(self, sign_in: SignIn) -> None:
        """The tokens are kept, and the pair is Harbor's: it is handed out this once, and asked for anew."""
        try:
            self.store.save_sign_in(self._registry.name, sign_in)
        except Failure as failure:
            self._tell(str(failure))

    def _write_notes_if_possible(self, notes: Notes) -> None:
        """What the provider gave counts for more, and all of the notes can be found out anew."""
        try:
            self._write_notes(notes)
        except errors.NotWritable as fault:
            self._tell(str(fault))
