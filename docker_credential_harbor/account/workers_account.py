"""What is kept of one registry, for the worker, which does not hold its lock throughout.

Each save takes the registry's lock, goes onto the account as it is read again then, and is made only while nobody has
signed out.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from docker_credential_harbor import errors
from docker_credential_harbor.account import shared_audience
from docker_credential_harbor.account.account import Account
from docker_credential_harbor.errors import Failure
from docker_credential_harbor.policy import next_step, trust_window
from docker_credential_harbor.storage import registry_lock, registry_notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import (
        Credentials,
        LoginRedirect,
        Provider,
        Registry,
        ReleasedIdToken,
        SignIn,
        TokenSet,
    )
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.registry_notes import Notes

LOCK_SECONDS = 30  # for the registry's lock, to save


class WorkersAccount:
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
        kept = Account(context, registry, http)
        self.stored = kept.stored
        self.sign_in = kept.load_sign_in()

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
        if self.sign_in.tokens.id_token_is_over(time.time()) and not self._refresh_refused:
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
        with self._locked_account() as account:
            account.sign_in = self.store.load_sign_in(self._registry.name)
            if account.sign_in and not account.sign_in.tokens.id_token_is_over(time.time()):
                self.sign_in = account.sign_in  # another process was quicker
                return
            account.provider()
            account.save_notes()
            if account.sign_in and account.refresh(outlives_caller=True):
                self.sign_in = account.sign_in
            else:
                self._refresh_refused = True

    # --- The provider -------------------------------------------------------------------------------------------------

    def provider_asked(self, redirect: LoginRedirect, *, anew: bool) -> tuple[Provider, Notes]:
        """As in Account, with Harbor's login and the notes that have it all, which are saved by then."""
        account = Account(self._context, self._registry, self._http)
        found = account.provider_asked(redirect, self.sign_in, anew=anew)
        account.notes = account.notes._replace(redirect=redirect)
        self.keep_provider(account.notes)
        return found, account.notes

    # --- What is saved ------------------------------------------------------------------------------------------------

    def keep_provider(self, found: Notes) -> None:
        """Of these notes what is about the provider."""
        with self._locked_account() as account:
            account.notes = registry_notes.with_provider(account.notes, found)
            account.save_notes()

    def count_as_declined(self) -> None:
        """Until it ended in a working pair: whoever kills this process has declined, too."""
        with self._locked_account() as account:
            declines = 0 if self._context.asked else account.notes.declines
            account.notes = account.notes._replace(declines=declines + 1, declined_at=time.time())
            account.save_notes()

    def save_sign_in(self, sign_in: SignIn) -> None:
        """A new one: what was true of the last pair is forgotten."""
        with self._locked_account() as account:
            account.forget_verified()
            account.stored_token = trust_window.of_anybody(account.stored_token)  # until the walk that follows
            self._save_notes_if_possible(account)
            account.save_sign_in(sign_in)
        self.sign_in = sign_in

    def save_verified(
        self, pair: Credentials, *, walked_at: float | None, probed_at: float, updated_at: str = ""
    ) -> None:
        """The pair that passes, onto what is kept now: another process may have refreshed, or stored a pair meanwhile.

        ``walked_at``: the earliest instant at which Harbor stored its new token; None: nothing shows that it did.
        ``updated_at``: as in StoredToken.
        """
        with self._locked_account() as account:
            account.notes = account.notes._replace(declines=0, declined_at=None)
            if self.stored is None:
                self._save_pair_if_possible(account, pair)
            if (account.stored.pair if account.stored else None) == (self.stored.pair if self.stored else None):
                token = trust_window.of_anybody(account.stored_token)
                if not self.stored:
                    token = trust_window.after_walk(token, walked_at, max(probed_at, walked_at or 0), updated_at)
                account.stored_token = token
                account.keep_verified(pair, probed_at)
            self._save_notes_if_possible(account)

    @contextmanager
    def _locked_account(self) -> Iterator[Account]:
        """What is kept now, with the registry's lock, and only while nobody has signed out."""
        with registry_lock.held(self._registry.name, LOCK_SECONDS):
            account = Account(self._context, self._registry, self._http)
            if account.notes.generation != self._generation:
                raise errors.SignInEnded(registry=self._registry.name)
            yield account

    def _save_pair_if_possible(self, account: Account, pair: Credentials) -> None:
        """The tokens are kept, and the pair is Harbor's: it is handed out this once, and asked for anew."""
        kept = self.store.load_sign_in(self._registry.name)
        if kept is None:
            raise errors.SignInEnded(registry=self._registry.name)
        try:
            account.save_sign_in(kept._replace(pair=pair))
        except Failure as failure:
            self._tell(str(failure))

    def _save_notes_if_possible(self, account: Account) -> None:
        """What the provider gave counts for more, and all of the notes can be found out anew."""
        try:
            account.save_notes()
        except errors.NotWritable as fault:
            self._tell(str(fault))
