"""One Keycloak realm as Harbor and the helper need it, and the weather that tests make in it.

Source: Keycloak's Admin REST API (RealmRepresentation, ClientRepresentation, the resources under /admin/realms/NAME).
"""

from __future__ import annotations

import copy
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.lab.clock import Clock
    from tests.lab.keycloak import Keycloak

KEY_PROVIDER = "org.keycloak.keys.KeyProvider"
HARBOR_CLIENT = "harbor"
HARBOR_CLIENT_SECRET = "harbor-client-secret"
HELPER_CLIENT = "docker-credential-harbor"
GROUPS_CLAIM = "groups"
GROUPS_MAPPER: dict[str, Any] = {
    "name": GROUPS_CLAIM,
    "protocol": "openid-connect",
    "protocolMapper": "oidc-group-membership-mapper",
    "config": {"claim.name": GROUPS_CLAIM, "full.path": "false", "id.token.claim": "true"},
}
PLAIN_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d+)?")
AS_IMPORTED = {"post.logout.redirect.uris": "+"}  # what a client gets that comes with its realm, and not alone
HELPER_ATTRIBUTES = {"pkce.code.challenge.method": "S256", "oauth2.device.authorization.grant.enabled": "true"}
RENEWABLE = re.compile(r"(POST|PUT|DELETE) /(clients|components|users/profile)\b")
PEOPLE = ("alice", "bob", "carol")
EVENTS = ["LOGIN", "CODE_TO_TOKEN", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN", "REFRESH_TOKEN_ERROR", "REVOKE_GRANT"]


def password_of(user: str) -> str:
    """Everybody's password in every realm of the lab."""
    return f"{user}-password"


def realm_representation(
    name: str,
    *,
    access_token_lifespan: int = 300,
    revoke_refresh_token: bool = False,
    audience_mapper: bool = True,
    offline_role: bool = True,
    people: tuple[str, ...] = PEOPLE,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    harbor_attributes: Mapping[str, str] | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """The realm as JSON; times in seconds. `attributes` are RealmRepresentation fields (ssoSessionIdleTimeout, …).

    `groups`: the members of each; Harbor's ID tokens then have them in the claim `groups`. `harbor_attributes`: of
    Harbor's client (use.refresh.tokens, …).
    """
    groups = groups or {}
    roles = [f"default-roles-{name}"] if offline_role else []  # without one, offline_access is refused
    return {
        "realm": name,
        "enabled": True,
        "sslRequired": "none",
        "accessTokenLifespan": access_token_lifespan,
        "revokeRefreshToken": revoke_refresh_token,
        "refreshTokenMaxReuse": 0,
        # The default hash is made to be slow.
        "passwordPolicy": "hashAlgorithm(pbkdf2-sha256) and hashIterations(1)",
        "eventsEnabled": True,
        "enabledEventTypes": EVENTS,
        "components": {KEY_PROVIDER: _keys()},
        "clients": [_harbor_client(harbor_attributes or {}, bool(groups)), _helper_client(audience_mapper)],
        "groups": [{"name": group} for group in groups],
        "users": [_user(person, roles, [group for group in groups if person in groups[group]]) for person in people],
        **attributes,
    }


def _keys() -> list[dict[str, Any]]:
    """What Keycloak makes for a new realm, but for its RSA keys: two of them take it a second of a processor."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return [
        {
            "name": "rsa",
            "providerId": "rsa",
            "config": {"priority": ["100"], "privateKey": [b64encode(encoded).decode()]},
        },
        {"name": "hmac", "providerId": "hmac-generated", "config": {"priority": ["100"], "algorithm": ["HS512"]}},
        {"name": "aes", "providerId": "aes-generated", "config": {"priority": ["100"]}},
    ]


def _harbor_client(attributes: Mapping[str, str], groups: bool) -> dict[str, Any]:
    return {
        "clientId": HARBOR_CLIENT,
        "secret": HARBOR_CLIENT_SECRET,
        # Keycloak lets a loopback address without a port stand for every port.
        "redirectUris": ["http://127.0.0.1/c/oidc/callback", "http://localhost/c/oidc/callback"],
        "attributes": {**AS_IMPORTED, **attributes},
        "protocolMappers": [GROUPS_MAPPER] if groups else [],
    }


def _helper_client(audience_mapper: bool) -> dict[str, Any]:
    return {
        "clientId": HELPER_CLIENT,
        "publicClient": True,
        "redirectUris": ["http://127.0.0.1/callback"],
        "attributes": {**AS_IMPORTED, **HELPER_ATTRIBUTES},
        "protocolMappers": [_audience_mapper(HARBOR_CLIENT)] if audience_mapper else [],
    }


def _audience_mapper(client_id: str) -> dict[str, Any]:
    return {
        "name": f"audience {client_id}",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": client_id, "id.token.claim": "true"},
    }


def _user(name: str, roles: list[str], groups: list[str]) -> dict[str, Any]:
    return {
        "username": name,
        "enabled": True,
        # Without e-mail and both names sign-in would stop at a profile form.
        "email": f"{name}@example.com",
        "emailVerified": True,
        "firstName": name.capitalize(),
        "lastName": name[0].upper(),
        "credentials": [{"type": "password", "value": password_of(name)}],
        "realmRoles": roles,
        "groups": groups,
    }


class Realm:
    """A realm of its own. All its times are seconds."""

    # Keycloak's is the machine's; see `Workplace.let_pass`.
    clock: Clock | None = None

    def __init__(self, keycloak: Keycloak, name: str, representation: dict[str, Any]) -> None:
        self.keycloak = keycloak
        self.url = keycloak.url
        self.name = name
        self.harbor_secret = HARBOR_CLIENT_SECRET
        self._path = f"/admin/realms/{name}"
        self._representation = representation
        self.people = tuple(user["username"] for user in representation["users"])
        self._changes: list[str] = []  # by an administrator; one list for all that see it, see `through`
        self._undo: list[Callable[[], object]] = []

    def through(self, url: str) -> Realm:
        """The same realm as seen through a proxy at `url`: Keycloak takes its own address from the request."""
        seen = copy.copy(self)
        seen.url = url
        return seen

    @property
    def issuer(self) -> str:
        """The issuer, at the server itself or, see `through`, at a proxy."""
        return f"{self.url}/realms/{self.name}"

    def endpoint(self, name: str) -> str:
        """One of the protocol's endpoints: auth, token, revoke, certs, auth/device."""
        return f"{self.issuer}/protocol/openid-connect/{name}"

    def password(self, user: str) -> str:
        """That person's password."""
        return password_of(user)

    def subject(self, user: str) -> str:
        """The `sub` of that person's tokens."""
        found = self._admin("GET", "/users", params={"username": user, "exact": "true"})
        return str(found[0]["id"])

    def update(self, **attributes: Any) -> None:
        """Changes RealmRepresentation fields, such as accessTokenLifespan."""
        self._admin("PUT", "", json=attributes)

    def update_client(self, client_id: str, **attributes: Any) -> None:
        """Changes ClientRepresentation fields of one client; `attributes` inside it are merged."""
        client = self.client(client_id)
        merged = {**client.get("attributes", {}), **attributes.pop("attributes", {})}
        self._admin("PUT", f"/clients/{client['id']}", json={**client, **attributes, "attributes": merged})

    def client(self, client_id: str) -> dict[str, Any]:
        """One client as Keycloak has it."""
        found: list[dict[str, Any]] = self._admin("GET", "/clients", params={"clientId": client_id})
        return found[0]

    def add_client(self, representation: Mapping[str, Any]) -> None:
        """As an administrator imports one."""
        self._admin("POST", "/clients", json=dict(representation))
        search = {"clientId": representation["clientId"]}
        self._undo.append(lambda: self._remove_found("/clients", search))

    def show_groups_to(self, client_id: str) -> None:
        """That client's ID tokens have everybody's groups in them, too."""
        self._add_mapper(client_id, GROUPS_MAPPER)

    def hide_groups_from(self, client_id: str) -> None:
        """They are taken out again."""
        path = f"/clients/{self.client(client_id)['id']}/protocol-mappers/models"
        [mapper] = [found for found in self._admin("GET", path) if found["name"] == GROUPS_CLAIM]
        self._admin("DELETE", f"{path}/{mapper['id']}")

    def make_pairwise(self, client_id: str) -> None:
        """That client gets a `sub` of its own for everybody (OIDC Core 8.1)."""
        kind = {"protocol": "openid-connect", "protocolMapper": "oidc-sha256-pairwise-sub-mapper"}
        self._add_mapper(client_id, {"name": "pairwise", **kind, "config": {"pairwiseSubAlgorithmSalt": "salt"}})

    def add_audience(self, client_id: str, audience: str) -> None:
        """That client's ID tokens are for another client, too."""
        self._add_mapper(client_id, _audience_mapper(audience))

    def add_audience_scope(self, client_id: str, name: str, audience: str) -> None:
        """They are, where this optional client scope is asked for."""
        mapper = _audience_mapper(audience)
        self._admin(
            "POST", "/client-scopes", json={"name": name, "protocol": "openid-connect", "protocolMappers": [mapper]}
        )
        [scope] = [each for each in self._admin("GET", "/client-scopes") if each["name"] == name]
        self._admin("PUT", f"/clients/{self.client(client_id)['id']}/optional-client-scopes/{scope['id']}")

    def _add_mapper(self, client_id: str, mapper: Mapping[str, Any]) -> None:
        path = f"/clients/{self.client(client_id)['id']}/protocol-mappers/models"
        self._admin("POST", path, json=dict(mapper))

    def remove_client(self, client_id: str) -> None:
        self._admin("DELETE", f"/clients/{self.client(client_id)['id']}")

    def set_harbor_redirect(self, *urls: str) -> None:
        """Where Harbor may be reached: needed for https and for names, since plain loopback addresses always may."""
        urls = tuple(url for url in urls if not PLAIN_LOOPBACK.fullmatch(url))
        if not urls:
            return
        uris = [*self.client(HARBOR_CLIENT)["redirectUris"], *(f"{url}/c/oidc/callback" for url in urls)]
        self.update_client(HARBOR_CLIENT, redirectUris=uris)

    def remove_offline_scope(self, client_id: str) -> None:
        """offline_access becomes `invalid_scope` for this client, at the authorization endpoint."""
        client = self.client(client_id)
        path = f"/clients/{client['id']}/optional-client-scopes"
        for scope in self._admin("GET", path):
            if scope["name"] == "offline_access":
                self._admin("DELETE", f"{path}/{scope['id']}")

    def remove_offline_role(self) -> None:
        """offline_access becomes `not_allowed` for everybody, at the token endpoint."""
        role = self._admin("GET", "/roles/offline_access")
        self._admin("DELETE", f"/roles/default-roles-{self.name}/composites", json=[role])

    def sessions(self, user: str) -> list[dict[str, Any]]:
        """That person's live sessions, those of offline tokens among them; `offline` tells which is which."""
        path = f"/users/{self.subject(user)}"
        online = [{**session, "offline": False} for session in self._admin("GET", f"{path}/sessions")]
        offline = {}
        for client_id in (HARBOR_CLIENT, HELPER_CLIENT):
            for session in self._admin("GET", f"{path}/offline-sessions/{self.client(client_id)['id']}"):
                offline[session["id"]] = {**session, "offline": True}
        return [*online, *offline.values()]

    def end_sessions(self, user: str | None = None) -> None:
        """Ends online and offline sessions, of one person or of all: their refresh tokens are refused from now on."""
        for person in [user] if user else self.people:
            for session in self.sessions(person):
                offline = "true" if session["offline"] else "false"
                path = f"{self._path}/sessions/{session['id']}"
                self.keycloak.admin("DELETE", path, params={"isOffline": offline})

    def token_requests(self, client_id: str | None = None, kind: str = "REFRESH_TOKEN") -> int:
        """How many events of a kind (see EVENTS; refused ones end in _ERROR) there were, of one client or of all."""
        parameters: dict[str, Any] = {"type": kind, "max": 1000}
        if client_id:
            parameters["client"] = client_id
        return len(self._admin("GET", "/events", params=parameters))

    def join(self, user: str, group: str) -> None:
        """Makes that person a member of a group; it shows in the next token."""
        [found] = self._admin("GET", "/groups", params={"search": group, "exact": "true"})
        self._admin("PUT", f"/users/{self.subject(user)}/groups/{found['id']}")

    def redeploy(self) -> None:
        """The same realm at the same address, as at first: new keys, no session, and everybody has a new `sub`."""
        self.delete()
        self.keycloak.admin("POST", "/admin/realms", json=self._representation)

    def federate_kerberos(self, kerberos_realm: str, keytab: Path) -> None:
        """People with a ticket are signed in by it, and become users at their first time."""
        config = {
            "kerberosRealm": [kerberos_realm],
            "serverPrincipal": ["*"],
            "keyTab": [str(keytab)],
            "allowPasswordAuthentication": ["false"],
            "updateProfileFirstLogin": ["false"],
        }
        component = {"name": "kerberos", "providerId": "kerberos", "config": config}
        parent = self._admin("GET", "")["id"]
        kind = "org.keycloak.storage.UserStorageProvider"
        self._admin("POST", "/components", json={**component, "providerType": kind, "parentId": parent})
        self._undo.append(lambda: self._remove_found("/components", {"type": kind}))  # with the people from there
        # They have no names, and Keycloak would ask for them.
        before = self._admin("GET", "/users/profile")
        self._undo.append(lambda: self._admin("PUT", "/users/profile", json=before))
        profile = copy.deepcopy(before)
        for attribute in profile["attributes"]:
            if attribute["name"] in ("firstName", "lastName"):
                attribute.pop("required", None)
        self._admin("PUT", "/users/profile", json=profile)

    def is_renewable(self) -> bool:
        """Whether `renew` makes it as it was: clients may have been changed, Kerberos added, people signed in."""
        return all(RENEWABLE.match(change) for change in self._changes)

    def renew(self) -> None:
        """Everybody goes with their sessions and tokens, and is there anew with another `sub`; no event is left.

        So do the clients, if anything was changed; what was added goes.
        """
        kinds = ("users", "clients") if self._changes else ("users",)
        anew = {kind: self._representation[kind] for kind in kinds}
        for undo in self._undo:
            undo()
        self._admin("POST", "/partialImport", json={**anew, "ifResourceExists": "OVERWRITE"})
        self._admin("DELETE", "/events")
        self._changes.clear()
        self._undo.clear()

    def delete(self) -> None:
        """Removes the realm and everything in it."""
        self._admin("DELETE", "")

    def _remove_found(self, path: str, search: Mapping[str, str]) -> None:
        for found in self._admin("GET", path, params=search):
            self._admin("DELETE", f"{path}/{found['id']}")

    def _admin(self, method: str, path: str, **arguments: Any) -> Any:
        if method != "GET":
            self._changes.append(f"{method} {path}")
        return self.keycloak.admin(method, self._path + path, **arguments)
