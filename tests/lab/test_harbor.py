"""The stand-in Harbor does with a real Keycloak what harbor's recordings and measurements say."""

import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.conftest import MakeHarbor, MakeRealm
from tests.lab import faults
from tests.lab.chromium_person import ChromiumPerson
from tests.lab.faults import FaultProxy
from tests.lab.harbor import StandInHarbor
from tests.lab.own_sign_in import sign_in
from tests.lab.person import CookiePerson, Person
from tests.lab.realm import Realm

SCOPED = "/service/token?service=harbor-registry&scope=repository:demo/hi:pull"


def ask(url: str, method: str = "GET", **arguments: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, allow_redirects=False, timeout=60, **arguments)  # type: ignore[arg-type]


def probe(harbor: StandInHarbor, username: str) -> int:
    pair = (username, harbor.users[username].secret)
    return ask(f"{harbor.url}/service/token?service=harbor-registry", auth=pair).status_code


def probes_at_once(harbor: StandInHarbor, username: str, count: int) -> list[int]:
    with ThreadPoolExecutor(count) as threads:
        return sorted(threads.map(lambda _: probe(harbor, username), range(count)))


def message_of(refusal: requests.Response) -> str:
    message: str = refusal.json()["errors"][0]["message"]
    return message


def onboarded(harbor: StandInHarbor, person: Person, name: str = "alice-h") -> None:
    person.onboard_as = name
    page = person.open(f"{harbor.url}/c/oidc/login")
    assert f"signed in to Harbor as {name}" in page.text.replace(" .", ".")
    assert page.url == f"{harbor.url}/"


@pytest.mark.parametrize(("scopes", "forms"), [("openid profile email", 1), ("openid profile email offline_access", 2)])
def test_cookie_person_signs_in_and_onboards(
    make_harbor: MakeHarbor, realm: Realm, person: CookiePerson, scopes: str, forms: int
) -> None:
    harbor = make_harbor(realm, scopes=scopes)
    onboarded(harbor, person)
    assert (person.forms, person.windows) == (1, 1)
    assert probe(harbor, "alice-h") == 200
    onboarded(harbor, person)
    assert (person.forms, person.windows) == (forms, 2), "offline_access ends the session that it began"


def test_chromium_person_signs_in_and_onboards(harbor: StandInHarbor, chromium_person: ChromiumPerson) -> None:
    onboarded(harbor, chromium_person)
    assert chromium_person.forms == 1
    assert probe(harbor, "alice-h") == 200
    chromium_person.forget_cookies()
    onboarded(harbor, chromium_person)
    assert chromium_person.forms == 2


def test_name_taken_in_onboarding(harbor: StandInHarbor, person: CookiePerson) -> None:
    harbor.onboard("taken")
    person.onboard_as = "taken"
    assert "already exists" in person.open(f"{harbor.url}/c/oidc/login").text


def test_declining_person_fills_nothing(harbor: StandInHarbor, person: CookiePerson) -> None:
    person.decline = True
    assert "Sign in" in person.open(f"{harbor.url}/c/oidc/login").title
    assert (person.forms, person.windows, len(harbor.users)) == (0, 1, 0)


def test_auto_onboard_and_conflict(make_harbor: MakeHarbor, realm: Realm, person: CookiePerson) -> None:
    harbor = make_harbor(realm, auto_onboard=True)
    assert "as alice" in person.open(f"{harbor.url}/c/oidc/login").text
    harbor.onboard("bob", sub="somebody else")
    person.username = "bob"
    person.forget_cookies()
    page = person.open(f"{harbor.url}/c/oidc/login")
    assert page.status == 409
    assert "user bob or email bob@example.com already exists" in page.text


