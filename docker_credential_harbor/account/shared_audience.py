"""Whether an ID token may go to its registry: not where the Harbor of another configured registry takes it as well.

Whoever gets an ID token can show it to every Harbor whose client its `aud` has, and is told the person's CLI secret
there. What a registry says of its Harbor's client counts if the provider has vouched for it (the pin), or where
nothing better is to be had. As a rule the notes tell: a request is made only where `aud` has more than our client and
this Harbor's, or where two registries name the same client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docker_credential_harbor.account import own_tokens, trusted_provider
from docker_credential_harbor.errors import (
    AudienceMissing,
    AudienceShared,
    AudienceUnknown,
    Failure,
    NotOidcMode,
)
from docker_credential_harbor.model import ReleasedIdToken
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.storage import registry_lock, registry_notes
from docker_credential_harbor.system import console

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker_credential_harbor.model import LoginRedirect, Provider, Registry, TokenSet
    from docker_credential_harbor.remote.web.transport import Transport
    from docker_credential_harbor.storage.registry_notes import Notes

OPENID = "openid"  # all that an authorization request must ask for (OIDC Core 3.1.2.1)


class Release:
    """Of the ID token in ``tokens`` to its registry, by the ``notes`` on that and on ``registries``, all of them.

    ``http``: the registry's own. ``keep`` is given the notes where something was found out that spares requests;
    ``anew``: what the provider said against the registry may have changed.
    """

    def __init__(
        self,
        registries: Mapping[str, Registry],
        registry: Registry,
        tokens: TokenSet,
        notes: Notes,
        http: Transport,
        keep: Callable[[Notes], None] | None = None,
        *,
        anew: bool = False,
    ) -> None:
        self.others = [other for other in registries.values() if other.name != registry.name]
        self.registry = registry
        self.tokens = tokens
        self.notes = notes
        self.http = http
        self.keep = keep
        self.anew = anew
        self.asked_to_vouch = False

    def id_token(self) -> ReleasedIdToken:
        """To be sent to the registry. Raises AudienceMissing, and what ``check`` raises."""
        self._check_own_client()
        self.check()
        return ReleasedIdToken(self.tokens.id_token)

    def check(self) -> None:
        """That no other one's Harbor takes it. Raises AudienceShared, AudienceUnknown, Unreachable."""
        for other in self.others:
            self._check_beside(other)

    def _check_own_client(self) -> None:
        """Else it is no use at this Harbor, which may have got another client since."""
        known = self.notes.redirect
        if known is None or known.client_id in self.tokens.audience:
            return
        redirect = harbor.login_redirect(self.http, self.registry)
        if redirect.client_id not in self.tokens.audience:
            raise AudienceMissing(
                registry=self.registry.name, client_id=self.registry.client_id, harbor_client_id=redirect.client_id
            )
        self._keep(self.notes._replace(redirect=redirect))

    def _check_beside(self, other: Registry) -> None:
        others_notes = registry_notes.load(other.name)
        if not self._is_in_doubt(other, others_notes):
            return
        self._ask_to_vouch()
        if not self._is_in_doubt(other, others_notes):
            return
        if _is_unasked(other, others_notes, self.tokens):
            others_notes = self._asked(other, others_notes)
        client_id = self._shared_client(other, others_notes)
        if client_id and self._is_its_own(other, others_notes):
            raise AudienceShared(registry=self.registry.name, other=other.name, harbor_client_id=client_id)

    def _is_in_doubt(self, other: Registry, others_notes: Notes) -> bool:
        if _is_unasked(other, others_notes, self.tokens):
            return bool(further_audience(self.registry, self.notes, self.tokens))
        return self._shared_client(other, others_notes) is not None

    def _shared_client(self, other: Registry, others_notes: Notes) -> str | None:
        return shared_client(self.registry, self.notes, other, others_notes, self.tokens)

    def _ask_to_vouch(self) -> None:
        """Once, and where it has not vouched that the client which Harbor names is this one's own.

        The configured issuer is a person's word for the provider alone, so it is asked there, too.
        """
        redirect = self.notes.redirect
        own = vouched_client(self.notes, self.tokens)
        if self.asked_to_vouch or (own and redirect and redirect.client_id == own):
            return
        self.asked_to_vouch = True
        redirect = harbor.login_redirect(self.http, self.registry)
        found, notes = own_tokens.provider_of(self.http, self.registry, self.notes, redirect)
        if found.issuer != self.tokens.issuer:
            return  # it may be a provider of the registry's own making: nothing of that is kept
        self._keep(notes._replace(redirect=redirect))
        self._keep(self._with_word(redirect, found))

    def _with_word(self, redirect: LoginRedirect, found: Provider) -> Notes:
        registry, notes = self.registry, self.notes
        if registry.issuer:
            registry = registry._replace(issuer=None)
            notes = notes._replace(pin=notes.pin if vouched_client(notes, self.tokens) else None)
            found = found._replace(iss_parameter_supported=True)  # a person has said what that would show
        try:
            asked = trusted_provider.asked(self.http, registry, redirect, found, notes, None, anew=self.anew)
        except trusted_provider.REFUSALS as refusal:
            console.trace(f"{registry.name}: {refusal}")
            return self.notes
        return asked._replace(pin=asked.pin or self.notes.pin)

    def _asked(self, other: Registry, others_notes: Notes) -> Notes:
        """The notes on a registry that was never asked from here, with its Harbor's client. Raises AudienceUnknown."""
        try:
            redirect = harbor.login_redirect(self.http.for_another(other.ca_file), other)
        except NotOidcMode:  # it takes no ID token
            return others_notes
        except Failure as failure:
            raise AudienceUnknown(registry=self.registry.name, other=other.name) from failure
        _note(other, redirect=redirect)
        return others_notes._replace(redirect=redirect)

    def _is_its_own(self, other: Registry, others_notes: Notes) -> bool:
        """Whether the client that the other registry names is its Harbor's, as far as the provider tells.

        It may name any, to keep us from here; but its Harbor may call itself otherwise than it is called here.
        """
        redirect = others_notes.redirect
        if other.issuer or vouched_client(others_notes, self.tokens) or redirect is None:
            return True
        if urlsplit(redirect.redirect_uri).path != harbor.CALLBACK_PATH:
            return False  # no Harbor's, and of any length
        found, _ = own_tokens.provider_of(self.http, self.registry, self.notes)
        if found.issuer != self.tokens.issuer:
            return True  # whoever has put that there must not tell
        redirect = redirect._replace(scopes=(OPENID,), further=())
        word = trusted_provider.word_noted(others_notes, trusted_provider.pin_for(redirect, found))
        if word is None:
            word = trusted_provider.asked_of_own(self.http, other, redirect, found)
            if not word.takes_own:
                _note(other, word=word)
        return word.takes_own

    def _keep(self, notes: Notes) -> None:
        self.notes = notes
        if self.keep:
            self.keep(notes)


