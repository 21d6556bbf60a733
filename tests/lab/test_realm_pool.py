"""A realm that another test has used is as if it was new, or is not handed out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.lab.own_sign_in import sign_in
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.lab.realm_pool import RealmPool
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.keycloak import Keycloak
    from tests.lab.person import CookiePerson
    from tests.lab.realm import Realm


def clients(realm: Realm) -> dict[str, Any]:
    """Both, without what Keycloak makes anew each time."""
    return {name: without_identifiers(realm.client(name)) for name in (HARBOR_CLIENT, HELPER_CLIENT)}


def without_identifiers(value: Any) -> Any:
    if isinstance(value, dict):
        own = ("id", "client.secret.creation.time")
        return {name: without_identifiers(member) for name, member in value.items() if name not in own}
    return sorted(map(without_identifiers, value), key=repr) if isinstance(value, list) else value


def test_people_and_clients_are_anew(keycloak: Keycloak, person: CookiePerson) -> None:
    pool = RealmPool(keycloak)
    realm = pool.take()
    before, alice = clients(realm), realm.subject("alice")
    sign_in(realm, person, WITH_OFFLINE)
    realm.add_audience(HARBOR_CLIENT, "wiki")
    realm.update_client(HARBOR_CLIENT, redirectUris=["*"], consentRequired=True, secret="another")
    realm.remove_offline_scope(HELPER_CLIENT)
    realm.remove_client(HELPER_CLIENT)
    realm.add_client({"clientId": HELPER_CLIENT, "publicClient": False})
    realm.add_client({"clientId": "wiki", "secret": "s"})
    assert clients(realm) != before
    pool.give_back(realm)

    assert pool.take() is realm
    assert clients(realm) == before
    assert keycloak.admin("GET", f"/admin/realms/{realm.name}/clients", params={"clientId": "wiki"}) == []
    assert realm.subject("alice") != alice
    assert realm.sessions("alice") == []
    assert realm.token_requests(kind="LOGIN") == 0
    person.forget_cookies()
    assert "id_token" in sign_in(realm, person, WITH_OFFLINE)
    assert person.forms == 2
    realm.delete()


def test_kerberos_is_gone_again(keycloak: Keycloak, tmp_path: Path) -> None:
    pool = RealmPool(keycloak)
    realm = pool.take()
    realm.federate_kerberos("CORP.TEST", tmp_path / "keytab")
    pool.give_back(realm)
    assert pool.take() is realm
    path = f"/admin/realms/{realm.name}"
    kind = "org.keycloak.storage.UserStorageProvider"
    assert keycloak.admin("GET", f"{path}/components", params={"type": kind}) == []
    profile = keycloak.admin("GET", f"{path}/users/profile")
    assert [each["name"] for each in profile["attributes"] if "required" in each] == ["email", "firstName", "lastName"]
    assert realm.subject("alice")
    realm.delete()


def test_one_that_was_changed_otherwise_is_removed(keycloak: Keycloak) -> None:
    pool = RealmPool(keycloak)
    realm = pool.take()
    realm.update(accessTokenLifespan=1)
    pool.give_back(realm)
    with pytest.raises(requests.HTTPError, match="404"):
        realm.subject("alice")
    another = pool.take()
    assert another.name != realm.name
    another.delete()
