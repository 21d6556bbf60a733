"""The three installations that this project has to serve: options of the realm, of Harbor and of who is known to it.

Each is one value: `make_workplace(**OVHCLOUD.options())` and `make_desk(…)` build it; what a test changes is laid over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.lab.realm import GROUPS_CLAIM

USERS_GROUP, ADMIN_GROUP = "registry-users", "registry-admins"
GROUPS = {USERS_GROUP: ("alice", "bob"), ADMIN_GROUP: ("bob",)}


@dataclass(frozen=True)
class Installation:
    """Options of `realm_representation` and of `StandInHarbor.start`; whether alice is in Harbor already."""

    realm: dict[str, Any] = field(default_factory=dict)
    harbor: dict[str, Any] = field(default_factory=dict)
    onboarded: bool = False

    def options(
        self, *, realm: dict[str, Any] | None = None, harbor: dict[str, Any] | None = None, **others: Any
    ) -> dict[str, Any]:
        """Options of `make_workplace`, with what differs from the installation as it comes."""
        own = {"realm": {**self.realm, **(realm or {})}, "harbor": {**self.harbor, **(harbor or {})}}
        return {**own, "onboarded": self.onboarded, **others}


# Access through a group; the person picks the Harbor name at the first login and can never change it.
KEYCLOAK_BY_HAND = Installation(
    realm={"groups": GROUPS},
    harbor={"scopes": "openid profile email", "groups_claim": GROUPS_CLAIM},
)

# OVHcloud's Managed Private Registry: offline_access, groups claim and admin group, Harbor onboards by itself.
OVHCLOUD = Installation(
    realm={"groups": GROUPS},
    harbor={
        "scopes": "openid profile email offline_access",
        "auto_onboard": True,
        "groups_claim": GROUPS_CLAIM,
        "admin_group": ADMIN_GROUP,
    },
)

# Otomi: tokens of a minute, and no refresh token for Harbor to keep.
OTOMI = Installation(
    realm={"access_token_lifespan": 60, "harbor_attributes": {"use.refresh.tokens": "false"}},
    harbor={"scopes": "openid profile email", "auto_onboard": True},
)
