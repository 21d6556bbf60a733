"""The step that refreshes our own tokens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from docker_credential_harbor.policy.known import Refresh

if TYPE_CHECKING:
    from docker_credential_harbor.inquiry.state import Inquiry


def refresh(look: Inquiry) -> None:
    """A refresh token that is refused is a finding; so is an answer without a new ID token (OIDC Core 12.2)."""
    account = look.account
    if account.refresh() and account.sign_in and not account.sign_in.tokens.id_token_is_over(time.time()):
        look.learn(refresh=Refresh.FRESH, id_token_expired=False, user=None)
    else:
        look.learn(refresh=Refresh.INVALID_GRANT)
