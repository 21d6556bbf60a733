"""Whether an ID token may go to its registry: not where the Harbor of another configured registry takes it as well.

Whoever gets an ID token can show it to every Harbor whose client its `aud` has, and is told the person's CLI secret
there. What another registry says of its Harbor's client counts if the provider has vouched for it (the pin), or where
nothing better is to be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docker_credential_harbor import registry_state
from docker_credential_harbor.errors import AudienceShared
from docker_credential_harbor.model import ReleasedIdToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker_credential_harbor.model import Registry, TokenSet
    from docker_credential_harbor.registry_state import Notes


def released(registries: Mapping[str, Registry], registry: Registry, notes: Notes, tokens: TokenSet) -> ReleasedIdToken:
    """The ID token, to be sent to the registry. Raises AudienceShared."""
    check(registries, registry, notes, tokens)
    return ReleasedIdToken(tokens.id_token)


def check(registries: Mapping[str, Registry], registry: Registry, notes: Notes, tokens: TokenSet) -> None:
    """Looks at the notes on the other registries, where there are any. Raises AudienceShared."""
    for other in registries.values():
        if other.name == registry.name:
            continue
        client_id = shared_client(registry, notes, other, registry_state.load(other.name), tokens)
        if client_id:
            raise AudienceShared(
                registry=registry.name, client_id=registry.client_id, other=other.name, harbor_client_id=client_id
            )


def shared_client(
    registry: Registry, notes: Notes, other: Registry, others_notes: Notes, tokens: TokenSet
) -> str | None:
    """The client of the other registry's Harbor, where that takes the ID token and must not get to know of it.

    Two Harbors can share one client: then each gets the other's tokens anyway, if the provider has vouched for it.
    """
    if others_notes.pin and others_notes.pin.issuer == tokens.issuer:
        client_id, ours = others_notes.pin.harbor_client_id, ""
    elif _is_of_the_same_provider(notes, other, others_notes, tokens) and others_notes.redirect:
        # Unproven: a registry that says so of our own client must not keep us from everywhere else.
        client_id, ours = others_notes.redirect.client_id, registry.client_id
    else:
        return None
    own = notes.pin.harbor_client_id if notes.pin and notes.pin.issuer == tokens.issuer else ""
    return client_id if client_id in tokens.audience and client_id not in (own, ours) else None


def _is_of_the_same_provider(notes: Notes, other: Registry, others_notes: Notes, tokens: TokenSet) -> bool:
    if other.client_id:  # a sign-in was made, or would be; not where the provider does not vouch
        found = None if others_notes.word else others_notes.provider
        return tokens.issuer in (other.issuer, found.issuer if found else None)
    redirect = others_notes.redirect
    return bool(
        redirect and notes.provider and redirect.authorization_endpoint == notes.provider.authorization_endpoint
    )