def test_id_token_shows_the_secret(harbor: StandInHarbor, realm: Realm, person: CookiePerson) -> None:
    onboarded(harbor, person)
    tokens = sign_in(realm, person)
    headers = {"Authorization": f"Bearer {tokens['id_token']}"}
    current = ask(f"{harbor.url}/api/v2.0/users/current", headers=headers).json()
    assert current["oidc_user_meta"]["secret"] == harbor.users["alice-h"].secret
    harbor.garble_secret("alice-h")
    garbled = ask(f"{harbor.url}/api/v2.0/users/current", headers=headers).json()["oidc_user_meta"]["secret"]
    assert not garbled.isprintable()
    assert probe(harbor, "alice-h") == 401
    url = f"{harbor.url}/api/v2.0/users/{current['user_id']}/cli_secret"
    assert ask(url, "PUT", json={"secret": "Another-1-secret"}, headers=headers).status_code == 200
    assert harbor.users["alice-h"].secret == "Another-1-secret"
    assert probe(harbor, "alice-h") == 200


def test_without_audience_mapper_the_id_token_is_refused(
    make_realm: MakeRealm, make_harbor: MakeHarbor, person: CookiePerson
) -> None:
    realm = make_realm(audience_mapper=False)
    harbor = make_harbor(realm)
    onboarded(harbor, person)
    headers = {"Authorization": f"Bearer {sign_in(realm, person)['id_token']}"}
    assert ask(f"{harbor.url}/api/v2.0/users/current", headers=headers).status_code == 401


def test_dead_until_the_walk(harbor: StandInHarbor, realm: Realm, person: CookiePerson) -> None:
    onboarded(harbor, person)
    realm.end_sessions("alice")
    assert probe(harbor, "alice-h") == 200, "the stored access token has not expired"
    harbor.expire_stored_access_token("alice-h")
    assert probe(harbor, "alice-h") == 401
    assert realm.token_requests("harbor", "REFRESH_TOKEN_ERROR") == 1
    onboarded(harbor, person)
    assert person.forms == 2
    assert probe(harbor, "alice-h") == 200


def test_refresh_on_use_changes_update_time(harbor: StandInHarbor, realm: Realm, person: CookiePerson) -> None:
    onboarded(harbor, person)
    before = harbor.users["alice-h"].update_time
    assert probe(harbor, "alice-h") == 200
    assert harbor.users["alice-h"].update_time == before
    harbor.expire_stored_access_token("alice-h")
    assert probe(harbor, "alice-h") == 200
    assert harbor.users["alice-h"].update_time > before
    assert (harbor.refreshes, realm.token_requests("harbor")) == (1, 1)


def test_scoped_request_hides_a_dead_secret(harbor: StandInHarbor, person: CookiePerson) -> None:
    harbor.add_project("demo")
    onboarded(harbor, person)
    harbor.kill_stored_token("alice-h")
    pair = ("alice-h", harbor.users["alice-h"].secret)
    token = ask(harbor.url + SCOPED, auth=pair).json()["token"]
    assert harbor.signer.access(token) == [{"type": "repository", "name": "demo/hi", "actions": []}]
    assert probe(harbor, "alice-h") == 401


def test_parallel_use_with_rotation_kills(make_realm: MakeRealm, make_harbor: MakeHarbor, person: CookiePerson) -> None:
    harbor = make_harbor(make_realm(revoke_refresh_token=True))
    onboarded(harbor, person)
    harbor.expire_stored_access_token("alice-h")
    first = probes_at_once(harbor, "alice-h", 4)
    # As a rule 200, 401, 401, 401; a late one may find the token that the first has stored.
    assert first[0] == 200
    assert first[-1] == 401
    assert harbor.refreshes > 1
    harbor.expire_stored_access_token("alice-h")
    assert probes_at_once(harbor, "alice-h", 4) == [401] * 4
    assert probe(harbor, "alice-h") == 401


