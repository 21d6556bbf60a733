"""The sign-in, the walk and the provider's client on a real Keycloak, with the stand-in Harbor and a person."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from docker_credential_harbor.errors import (
    BrokenAnswer,
    ClientRefused,
    IdTokenRejected,
    IssuerMismatch,
    SignInDeclined,
    SignInEnded,
    SignInFailed,
)
from docker_credential_harbor.model import (
    Credentials,
    CurrentUser,
    LoginRedirect,
    Provider,
    Registry,
    ReleasedIdToken,
    Settings,
)
from docker_credential_harbor.remote import discovery, id_token, identity_provider
from docker_credential_harbor.remote import harbor as harbor_client
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_browser, harbor_walk
from tests.lab.pace import paced
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.model import SignInResult
    from tests.lab.harbor import StandInHarbor
    from tests.lab.person import Person
    from tests.lab.realm import Realm

WITH_OFFLINE = "openid profile email offline_access"
WITHOUT_OFFLINE = "openid profile email"


@dataclass
class Place:
    """alice, her Harbor behind a realm, and what the helper knows of the two."""

    realm: Realm
    harbor: StandInHarbor
    person: Person
    http: Transport = field(default_factory=lambda: Transport(30))

    @property
    def registry(self) -> Registry:
        return Registry(self.harbor.name, self.harbor.url)

    @property
    def redirect(self) -> LoginRedirect:
        return harbor_client.login_redirect(self.http, self.registry)

    @property
    def provider(self) -> Provider:
        return discovery.find(self.http, self.redirect, self.registry)

    def open_url(self, url: str) -> None:
        subprocess.run([self.person.browser_command, url], check=True)

    def sign_in(self, refused: Credentials | None = None, **changes: Any) -> SignInResult:
        """As the helper does it; ``refused`` is a last known pair that Harbor refuses before."""
        arguments: dict[str, Any] = {
            "registry": self.registry,
            "settings": Settings(login_timeout_seconds=60),
            "login_hint": None,
            "check": lambda _: None,
            "open_url": self.open_url,
            "harbor_login_url": harbor_client.login_url(self.registry),
            "hold_back": lambda: refused is not None and harbor_client.probe(self.http, self.registry, refused),
            "cancelled": lambda: False,
            "now": time.time,
            **changes,
        }
        registry = arguments.pop("registry")
        return by_browser.sign_in(self.http, self.provider, registry, self.redirect, **arguments)

    def user(self, token: str) -> CurrentUser | None:
        return harbor_client.current_user(self.http, self.registry, ReleasedIdToken(token))

    def pair(self) -> Credentials:
        return Credentials("alice-h", self.harbor.users["alice-h"].secret)

    def passes(self) -> bool:
        return harbor_client.probe(self.http, self.registry, self.pair())

    def walk(self, timeout_seconds: float = 60) -> Credentials | None:
        return harbor_walk.walk(
            harbor_client.login_url(self.registry),
            open_url=self.open_url,
            passes=lambda: self.pair() if self.passes() else None,
            timeout_seconds=timeout_seconds,
            cancelled=lambda: False,
            registry_name=self.registry.name,
        )


@pytest.fixture(autouse=True)
def _held_back_as_long_as_a_walk_takes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_browser, "HOLD_BACK_SECONDS", paced(by_browser.HOLD_BACK_SECONDS))


@pytest.fixture
def make_place(
    make_realm: Callable[..., Realm], make_harbor: Callable[..., StandInHarbor], person: Person
) -> Callable[..., Place]:
    def make(
        scopes: str = WITH_OFFLINE, *, onboarded: bool = True, somebody: Person | None = None, **options: Any
    ) -> Place:
        realm = make_realm(**options)
        place = Place(realm, make_harbor(realm, scopes=scopes), somebody or person)
        if onboarded:
            place.harbor.onboard("alice-h", "alice@example.com", realm.subject("alice"))
        return place

    return make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    return make_place()


# --- Discovery --------------------------------------------------------------------------------------------------------


def test_the_provider_behind_harbors_redirect(place: Place) -> None:
    redirect = place.redirect
    assert (redirect.client_id, redirect.scopes) == (HARBOR_CLIENT, tuple(WITH_OFFLINE.split()))
    found = discovery.find(place.http, redirect, place.registry)
    assert found == discovery.discover(place.http, place.realm.issuer)
    assert found.authorization_endpoint == place.realm.endpoint("auth")
    assert found.device_authorization_endpoint == place.realm.endpoint("auth/device")
    assert found.revocation_endpoint == place.realm.endpoint("revoke")
    assert found.iss_parameter_supported


def test_issuers_that_are_none(place: Place) -> None:
    with pytest.raises(IssuerMismatch):
        discovery.discover(place.http, f"{place.realm.issuer}/")
    with pytest.raises(BrokenAnswer):
        discovery.discover(place.http, f"{place.realm.issuer}-not")


# --- Both sides in one tab --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE])
def test_one_form_renews_both_sides(make_place: Callable[..., Place], scopes: str) -> None:
    place = make_place(scopes)
    result = place.sign_in(place.pair())
    tokens = result.tokens
    place.person.wait_for_windows(1)
    assert (place.person.windows, place.person.forms) == (1, 1)
    assert place.person.pages[0].url.startswith(place.harbor.url)
    assert not result.offline_access_refused
    assert (tokens.issuer, tokens.subject, tokens.person) == (
        place.realm.issuer,
        place.realm.subject("alice"),
        "alice",
    )
    assert HARBOR_CLIENT in tokens.audience
    assert tokens.access_token_life_seconds in (299, 300)  # whole seconds, as Keycloak counts what is left
    assert tokens.id_token_expires_at == pytest.approx(time.time() + 300, abs=60)
    # Harbor's side is live, and stays so when its access token has expired.
    assert place.passes()
    place.harbor.expire_stored_access_token("alice-h")
    assert place.passes()
    # So is ours.
    fresh = identity_provider.refresh(place.http, place.provider, place.registry, tokens, time.time())
    assert fresh is not None
    user = place.user(fresh.id_token)
    assert user is not None
    assert (user.username, user.secret) == ("alice-h", place.pair().secret)
    offline = [session for session in place.realm.sessions("alice") if session["offline"]]
    assert bool(offline) is (scopes == WITH_OFFLINE)


def test_one_form_where_nobody_knows_a_pair(place: Place) -> None:
    """Without a pair to probe the code is held back for its five seconds."""
    place.sign_in()
    place.person.wait_for_windows(1)
    assert place.person.forms == 1
    place.harbor.expire_stored_access_token("alice-h")
    assert place.passes()


@pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE])
def test_somebody_new_to_harbor(make_place: Callable[..., Place], scopes: str) -> None:
    place = make_place(scopes, onboarded=False)
    place.person.onboard_as = "alice-h"
    tokens = place.sign_in().tokens
    place.person.wait_for_windows(1)
    assert place.person.forms == 1
    user = place.user(tokens.id_token)
    assert user is not None
    assert user.username == "alice-h"
    assert place.passes()


def test_a_live_session_needs_no_form(make_place: Callable[..., Place]) -> None:
    """With offline_access there is none afterwards: our exchange ended it."""
    place = make_place(WITHOUT_OFFLINE)
    place.sign_in(place.pair())
    place.person.wait_for_windows(1)
    place.sign_in(place.pair(), login_hint="alice")
    place.person.wait_for_windows(2)
    assert place.person.forms == 1


def test_the_person_is_named_to_the_provider(place: Place) -> None:
    place.person.decline = True
    with pytest.raises(SignInEnded):
        place.sign_in(login_hint="alice", cancelled=lambda: bool(place.person.pages))
    (form,) = place.person.pages[0].forms
    assert form.fields["username"] == "alice"


def test_chromium(make_place: Callable[..., Place], chromium_person: Person) -> None:
    place = make_place(somebody=chromium_person)
    place.sign_in(place.pair())
    place.person.wait_for_windows(1)
    assert place.person.forms == 1
    assert place.passes()


def test_chromium_shows_what_failed(make_place: Callable[..., Place], chromium_person: Person) -> None:
    place = make_place(WITHOUT_OFFLINE, somebody=chromium_person)
    with pytest.raises(IdTokenRejected):
        place.sign_in(now=lambda: time.time() + 3600)
    place.person.wait_for_windows(1)
    page = place.person.pages[0]
    assert "could not be finished" in page.title + page.text
    assert not urlsplit(page.url).query


# --- offline_access refused -------------------------------------------------------------------------------------------


def test_the_client_lacks_the_scope(place: Place) -> None:
    place.realm.remove_offline_scope(HELPER_CLIENT)
    result = place.sign_in(place.pair())
    place.person.wait_for_windows(1)
    assert result.offline_access_refused
    assert (place.person.windows, place.person.forms) == (1, 1)
    assert place.passes()
    fresh = identity_provider.refresh(place.http, place.provider, place.registry, result.tokens, time.time())
    assert fresh is not None


def test_the_person_lacks_the_role(make_place: Callable[..., Place]) -> None:
    """Harbor's own sign-in fails then, too, as long as it asks for it: so here it is a pair that never passes."""
    place = make_place(offline_role=False)
    result = place.sign_in()
    place.person.wait_for_windows(2)
    assert result.offline_access_refused
    scopes = [asked["scope"] for asked in place.person.authorization_requests()]
    assert scopes == [WITH_OFFLINE, WITHOUT_OFFLINE]
    assert place.person.forms == 1
    fresh = identity_provider.refresh(place.http, place.provider, place.registry, result.tokens, time.time())
    assert fresh is not None


