"""Every recorded answer of a Keycloak against the one of this run: what the lab and the helper were written for."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.lab.own_sign_in import REDIRECT_URI, WITH_OFFLINE, authorization_code, pkce, sign_in, token_request
from tests.lab.person import CookiePerson
from tests.lab.realm import HELPER_CLIENT, Realm
from tests.recordings.replay import Case, check, load

CASES = load("keycloak.json")
# What is not replayed, and why.
LEFT_OUT: dict[str, str] = {}


@pytest.fixture
def alice() -> Iterator[CookiePerson]:
    person = CookiePerson("alice")
    yield person
    person.close()


def fill(case: Case, values: dict[str, str]) -> dict[str, str]:
    """The recorded form with this run's values in it."""
    return {name: values.get(value, value) for name, value in case["request"]["form"].items()}


def ask(realm: Realm, name: str, **values: str) -> requests.Response:
    """Sends the recorded request of a case."""
    case = CASES[name]
    endpoint = case["request"]["path"].removeprefix("https://PROVIDER/")
    return token_request(realm, endpoint, **fill(case, {f"<{key}>": value for key, value in values.items()}))


def replay(realm: Realm, name: str, **values: str) -> Any:
    """Sends it and compares the answer."""
    answer = ask(realm, name, **values)
    addresses = {f"{realm.url}/realms/{realm.name}": "https://PROVIDER/realms/dev"}
    recorded = dict(CASES[name]["response"])
    if "user_code" in (body := recorded["body"]):
        uri = f"https://PROVIDER/realms/dev/device?user_code={answer.json()['user_code']}"
        recorded["body"] = {**body, "verification_uri_complete": uri}
    check(recorded, answer, addresses)
    return answer.json() if answer.content else None


def refresh(realm: Realm, alice: CookiePerson) -> None:
    token = sign_in(realm, alice)["refresh_token"]
    replay(realm, "refresh", refresh_token=token)
    replay(realm, "unknown-client", refresh_token=token)
    replay(realm, "refresh-garbage")
    replay(realm, "code-garbage", code_verifier=pkce()[0])


def rotation(realm: Realm, alice: CookiePerson) -> None:
    realm.update(revokeRefreshToken=True, refreshTokenMaxReuse=0)
    token = sign_in(realm, alice)["refresh_token"]
    replay(realm, "rotation-first-use", refresh_token=token)
    replay(realm, "rotation-second-use", refresh_token=token)


def revocation(realm: Realm, alice: CookiePerson) -> None:
    token = sign_in(realm, alice)["refresh_token"]
    replay(realm, "revoke", token=token)
    replay(realm, "refresh-after-revoke", refresh_token=token)


def device(realm: Realm, _alice: CookiePerson) -> None:
    verifier, challenge = pkce()
    replay(realm, "device-without-pkce")
    code = replay(realm, "device", code_challenge=challenge)["device_code"]
    replay(realm, "device-pending", device_code=code, code_verifier=verifier)
    replay(realm, "device-too-fast", device_code=code, code_verifier=verifier)
    replay(realm, "device-wrong-code", code_verifier=verifier)
    realm.update_client(HELPER_CLIENT, attributes={"oauth2.device.authorization.grant.enabled": "false"})
    replay(realm, "device-not-enabled", code_challenge=challenge)


def offline_access_not_allowed(realm: Realm, alice: CookiePerson) -> None:
    realm.remove_offline_role()
    back, verifier = authorization_code(realm, alice, WITH_OFFLINE)
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": verifier}
    answer = token_request(realm, code=back["code"], **form)
    check(CASES["offline-access-not-allowed"]["response"], answer, {})


def unknown_scope(realm: Realm, alice: CookiePerson) -> None:
    parameters = {"client_id": HELPER_CLIENT, "redirect_uri": REDIRECT_URI, "response_type": "code", "state": "<state>"}
    challenge = {"code_challenge": pkce()[1], "code_challenge_method": "S256", "scope": "openid nosuchscope"}
    location = alice.walk_to(f"{realm.endpoint('auth')}?{urlencode({**parameters, **challenge})}", REDIRECT_URI)
    recorded = CASES["scope-unknown-to-the-client"]["response"]["headers"]["location"]
    seen, expected = (parse_qs(urlsplit(url).query) for url in (location, recorded))
    assert seen.pop("iss") == [realm.issuer]
    expected.pop("iss")
    assert seen == expected


GROUPS: dict[Callable[[Realm, CookiePerson], None], list[str]] = {
    refresh: ["refresh", "unknown-client", "refresh-garbage", "code-garbage"],
    rotation: ["rotation-first-use", "rotation-second-use"],
    revocation: ["revoke", "refresh-after-revoke"],
    device: [
        "device-without-pkce",
        "device",
        "device-pending",
        "device-too-fast",
        "device-wrong-code",
        "device-not-enabled",
    ],
    offline_access_not_allowed: ["offline-access-not-allowed"],
    unknown_scope: ["scope-unknown-to-the-client"],
}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_keycloak_answers_as_recorded(
    realm: Realm, alice: CookiePerson, group: Callable[[Realm, CookiePerson], None]
) -> None:
    group(realm, alice)


def test_nothing_is_left_out_in_silence() -> None:
    replayed = {name for names in GROUPS.values() for name in names}
    assert replayed | LEFT_OUT.keys() == CASES.keys()