def test_one_first_then_eight(make_realm: MakeRealm, make_harbor: MakeHarbor, person: CookiePerson) -> None:
    harbor = make_harbor(make_realm(revoke_refresh_token=True))
    onboarded(harbor, person)
    harbor.expire_stored_access_token("alice-h")
    assert probe(harbor, "alice-h") == 200
    assert probes_at_once(harbor, "alice-h", 8) == [200] * 8
    assert harbor.refreshes == 1


@pytest.mark.parametrize("away", ["down", "hanging"])
def test_provider_away(
    make_harbor: MakeHarbor, make_proxy: Callable[..., FaultProxy], realm: Realm, person: CookiePerson, away: str
) -> None:
    proxy = make_proxy(realm.keycloak.url)
    harbor = make_harbor(realm.through(proxy.url))
    harbor.provider.kept_seconds = 0
    onboarded(harbor, person)
    assert probe(harbor, "alice-h") == 200
    if away == "down":
        proxy.down()
        assert probe(harbor, "alice-h") == 401
        assert ask(f"{harbor.url}/c/oidc/login").status_code == 500
    else:
        proxy.set("/", faults.hang)
        pair = ("alice-h", harbor.users["alice-h"].secret)
        for path in ("/v2/", "/c/oidc/login"):
            with pytest.raises(requests.ReadTimeout):
                requests.get(harbor.url + path, auth=pair, timeout=0.5)
        assert harbor.requests[-1].status is None
    proxy.clear()
    assert probe(harbor, "alice-h") == 200


def test_what_was_discovered_is_kept_for_seconds(
    make_harbor: MakeHarbor, make_proxy: Callable[..., FaultProxy], realm: Realm, person: CookiePerson
) -> None:
    proxy = make_proxy(realm.keycloak.url)
    harbor = make_harbor(realm.through(proxy.url))
    harbor.provider.kept_seconds = 3600
    onboarded(harbor, person)
    assert [path for path in proxy.seen if path.endswith("openid-configuration")] == proxy.seen[:1]
    proxy.down()
    assert ask(f"{harbor.url}/c/oidc/login").status_code == 302
    assert probe(harbor, "alice-h") == 200
    harbor.provider.kept_seconds = 0
    assert ask(f"{harbor.url}/c/oidc/login").status_code == 500
    assert probe(harbor, "alice-h") == 401


def test_user_info_is_asked_at_every_probe(
    make_harbor: MakeHarbor, make_proxy: Callable[..., FaultProxy], realm: Realm, person: CookiePerson
) -> None:
    proxy = make_proxy(realm.keycloak.url)
    at_proxy = realm.through(proxy.url)
    harbor = make_harbor(at_proxy)
    onboarded(harbor, person)
    path = at_proxy.endpoint("userinfo").removeprefix(proxy.url)
    before = proxy.seen.count(f"GET {path}")
    assert [probe(harbor, "alice-h"), probe(harbor, "alice-h")] == [200, 200]
    assert proxy.seen.count(f"GET {path}") == before + 2
    for fault in (faults.status(503), faults.garbage, faults.refuse):
        proxy.set(path, fault)
        assert probe(harbor, "alice-h") == 200, "the stored ID token is enough"
    proxy.set(path, faults.hang)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{harbor.url}/v2/", auth=("alice-h", harbor.users["alice-h"].secret), timeout=0.5)


def test_harbors_client_has_a_token_life_of_its_own(
    make_realm: MakeRealm, make_harbor: MakeHarbor, person: CookiePerson
) -> None:
    realm = make_realm(harbor_attributes={"access.token.lifespan": "20"})
    harbor = make_harbor(realm)
    onboarded(harbor, person)
    token = harbor.users["alice-h"].stored_token
    assert token
    assert token.expires_at < time.time() + 20
    assert sign_in(realm, person)["expires_in"] in (299, 300)  # whole seconds of what is left
    harbor.expire_stored_access_token("alice-h")
    assert probe(harbor, "alice-h") == 200
    refreshed = harbor.users["alice-h"].stored_token
    assert refreshed
    assert 0 < refreshed.expires_at < time.time() + 20