# --- Refused ----------------------------------------------------------------------------------------------------------


def test_the_callback_with_an_error(place: Place) -> None:
    registry = place.registry._replace(scopes=("openid", "nosuchscope"))
    with pytest.raises(SignInDeclined, match="nosuchscope"):
        place.sign_in(registry=registry)
    place.person.wait_for_windows(1)
    page = place.person.pages[0]
    assert (page.title.partition(" - ")[0], urlsplit(page.url).query) == ("You are not signed in", "")


def test_a_client_that_nobody_knows(place: Place) -> None:
    """The provider shows a page and sends nobody back."""
    registry = place.registry._replace(client_id="nobody")
    with pytest.raises(SignInEnded):
        place.sign_in(registry=registry, cancelled=lambda: bool(place.person.pages))
    assert place.person.pages[0].status == 400


def test_a_client_that_has_a_secret_after_all(place: Place) -> None:
    place.realm.update_client(HELPER_CLIENT, publicClient=False, secret="S/e c:ret")
    with pytest.raises(ClientRefused):
        place.sign_in()
    tokens = place.sign_in(registry=place.registry._replace(client_secret="S/e c:ret")).tokens
    assert tokens.person == "alice"


def test_a_code_that_is_none(place: Place) -> None:
    arguments = {"redirect_uri": "http://127.0.0.1:1/callback", "code_verifier": "v" * 43, "nonce": "n"}
    with pytest.raises(SignInFailed, match="invalid_grant"):
        identity_provider.exchange_code(
            place.http, place.provider, place.registry, code="wrong", now=time.time(), **arguments
        )


