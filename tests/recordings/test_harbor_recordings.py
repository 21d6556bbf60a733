"""Every recorded answer of a real Harbor core against the stand-in, with a real Keycloak behind it."""

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.lab import faults
from tests.lab.faults import FaultProxy
from tests.lab.harbor import StandInHarbor, StoredToken, User
from tests.lab.keycloak import Keycloak
from tests.lab.own_sign_in import sign_in
from tests.lab.page import read_page
from tests.lab.person import CookiePerson
from tests.recordings.replay import Case, check, load
from tests.recordings.seen_again import seen_again

CASES = {name: seen_again(case) for name, case in load("harbor.json").items()}
# What is not replayed, and why.
LEFT_OUT: dict[str, str] = {}
# What the token of a scoped request allows: the recordings show no token.
GRANTED: dict[str, list[str]] = {
    "token-anonymous-public": ["pull"],
    "token-anonymous-private": [],
    "token-scoped-wrong-secret": [],
    "token-scoped-dead-private": [],
    "token-scoped-dead-public": ["pull"],
}
HANG_SECONDS = 1.0
OLD_SECRET = "Puro1jMoZ"


class Scene:
    """A realm with carol signed in, through a proxy that can take the provider away."""

    def __init__(self, keycloak: Keycloak) -> None:
        self.proxy = FaultProxy.start(keycloak.url)
        self.realm = keycloak.realm().through(self.proxy.url)
        self.person = CookiePerson("carol")
        with self.harbor() as harbor:
            harbor.auto_onboard = True
            self.person.open(f"{harbor.url}/c/oidc/login")
            token = next(iter(harbor.users)).stored_token
            assert token is not None
            self.stored_token: StoredToken = token
        self.tokens = sign_in(self.realm, self.person)
        self.realm.update(accessTokenLifespan=1)
        self.expired = sign_in(self.realm, self.person)["id_token"]
        self.expired_at = time.time() + 1
        self.realm.update(accessTokenLifespan=300)

    def harbor(self) -> StandInHarbor:
        harbor = StandInHarbor.start(self.realm.issuer, client_secret=self.realm.harbor_secret, user_claim="")
        harbor.add_project("pub", public=True)
        harbor.add_project("demo")
        harbor.add_robot("robot$ci", "robot-secret")
        harbor.add_local("admin", "Harbor12345")
        return harbor

    def know(self, harbor: StandInHarbor, person: str) -> User:
        """The person was onboarded and walked; all share carol's token, which Harbor cannot tell by the probe."""
        user = harbor.onboard(f"{person}-h", f"{person}@example.com", self.realm.subject("carol"))
        user.store(copy.copy(self.stored_token))
        return user

    def close(self) -> None:
        self.person.close()
        self.proxy.close()


@pytest.fixture(scope="module")
def scene(keycloak: Keycloak) -> Iterator[Scene]:
    scene = Scene(keycloak)
    yield scene
    scene.close()