def shared_client(
    registry: Registry, notes: Notes, other: Registry, others_notes: Notes, tokens: TokenSet
) -> str | None:
    """The client of the other registry's Harbor, where that takes the ID token and must not get to know of it.

    Two Harbors can share one client: then each gets the other's tokens anyway, if the provider has vouched for it.
    """
    client_id, ours = vouched_client(others_notes, tokens), ""
    if not client_id and others_notes.redirect and _is_of_the_same_provider(notes, other, others_notes, tokens):
        # Unproven: a registry that says so of our own client must not keep us from everywhere else.
        client_id, ours = others_notes.redirect.client_id, registry.client_id
    own = vouched_client(notes, tokens)
    return client_id if client_id and client_id in tokens.audience and client_id not in (own, ours) else None


def vouched_client(notes: Notes, tokens: TokenSet) -> str:
    """The client that is the registry's Harbor's by the word of the tokens' provider; empty: of none it has vouched."""
    return notes.pin.harbor_client_id if notes.pin and notes.pin.issuer == tokens.issuer else ""


def further_audience(registry: Registry, notes: Notes, tokens: TokenSet) -> set[str]:
    """For whom the ID token is beside our client and the one that is this Harbor's for certain."""
    return set(tokens.audience) - {registry.client_id, vouched_client(notes, tokens)}


def _is_unasked(other: Registry, others_notes: Notes, tokens: TokenSet) -> bool:
    """Whether nothing is known of its Harbor's client, which may be at the tokens' provider."""
    redirect = others_notes.redirect
    is_known = (redirect and redirect.redirect_uri) or vouched_client(others_notes, tokens)
    return not is_known and other.issuer in (None, tokens.issuer)


def _is_of_the_same_provider(notes: Notes, other: Registry, others_notes: Notes, tokens: TokenSet) -> bool:
    """Whether it names the tokens' provider, as far as is known; what this registry has led to since does not tell."""
    if other.client_id and other.issuer:
        return other.issuer == tokens.issuer
    if notes.provider is None or notes.provider.issuer != tokens.issuer:
        return True
    if other.client_id and others_notes.provider and others_notes.provider.issuer == tokens.issuer:
        return True
    redirect = others_notes.redirect
    return bool(redirect and redirect.authorization_endpoint == notes.provider.endpoint_without_query)


def _note(other: Registry, **found: Any) -> None:
    """So that it is asked once; not where somebody else is about to write the notes on it."""
    try:
        with registry_lock.held(other.name, 0):
            registry_notes.save(other.name, registry_notes.load(other.name)._replace(**found))
    except Failure as failure:
        console.trace(f"{other.name}: not noted: {failure}")
