"""What is kept of one registry: notes, stored pair and our own sign-in; and what is done to keep it true.

Whoever changes one holds the registry's lock from its making on. The notes are changed here, and written by
``save_notes``: a `get` does that once, at its end. Tokens and pairs are written at once.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from docker_credential_harbor.account import own_tokens, shared_audience, trusted_provider, verified_pair
from docker_credential_harbor.storage import registry_lock, registry_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker_credential_harbor.context import Context
    from docker_credential_harbor.model import (
        Credentials,
        LoginRedirect,
        Provider,
        Registry,
        ReleasedIdToken,
        SignIn,
        StoredPair,
        StoredToken,
        TokenSet,
    )
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.registry_notes import Notes


class Account:
    """Each part is read when it is first asked for. What reads the store raises Store… errors, what saves NotWritable.

    ``http``: the session for the registry and its provider; None: one within the context's time, once it is needed.
    """

    def __init__(self, context: Context, registry: Registry, http: Transport | None = None) -> None:
        self.context = context
        self.registry = registry
        if http is not None:
            self.http = http

    @cached_property
    def http(self) -> Transport:
        return self.context.transport(self.registry)

    @cached_property
    def notes(self) -> Notes:
        return registry_notes.load(self.registry.name)

    @cached_property
    def stored(self) -> StoredPair | None:
        """The pair that somebody stored."""
        return self.context.store.load_stored(self.registry.key)

    @cached_property
    def sign_in(self) -> SignIn | None:
        """Our own; None where a stored pair goes first."""
        return None if self.stored else self.load_sign_in()

    def load_sign_in(self) -> SignIn | None:
        """Our own, at the provider that is configured, whether or not a stored pair goes first."""
        kept = self.context.store.load_sign_in(self.registry.name)
        return kept if kept and own_tokens.belongs_to(kept, self.registry) else None

    @property
    def pair(self) -> Credentials | None:
        """The last known one."""
        if self.stored:
            return self.stored.pair
        return self.sign_in.pair if self.sign_in else None

    @property
    def stored_token(self) -> StoredToken:
        """What is known of the one that Harbor stored."""
        return self.notes.stored_token

    @stored_token.setter
    def stored_token(self, known: StoredToken) -> None:
        self.notes = self.notes._replace(stored_token=known)

    # --- Our own tokens -----------------------------------------------------------------------------------------------

    def provider(self) -> Provider:
        """The registry's, noted for a day. Raises Unreachable, ProviderNotFound, …"""
        found, self.notes = own_tokens.provider_of(self.http, self.registry, self.notes)
        return found

    def provider_asked(self, redirect: LoginRedirect, before: SignIn | None, *, anew: bool) -> Provider:
        """The one that Harbor's login has just named, and its word on the registry, both noted (trusted_provider.py).

        Raises, with nothing noted, what trusted_provider.asked raises.
        """
        found, notes = own_tokens.provider_of(self.http, self.registry, self.notes, redirect)
        self.notes = trusted_provider.asked(self.http, self.registry, redirect, found, notes, before, anew=anew)
        return found

    def refresh(self, *, outlives_caller: bool = False) -> bool:
        """Whether the sign-in has fresh tokens, which are saved by then; False: the provider refused.

        The rest is as in own_tokens.refresh.
        """
        assert self.sign_in
        found = self.provider()
        fresh = own_tokens.refresh(
            self.http, found, self.registry, self.sign_in, self.context.store, outlives_caller=outlives_caller
        )
        self.sign_in = fresh or self.sign_in
        return fresh is not None

    def id_token(self) -> ReleasedIdToken:
        """For Harbor. Raises AudienceMissing, AudienceShared, AudienceUnknown, Unreachable."""
        assert self.sign_in
        return self.release(self.sign_in.tokens).id_token()

    def release(self, tokens: TokenSet) -> shared_audience.Release:
        """Whether the registry gets their ID token; what is found out about that is noted."""
        registries = self.context.settings.registries
        return shared_audience.Release(registries, self.registry, tokens, self.notes, self.http, self._note)

    def _note(self, notes: Notes) -> None:
        self.notes = notes

    # --- What is kept -------------------------------------------------------------------------------------------------

    def keep_verified(self, pair: Credentials, probed_at: float) -> None:
        """The pair passed the probe that began then: noted, and remembered for the trust window."""
        self.notes = verified_pair.keep(self.context, self.registry.name, self.notes, pair, probed_at=probed_at)

    def forget_verified(self) -> None:
        """What is remembered is forgotten at once, and what was true of that pair."""
        self.notes = verified_pair.forget(self.registry.name, self.notes)

    def save_sign_in(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self.context.store.save_sign_in(self.registry.name, sign_in)

    def save_notes(self) -> None:
        registry_notes.save(self.registry.name, self.notes)


@contextmanager
def locked_account(context: Context, registry: Registry) -> Iterator[Account]:
    """With the registry's lock, which is waited for within the context's time. Raises Busy, NotWritable."""
    with registry_lock.held(registry.name, context.lock_seconds):
        yield Account(context, registry)