class Replay:
    """One case: its state set up, its request sent."""

    def __init__(self, scene: Scene, harbor: StandInHarbor, case: Case) -> None:
        self.scene = scene
        self.harbor = harbor
        self.case = case
        self.state: str = case["state"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.csrf_token = ""
        self.callback_url = ""
        self._set_up()

    def _set_up(self) -> None:
        name, harbor = self.case["case"], self.harbor
        strangers = (
            "anonymous",
            "signed in at the provider, unknown",
            "unknown to Harbor",
            "in the session",
            "auto-onb",
        )
        if self.state.startswith("auto-onboard on"):
            harbor.auto_onboard = True
            harbor.onboard("carol-h", "carol@example.com", "another sub")
        elif not self.state.startswith(strangers):
            person = "alice" if name.startswith(("down-", "hung-")) else "carol"
            self.user = self.scene.know(harbor, person)
            self.user.secret = OLD_SECRET
            if name == "probe-old-secret-after-set":
                self.user.set_secret("N0t-a-secret-but-a-test-value")
        if "alice-h exists" in self.state:
            harbor.onboard("alice-h", "alice@example.com", "alice's sub")
        if "refresh token is refused" in self.state or name == "probe-after-walk":
            harbor.kill_stored_token("carol-h")
        if "access token expired, its refresh token good" in self.state:
            harbor.expire_stored_access_token("carol-h")
        if (
            name.startswith(("callback-not", "callback-known", "callback-conflict", "onboard"))
            or name == "probe-after-walk"
        ):
            self._walk_to_callback()
        if name.startswith("onboard") or name == "probe-after-walk":
            self._end_walk()
        if "never answers" in self.state:
            self.scene.proxy.set("/", faults.hang)
        elif "refuses connections" in self.state:
            self.scene.proxy.down()

    def _walk_to_callback(self) -> None:
        login = self.session.get(f"{self.harbor.url}/c/oidc/login", allow_redirects=False, timeout=30)
        self.callback_url = self.scene.person.walk_to(login.headers["Location"], f"{self.harbor.url}/c/oidc/callback")

    def _end_walk(self) -> None:
        landed = self.session.get(self.callback_url, timeout=30)
        forms = read_page(landed.url, landed.text).forms
        self.csrf_token = forms[0].data["csrf"] if forms else ""

    def send(self, timeout_seconds: float) -> requests.Response:
        request = self.case["request"]
        url = self.callback_url if "<code>" in request["path"] else self.harbor.url + self._path(request["path"])
        arguments: dict[str, Any] = {name: request[name] for name in ("json",) if name in request}
        if request.get("json", {}).get("secret") == "<cli secret>":
            arguments["json"] = {"secret": "Another-1-secret"}
        if "form" in request:
            arguments["data"] = request["form"]
        headers = {}
        scheme, _, value = request.get("authorization", "").partition(" ")
        if scheme == "Basic":
            username, _, password = value.partition(":")
            arguments["auth"] = (username, self._password(password))
        elif scheme == "Bearer":
            headers["Authorization"] = f"Bearer {self._token(value)}"
        if "x-harbor-csrf-token" in request:
            headers["X-Harbor-CSRF-Token"] = self.csrf_token
        if "cookies" not in request:
            self.session.cookies.clear()
        else:
            assert set(request["cookies"]) == set(self.session.cookies.keys())
        return self.session.request(
            request["method"], url, headers=headers, allow_redirects=False, timeout=timeout_seconds, **arguments
        )

    def _path(self, path: str) -> str:
        """The recorded numbers are carol's and somebody else's."""
        own = f"/users/{self.user.user_id}/" if "/users/9/" in path else ""
        return path.replace("/users/9/", own).replace("/users/3/", "/users/999999/")

    def _password(self, recorded: str) -> str:
        own = str(self.scene.tokens["id_token"])
        known = {"<robot secret>": "robot-secret", "<password>": "Harbor12345", "<jwt>": own}
        if recorded == "<cli secret>":
            return next((user.secret for user in self.harbor.users), OLD_SECRET)
        return known.get(recorded, recorded)

    def _token(self, recorded: str) -> str:
        own = str(self.scene.tokens["id_token"])
        if self.case["case"] == "current-expired-id-token":
            while time.time() < self.scene.expired_at + 1:
                time.sleep(0.05)
            return str(self.scene.expired)
        if "the access token instead" in self.state:
            return str(self.scene.tokens["access_token"])
        return own if recorded == "<jwt>" else recorded


@pytest.mark.parametrize("name", [name for name in CASES if name not in LEFT_OUT])
def test_stand_in_answers_as_recorded(scene: Scene, name: str) -> None:
    case = CASES[name]
    recorded = case["response"]
    with scene.harbor() as harbor:
        try:
            replay = Replay(scene, harbor, case)
            if "no answer within" in recorded:
                with pytest.raises(requests.ReadTimeout):
                    replay.send(HANG_SECONDS)
                return
            answer = replay.send(60)
        finally:
            scene.proxy.clear()
        if name == "callback-conflict":
            # Here the name comes from a claim that carol's realm fills otherwise.
            message = recorded["body"]["errors"][0]["message"]
            recorded["body"]["errors"][0]["message"] = message.replace("user carol-h", "user Carol_C")
        endpoint = scene.realm.endpoint("auth").removesuffix("/auth")
        check(recorded, answer, {endpoint: "https://PROVIDER", harbor.url: "https://HARBOR", harbor.name: "HARBOR"})
        if name in GRANTED:
            (access,) = harbor.signer.access(answer.json()["token"]) or []
            assert access["actions"] == GRANTED[name]


def test_nothing_is_left_out_in_silence() -> None:
    assert len(CASES) == 61
    assert LEFT_OUT.keys() <= CASES.keys()
