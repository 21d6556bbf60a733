"""The step that refreshes our own tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.account import own_tokens
from docker_credential_harbor.policy.known import Refresh

if TYPE_CHECKING:
    from docker_credential_harbor.inquiry.state import Inquiry


def refresh(look: Inquiry) -> None:
    """A refresh token that is refused is a finding."""
    assert look.sign_in
    found, look.notes = own_tokens.provider_of(look.http, look.registry, look.notes)
    fresh = own_tokens.refresh(look.http, found, look.registry, look.sign_in, look.context.store)
    if fresh is None:
        look.learn(refresh=Refresh.INVALID_GRANT)
        return
    look.sign_in = fresh
    if own_tokens.id_token_expired(fresh, time.time()):  # OIDC Core 12.2: an answer may come without a new one
        look.learn(refresh=Refresh.INVALID_GRANT)
        return
    look.learn(refresh=Refresh.FRESH, id_token_expired=False, user=None)