class TestCallback:
    def test_the_state_is_not_forgotten(self, harbor: StandInHarbor, person: CookiePerson) -> None:
        with requests.Session() as browser:
            browser.trust_env = False
            login = browser.get(f"{harbor.url}/c/oidc/login", allow_redirects=False)
            back = person.walk_to(login.headers["Location"], f"{harbor.url}/c/oidc/callback")
            assert browser.get(back, allow_redirects=False).headers["Location"].startswith("/oidc-onboard?")
            again = browser.get(back, allow_redirects=False)
        assert (again.status_code, message_of(again)) == (400, 'oauth2: "invalid_grant" "Code not valid"')

    def test_a_wrong_client_secret_shows_to_the_browser_alone(
        self, harbor: StandInHarbor, person: CookiePerson
    ) -> None:
        onboarded(harbor, person)
        harbor.provider.client_secret = "another"
        assert ask(f"{harbor.url}/c/oidc/login").status_code == 302
        page = person.open(f"{harbor.url}/c/oidc/login")
        assert page.status == 400
        assert "unauthorized_client" in page.text
        assert "Invalid client or Invalid client credentials" in page.text
        assert probe(harbor, "alice-h") == 200, "the stored access token has not expired"

    def test_another_secret_key_refuses_every_walk_until_the_client_secret_is_entered(
        self, harbor: StandInHarbor, person: CookiePerson
    ) -> None:
        onboarded(harbor, person)
        secret = harbor.provider.client_secret
        harbor.change_secret_key()
        assert probe(harbor, "alice-h") == 401
        assert person.open(f"{harbor.url}/c/oidc/login").status == 400
        harbor.provider.client_secret = secret
        onboarded(harbor, person)

    def test_a_known_user_gets_a_new_session(self, harbor: StandInHarbor, person: CookiePerson) -> None:
        onboarded(harbor, person)
        with requests.Session() as browser:
            browser.trust_env = False
            login = browser.get(f"{harbor.url}/c/oidc/login", allow_redirects=False)
            before = browser.cookies["sid"]
            back = person.walk_to(login.headers["Location"], f"{harbor.url}/c/oidc/callback")
            browser.get(back, allow_redirects=False)
            assert browser.cookies["sid"] != before
            assert "signed in to Harbor as" in browser.get(harbor.url).text
        assert "not signed in" in ask(harbor.url, cookies={"sid": before}).text


def test_a_change_with_a_session_needs_the_csrf_token(
    harbor: StandInHarbor, realm: Realm, person: CookiePerson
) -> None:
    onboarded(harbor, person)
    url = f"{harbor.url}/api/v2.0/users/{harbor.users['alice-h'].user_id}/cli_secret"
    first = ask(f"{harbor.url}/c/oidc/login")
    change = {
        "headers": {"Authorization": f"Bearer {sign_in(realm, person)['id_token']}"},
        "json": {"secret": "Another-1-secret"},
    }
    assert ask(url, "PUT", **change).status_code == 200
    change["cookies"] = {"sid": first.cookies["sid"]}
    refused = ask(url, "PUT", **change)
    assert (refused.status_code, message_of(refused)) == (403, "CSRF token not found in request")
    change["headers"]["X-Harbor-CSRF-Token"] = first.headers["X-Harbor-CSRF-Token"]
    assert ask(url, "PUT", **change).status_code == 200


def test_requests_are_noted(harbor: StandInHarbor) -> None:
    ask(f"{harbor.url}/v2/", auth=("alice", "x"))
    (seen,) = harbor.requests_to("/v2/")
    assert (seen.method, seen.scheme, seen.user, seen.status) == ("GET", "Basic", "alice", 401)
    assert base64.b64encode(b"alice:x").decode() in seen.headers["Authorization"]
    harbor.clear_requests()
    assert not harbor.requests
