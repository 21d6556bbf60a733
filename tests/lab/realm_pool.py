"""Realms, one test after another: making one and removing it costs Keycloak a second, renewing it a tenth of that."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from tests.lab.keycloak import Keycloak
    from tests.lab.realm import Realm


class RealmPool:
    """Those of one process. A realm is nobody else's until it is given back."""

    def __init__(self, keycloak: Keycloak) -> None:
        self._keycloak = keycloak
        self._idle: dict[str, list[Realm]] = {}

    def take(self, **options: Any) -> Realm:
        """A realm by the options of `realm_representation`: as if it was new, but for its name and keys."""
        kind = repr(sorted(options.items()))
        idle = self._idle.setdefault(kind, [])
        return idle.pop() if idle else self._keycloak.realm(**options)

    def give_back(self, realm: Realm, **options: Any) -> None:
        """One that cannot be renewed is removed at once: each further one takes Keycloak longer."""
        with suppress(requests.RequestException):  # it goes with the Keycloak at the latest
            if realm.is_renewable():
                realm.renew()
                self._idle[repr(sorted(options.items()))].append(realm)
            else:
                realm.delete()