# --- Afterwards -------------------------------------------------------------------------------------------------------


def test_rotation(make_place: Callable[..., Place]) -> None:
    place = make_place(revoke_refresh_token=True)
    first = place.sign_in(place.pair()).tokens
    found = place.provider
    second = identity_provider.refresh(place.http, found, place.registry, first, time.time())
    assert second is not None
    assert second.refresh_token != first.refresh_token
    assert second.id_token != first.id_token
    assert identity_provider.refresh(place.http, found, place.registry, first, time.time()) is None


def test_revoked(place: Place) -> None:
    tokens = place.sign_in(place.pair()).tokens
    assert tokens.refresh_token
    assert identity_provider.revoke(place.http, place.provider, place.registry, tokens.refresh_token)
    assert identity_provider.refresh(place.http, place.provider, place.registry, tokens, time.time()) is None
    assert place.passes()


def test_the_session_was_ended(place: Place) -> None:
    tokens = place.sign_in(place.pair()).tokens
    place.realm.end_sessions("alice")
    assert identity_provider.refresh(place.http, place.provider, place.registry, tokens, time.time()) is None


def test_the_client_was_removed(place: Place) -> None:
    tokens = place.sign_in(place.pair()).tokens
    gone = place.registry._replace(client_id="nobody")
    with pytest.raises(ClientRefused, match="invalid_client"):
        identity_provider.refresh(place.http, place.provider, gone, tokens, time.time())


def test_a_mapper_that_comes_later_needs_no_new_sign_in(make_place: Callable[..., Place]) -> None:
    place = make_place(audience_mapper=False)
    tokens = place.sign_in(place.pair()).tokens
    assert HARBOR_CLIENT not in tokens.audience
    assert place.user(tokens.id_token) is None
    place.realm.add_audience(HELPER_CLIENT, HARBOR_CLIENT)
    fresh = identity_provider.refresh(place.http, place.provider, place.registry, tokens, time.time())
    assert fresh is not None
    assert HARBOR_CLIENT in fresh.audience
    assert place.user(fresh.id_token) is not None


def test_the_id_token_of_another_client(place: Place) -> None:
    tokens = place.sign_in(place.pair()).tokens
    other = place.registry._replace(client_id=HARBOR_CLIENT)
    with pytest.raises(IdTokenRejected):
        identity_provider.verify_id_token(
            place.http, place.provider, other, tokens.id_token, nonce=None, now=time.time()
        )
    assert json.dumps(id_token.claims_of(tokens.id_token, tokens.issuer))


# --- The walk ---------------------------------------------------------------------------------------------------------


def test_the_walk_renews_harbors_side(place: Place) -> None:
    place.sign_in(place.pair())
    place.person.wait_for_windows(1)
    place.harbor.kill_stored_token("alice-h")
    assert not place.passes()
    assert place.walk(timeout_seconds=3600) == place.pair(), "as soon as it shows"
    place.person.wait_for_windows(2)
    assert place.person.windows == 2


def test_the_walk_without_a_client_of_ours(make_place: Callable[..., Place]) -> None:
    place = make_place(WITHOUT_OFFLINE)
    assert place.walk() == place.pair()
    assert (place.person.windows, place.person.forms) == (1, 1)


def test_the_walk_of_somebody_who_does_not_sign_in(place: Place) -> None:
    place.person.decline = True
    assert place.walk(timeout_seconds=2) is None


def test_the_walk_of_somebody_else(place: Place) -> None:
    place.person.username = "bob"
    place.harbor.onboard("bob-h", "bob@example.com", place.realm.subject("bob"))
    assert place.walk(timeout_seconds=3) is None
