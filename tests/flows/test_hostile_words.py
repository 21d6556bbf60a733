"""A hostile Harbor, a hostile provider, hostile files and variables: what they say is shown, and never obeyed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from tests.lab.faults import FaultProxy
from tests.lab.harbor import StandInHarbor
from tests.lab.hostile import EVIL, EVIL_LINE, HALF, check, leads_to
from tests.lab.pace import paced
from tests.lab.provider import DemoProvider
from tests.lab.provider_records import Somebody
from tests.lab.said import PREFIX
from tests.lab.terminal import Terminal
from tests.lab.workplace import let_id_token_expire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.faults import Fault
    from tests.lab.person import CookiePerson
    from tests.lab.sealed_home import Helper
    from tests.lab.web import Exchange

KEYCLOAKS = "/realms/dev/protocol/openid-connect/auth"
QUICK = {"DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT": str(paced(3)), "DOCKER_CREDENTIAL_HARBOR_TRACE": "1"}
LOOKS = (["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["keepalive"])


class Place:
    """A person with a Harbor and a provider, each behind a proxy that can say anything in its name."""

    def __init__(self, helper: Helper, person: CookiePerson, provider: DemoProvider) -> None:
        self.helper, self.provider = helper, provider
        self.at_provider = FaultProxy.start(provider.issuer)
        self.behind = StandInHarbor.start(provider.issuer, scopes="openid profile email")
        self.at_harbor = FaultProxy.start(self.behind.url)
        self.behind.external_url = self.at_harbor.url
        self.name = self.at_harbor.url.partition("://")[2]
        self.behind.onboard("alice-h", "alice@example.com", provider.records.people["alice"].subject)
        helper.home.environment["BROWSER"] = person.browser_command
        self.configure()

    def configure(self, **keys: str) -> None:
        keys = {"url": self.at_harbor.url, "issuer": self.provider.issuer, **keys}
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
        self.helper.configure(f'storage = "file"\ncache_ttl = 0\n[registries."{self.name}"]\n{table}\n')

    def said(self, arguments: str | Sequence[str], **env: str) -> str:
        """All that a run writes; it must be fit for a terminal, each line of standard error ours."""
        answer = self.helper.run(arguments, self.name, {**QUICK, **env})
        check(answer.stdout)
        check(answer.stderr)
        assert all(line.startswith(PREFIX) for line in answer.stderr.splitlines()), answer.stderr
        for line in answer.stdout.splitlines() if "--json" in arguments else ():
            if line.startswith("{") and line.endswith("}"):
                check(json.dumps(json.loads(line), ensure_ascii=False))
        return answer.stdout + answer.stderr

    def looks(self) -> str:
        return "".join(self.said(words) for words in LOOKS)

    def let_it_answer(self, **parameters: str) -> None:
        """The provider sends every browser back with those, and is asked for tokens at the proxy."""

        def sends_back(exchange: Exchange, proxy: FaultProxy) -> None:
            query = urlencode({**parameters, "state": exchange.parameter("state"), "iss": proxy.url})
            exchange.redirect(f"{exchange.parameter('redirect_uri')}?{query}")

        url = self.at_provider.url
        endpoints = {"authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token"}
        self.configure(issuer=url)
        self.at_provider.set("/.well-known/", answers(200, {**_document(self), **endpoints, "issuer": url}))
        self.at_provider.set("/authorize", sends_back)

    def close(self) -> None:
        self.at_harbor.close()
        self.behind.close()
        self.at_provider.close()


@pytest.fixture
def place(helper: Helper, person: CookiePerson) -> Iterator[Place]:
    with DemoProvider() as provider:
        made = Place(helper, person, provider)
        yield made
        made.close()


def answers(status: int, value: object) -> Fault:
    return lambda exchange, _proxy: exchange.answer(status, json.dumps(value).encode(), [("Content-Type", "text/json")])


class TestHarbor:
    def test_its_version_and_what_it_says_of_its_users_token(self, place: Place) -> None:
        place.at_harbor.set("/api/v2.0/systeminfo", answers(200, {"auth_mode": "oidc_auth", "harbor_version": EVIL}))
        assert "\\x1b[31m" in place.said(
            ["setup", "--dry-run", place.at_harbor.url], DOCKER_CREDENTIAL_HARBOR_CONFIG=""
        )
        place.said(["setup", "--admin", place.at_harbor.url])
        assert "Harbor x\\x1b[31m" in place.looks()
        place.behind.users["alice-h"].update_time = EVIL_LINE
        place.said("get")
        place.looks()
        place.said(["rotate"])
        place.said(["logout"])

    def test_its_auth_mode(self, place: Place) -> None:
        place.at_harbor.set("/api/v2.0/systeminfo", answers(200, {"auth_mode": EVIL_LINE}))
        place.said(["setup", "--admin", place.at_harbor.url])
        place.looks()

    def test_a_user_name(self, place: Place) -> None:
        place.said("get")
        user = {"user_id": 1, "username": EVIL, "oidc_user_meta": {"secret": "Secret-1", "update_time": ""}}
        place.at_harbor.set("/api/v2.0/users/current", answers(200, user))
        place.at_harbor.set("/service/token", answers(401, {}))
        assert "a user name that cannot be shown as it is" in place.said("get")
        place.looks()

    def test_why_it_does_not_take_a_secret(self, place: Place) -> None:
        place.said("get")
        refusal = {"errors": [{"code": EVIL, "message": EVIL_LINE}]}
        place.at_harbor.set("/api/v2.0/users/", answers(400, refusal))
        place.at_harbor.set("/api/v2.0/users/current", lambda exchange, proxy: _true(exchange, proxy))
        assert "did not take a new CLI secret (x\\x1b[31m" in place.said(["rotate"])
        place.said(["logout", "--everywhere"])

    @pytest.mark.parametrize("client_id", ["a\x1b[31m", "a\nb", "a\u2028b", "\u202ea", " a", "a\u200b", "a" * 256])
    def test_a_client_id_that_is_none_is_refused(self, place: Place, client_id: str) -> None:
        place.at_harbor.set("/c/oidc/login", leads_to(f"{place.provider.issuer}{KEYCLOAKS}", client_id=client_id))
        for words in (["setup", "--admin", place.at_harbor.url], "get", ["doctor"]):
            assert "a redirect with a client ID that is none" in place.said(words)

    def test_where_it_leads_to(self, place: Place) -> None:
        for path in (quote(EVIL), EVIL_LINE.replace("\n", "").replace("\r", "").encode().decode("latin-1"), "a b"):
            endpoint = f"{place.provider.issuer}/{path}"
            place.at_harbor.set("/c/oidc/login", leads_to(endpoint, scope=EVIL, prompt=EVIL))
            place.said(["doctor"])
            place.said("get", CI="true")
        raw = f"{place.provider.issuer}/\x1b[31m\x9b\xad" + "A" * 3000
        place.at_harbor.set("/c/oidc/login", lambda exchange, _proxy: exchange.redirect(raw))
        place.said(["setup", "--admin", place.at_harbor.url])
        place.said(["status"])

    def test_a_realm_that_is_none_is_refused(self, place: Place) -> None:
        for realm in (quote(EVIL, safe=""), "%20a", "a%2Fb", "a%E2%80%AE"):
            endpoint = f"{place.at_provider.url}/realms/{realm}/protocol/openid-connect/auth"
            place.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG", None)
            place.at_harbor.set("/c/oidc/login", leads_to(endpoint))
            assert "a realm whose name is none" in place.said(["setup", "--admin", place.at_harbor.url])


def _true(exchange: Exchange, proxy: FaultProxy) -> None:
    code, headers, body = proxy.true_answer(exchange)
    exchange.answer(code, body, headers)


class TestProvider:
    def test_its_issuer_and_endpoints(self, place: Place) -> None:
        place.configure(issuer=place.at_provider.url)
        for member in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
            document = {**_document(place), member: f"https://x/{HALF}"}
            place.at_provider.set("/.well-known/", answers(200, document))
            place.said(["doctor"])
            place.said("get")
            place.said(["setup", "--admin", place.at_harbor.url])

    def test_a_persons_name(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = Somebody.claims

        def claims(somebody: Somebody) -> dict[str, Any]:
            return {**honest(somebody), "preferred_username": EVIL_LINE}

        monkeypatch.setattr(Somebody, "claims", claims)
        place.said("get")
        place.provider.end_sessions("alice")
        let_id_token_expire(place.helper.home)
        place.behind.kill_stored_token("alice-h")
        assert "the sign-in of x\\x1b[31m" in place.looks()
        place.said(["logout"])

    def test_its_errors(self, place: Place) -> None:
        place.let_it_answer(code="c")
        place.at_provider.set("/token", answers(400, {"error": EVIL, "error_description": EVIL_LINE}))
        assert "failed (the identity provider" in place.said(["login"])
        place.said("get")
        place.looks()

    def test_its_answer_to_the_sign_in(self, place: Place, person: CookiePerson) -> None:
        place.let_it_answer(error="access_denied", error_description=EVIL_LINE)
        assert "was declined (x\\x1b[31m" in place.said(["login"])
        [page] = [page for page in person.pages if "You are not signed in" in page.text]
        check(page.text)
        place.looks()

    @pytest.mark.parametrize(
        "told",
        [{"user_code": EVIL}, {"verification_uri": f"https://x/{EVIL}"}, {"verification_uri_complete": EVIL_LINE}],
        ids=["user code", "address", "whole address"],
    )
    def test_a_device_code(self, place: Place, told: dict[str, str]) -> None:
        place.configure(issuer=place.at_provider.url)
        honest = {
            "device_code": "d",
            "user_code": "AB-12",
            "verification_uri": "https://sso.example.com",
            "interval": 1,
        }
        endpoints = {
            "issuer": place.at_provider.url,
            "device_authorization_endpoint": f"{place.at_provider.url}/device",
        }
        place.at_provider.set("/.well-known/", answers(200, {**_document(place), **endpoints}))
        place.at_provider.set("/device", answers(200, {**honest, "expires_in": 60, **told}))
        assert "gave an answer that cannot be used" in place.said(["login", "--device"])


def _document(place: Place) -> dict[str, object]:
    answer = subprocess.run(
        ["curl", "-s", f"{place.provider.issuer}/.well-known/openid-configuration"], capture_output=True, check=True
    )
    document: dict[str, object] = json.loads(answer.stdout)
    return document


class TestThisMachine:
    def test_clients_files(self, place: Place) -> None:
        config = place.helper.home.docker_config / "config.json"
        place.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
        auth = {"auth": "YTpi"}
        for content in (
            {"auths": {EVIL: auth, EVIL_LINE: {"auth": "!"}}},
            {"credHelpers": {place.name: EVIL_LINE}},
            {"credsStore": EVIL},
            {EVIL: {EVIL: 1}, "auths": {f"https://x/{EVIL}": auth}},
        ):
            config.write_text(json.dumps(content))
            place.said(["setup", "--dry-run", "--no-login", place.at_harbor.url])
            place.said(["setup", "--dry-run", "--no-login", "--credentials-store", "--yes", place.at_harbor.url])
            place.said(["setup", "--no-login", "--credentials-store", place.at_harbor.url])
            place.said(["setup", "--no-login", place.at_harbor.url])
            place.said(["doctor"])
            place.said(["setup", "--undo", place.at_harbor.url])

    def test_a_stored_pair(self, place: Place) -> None:
        pair = {"ServerURL": place.name, "Username": "al\u202ei\u2066ce\u200b", "Secret": "Secret-1"}
        assert place.helper.run("store", json.dumps(pair)).returncode == 0
        assert "al\\u202ei" in place.looks()
        place.said("get")
        place.said(["login"])
        place.said("list")
        place.said(["logout"])

    def test_variables_and_configuration(self, place: Place) -> None:
        odd = "x\x1b[31m\u202e\n[ok] all is well here"
        for variable in (
            "HTTPS_PROXY",
            "DOCKER_CONFIG",
            "DOCKER_CREDENTIAL_HARBOR_STORAGE",
            "BROWSER",
            "REGISTRY_AUTH_FILE",
        ):
            place.said(["doctor"], **{variable: odd})
            place.said("get", **{variable: odd})
        place.said(["login", odd])
        place.said(["setup", odd])
        place.said(["setup", "--ca-file", odd, place.at_harbor.url])
        place.said([odd])
        for toml in (f"{json.dumps(odd)} = 1", f"login = {json.dumps(odd)}", f"[registries.{json.dumps(odd)}]"):
            place.helper.configure(toml)
            place.said(["status"])
            place.said("get")

    def test_a_workers_note(self, place: Place) -> None:
        """Whoever writes it: what is read from it is printed."""
        place.said(["login"])
        [path] = place.helper.home.folders["XDG_STATE_HOME"].rglob("window.json")
        note = json.loads(path.read_text())
        link = {"url": f"https://x/{EVIL}", "purpose": EVIL, "user_code": EVIL, "code_in_url": True, "ends_at": None}
        path.write_text(json.dumps({**note, "links": [link], "lines": [EVIL_LINE], "registry": EVIL, "ended": False}))
        place.said(["login"])
        place.looks()


def test_on_a_terminal(place: Place) -> None:
    place.at_harbor.set("/api/v2.0/systeminfo", answers(200, {"auth_mode": "oidc_auth", "harbor_version": EVIL}))
    environment = {**place.helper.home.environment, "TERM": "xterm", **QUICK}
    shown = ""
    for words in (["status"], ["doctor"], ["login"], ["setup", "--admin", place.at_harbor.url]):
        with Terminal([place.helper.program, *words], environment) as terminal:
            terminal.wait()
            check(terminal.raw, terminal=True)
            shown += terminal.raw
    assert "\x1b[32m" in shown, "our own colours"
