"""The demo's own parts: its identity provider, its registry, and its client of registries."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.lab.demo import wants_own_browser
from tests.lab.demo_report import Report, masked
from tests.lab.embedded_registry import EmbeddedRegistry, digest_of
from tests.lab.harbor import StandInHarbor
from tests.lab.image_client import ImageClient, PullError
from tests.lab.own_sign_in import REDIRECT_URI, WITH_OFFLINE, pkce
from tests.lab.provider import DemoProvider
from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.docker import DockerEngine
    from tests.lab.person import CookiePerson


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    with DemoProvider() as running:
        yield running


@pytest.fixture
def demo_harbor(provider: DemoProvider) -> Iterator[StandInHarbor]:
    with StandInHarbor.start(provider.issuer) as harbor:
        harbor.onboard("alice-h", sub="demo-alice")
        harbor.add_project("demo")
        harbor.add_project("pub", public=True)
        yield harbor


@pytest.fixture
def registry(demo_harbor: StandInHarbor) -> EmbeddedRegistry:
    embedded = EmbeddedRegistry(demo_harbor)
    demo_harbor.set_registry(embedded)
    return embedded


def request_parameters(challenge: str, **changed: str) -> dict[str, str]:
    return {
        "client_id": HELPER_CLIENT,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": WITH_OFFLINE,
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **changed,
    }


def authorize(provider: DemoProvider, person: CookiePerson, **changed: str) -> tuple[dict[str, str], str]:
    """The parameters of the redirect back, and the code verifier."""
    verifier, challenge = pkce()
    query = urlencode(request_parameters(challenge, **changed))
    landed = person.walk_to(f"{provider.issuer}/authorize?{query}", REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}, verifier


def token(provider: DemoProvider, **form: str) -> requests.Response:
    return requests.post(f"{provider.issuer}/token", {"client_id": HELPER_CLIENT, **form})


def exchange(provider: DemoProvider, back: dict[str, str], verifier: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT_URI}
    return token(provider, **form, code_verifier=verifier)


def refresh(provider: DemoProvider, tokens: dict[str, Any]) -> requests.Response:
    return token(provider, grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def claims_of(provider: DemoProvider, id_token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(requests.get(f"{provider.issuer}/jwks").json())
    return jwt.decode(id_token, keys, algorithms=["RS256"]).claims


class TestProvider:
    def test_sign_in_with_an_id_token_for_harbor_too(self, provider: DemoProvider, person: CookiePerson) -> None:
        provider.records.token_seconds = 60
        back, verifier = authorize(provider, person)
        assert (back["state"], back["iss"]) == ("s", provider.issuer)
        answer = exchange(provider, back, verifier).json()
        assert answer["expires_in"] == 60
        claims = claims_of(provider, answer["id_token"])
        assert claims["aud"] == [HELPER_CLIENT, HARBOR_CLIENT]
        assert (claims["iss"], claims["nonce"], claims["preferred_username"]) == (provider.issuer, "n", "alice")
        assert claims["exp"] - claims["iat"] == 60

    def test_the_second_walk_has_no_form(self, provider: DemoProvider, person: CookiePerson) -> None:
        authorize(provider, person)
        back, _ = authorize(provider, person)
        assert "code" in back
        assert (person.forms, provider.logins) == (1, 1)
        authorize(provider, person, prompt="login")
        assert provider.logins == 2

    def test_the_form_is_filled_in_and_says_when_a_password_is_wrong(self, provider: DemoProvider) -> None:
        _, challenge = pkce()
        query = urlencode(request_parameters(challenge, login_hint="bob"))
        url = f"{provider.issuer}/authorize?{query}"
        assert 'name="username" value="bob"' in requests.get(url).text
        assert "Invalid user name" in requests.post(url, {"username": "bob", "password": "wrong"}).text
        assert provider.logins == 0

    def test_a_code_is_good_once_and_for_its_verifier(self, provider: DemoProvider, person: CookiePerson) -> None:
        back, verifier = authorize(provider, person)
        assert exchange(provider, back, verifier).status_code == 200
        assert exchange(provider, back, verifier).json()["error"] == "invalid_grant"
        back, _ = authorize(provider, person)
        assert exchange(provider, back, pkce()[0]).json()["error"] == "invalid_grant"

    def test_pkce_is_asked_for(self, provider: DemoProvider, person: CookiePerson) -> None:
        for method in ("plain", ""):
            back, _ = authorize(provider, person, code_challenge_method=method)
            assert (back["error"], back["iss"]) == ("invalid_request", provider.issuer)

    def test_nothing_is_prompted_where_that_was_asked(self, provider: DemoProvider, person: CookiePerson) -> None:
        back, _ = authorize(provider, person, prompt="none")
        assert (back["error"], back["state"]) == ("login_required", "s")

    @pytest.mark.parametrize(
        "changed",
        [
            {"client_id": "nobody"},
            {"redirect_uri": "http://127.0.0.1:5/elsewhere"},
            {"redirect_uri": "http://localhost:5/callback"},
            {"redirect_uri": "https://evil.example/callback"},
        ],
    )
    def test_a_stranger_gets_a_page_and_no_redirect(self, provider: DemoProvider, changed: dict[str, str]) -> None:
        _, challenge = pkce()
        query = urlencode(request_parameters(challenge, **changed))
        answer = requests.get(f"{provider.issuer}/authorize?{query}", allow_redirects=False)
        assert answer.status_code == 400

    def test_refresh_tokens_rotate(self, provider: DemoProvider, person: CookiePerson) -> None:
        first = exchange(provider, *authorize(provider, person)).json()
        second = refresh(provider, first).json()
        assert claims_of(provider, second["id_token"])["sub"] == "demo-alice"
        assert refresh(provider, first).json()["error"] == "invalid_grant"
        assert refresh(provider, second).status_code == 200

    def test_another_client_cannot_use_them(self, provider: DemoProvider, person: CookiePerson) -> None:
        tokens = exchange(provider, *authorize(provider, person)).json()
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        url = f"{provider.issuer}/token"
        assert requests.post(url, form, auth=(HARBOR_CLIENT, "wrong")).status_code == 401
        assert requests.post(url, form, auth=(HARBOR_CLIENT, HARBOR_CLIENT_SECRET)).json()["error"] == "invalid_grant"

    def test_revocation(self, provider: DemoProvider, person: CookiePerson) -> None:
        tokens = exchange(provider, *authorize(provider, person)).json()
        assert provider.records.live_refresh_tokens(HELPER_CLIENT) == 1
        form = {"client_id": HELPER_CLIENT, "token": tokens["refresh_token"], "token_type_hint": "refresh_token"}
        assert requests.post(f"{provider.issuer}/revoke", form).status_code == 200
        assert provider.records.live_refresh_tokens(HELPER_CLIENT) == 0
        assert refresh(provider, tokens).json()["error"] == "invalid_grant"

    def test_ended_sessions(self, provider: DemoProvider, person: CookiePerson) -> None:
        tokens = exchange(provider, *authorize(provider, person)).json()
        back, verifier = authorize(provider, person)
        provider.end_sessions("alice")
        assert refresh(provider, tokens).json()["error"] == "invalid_grant"
        assert exchange(provider, back, verifier).json()["error"] == "invalid_grant"
        authorize(provider, person)
        assert provider.logins == 2

    def test_down_and_up(self, provider: DemoProvider, person: CookiePerson) -> None:
        tokens = exchange(provider, *authorize(provider, person)).json()
        provider.down()
        with pytest.raises(requests.ConnectionError):
            refresh(provider, tokens)
        provider.up()
        assert refresh(provider, tokens).status_code == 200

    def test_harbor_signs_in_and_refreshes(
        self, provider: DemoProvider, demo_harbor: StandInHarbor, person: CookiePerson
    ) -> None:
        assert "alice-h" in person.open(f"{demo_harbor.url}/c/oidc/login").text
        demo_harbor.expire_stored_access_token("alice-h")
        url, pair = f"{demo_harbor.url}/service/token", ("alice-h", demo_harbor.users["alice-h"].secret)
        assert requests.get(url, auth=pair).status_code == 200
        assert demo_harbor.refreshes == 1
        provider.end_sessions("alice")
        demo_harbor.expire_stored_access_token("alice-h")
        assert requests.get(url, auth=pair).status_code == 401


class TestRegistry:
    def test_a_pull(self, demo_harbor: StandInHarbor, registry: EmbeddedRegistry) -> None:
        demo_harbor.add_robot("robot$ci", "robot-secret")
        digest = registry.add_image("demo/hello", "1", {"hello": b"there"})
        client = ImageClient(demo_harbor.url, ("robot$ci", "robot-secret"))
        pulled = client.pull("demo/hello", "1")
        assert pulled.digest == digest
        assert b"there" in gzip.decompress(pulled.layers[0])
        assert pulled.steps[0] == "GET /v2/: 401"
        with pytest.raises(PullError, match="404"):
            client.pull("demo/hello", "2")
        client.close()

    def test_what_harbors_token_does_not_name_is_refused(
        self, demo_harbor: StandInHarbor, registry: EmbeddedRegistry
    ) -> None:
        for project in ("demo", "pub"):
            registry.add_image(f"{project}/hello", "1", {"hello": b"there"})
        ImageClient(demo_harbor.url, None).pull("pub/hello", "1")
        with pytest.raises(PullError, match="GET /v2/demo/hello/manifests/1: 401"):
            ImageClient(demo_harbor.url, None).pull("demo/hello", "1")
        with pytest.raises(PullError, match="401"):
            ImageClient(demo_harbor.url, ("alice-h", "wrong")).pull("demo/hello", "1")
        bearer = {"Authorization": "Bearer " + demo_harbor.signer.sign("x", [])}
        answer = requests.get(f"{demo_harbor.url}/v2/demo/hello/manifests/1", headers=bearer)
        assert 'scope="repository:demo/hello:pull"' in answer.headers["WWW-Authenticate"]

    def test_a_push_in_one_and_in_several_requests(
        self, demo_harbor: StandInHarbor, registry: EmbeddedRegistry
    ) -> None:
        access = [{"type": "repository", "name": "demo/hi", "actions": ["pull", "push"]}]
        headers = {"Authorization": "Bearer " + demo_harbor.signer.sign("x", access)}
        uploads = f"{demo_harbor.url}/v2/demo/hi/blobs/uploads/"
        content = b"0123456789"
        begun = requests.post(uploads, headers=headers)
        assert begun.status_code == 202
        first = requests.patch(begun.headers["Location"], content[:4], headers=headers)
        assert (first.status_code, first.headers["Range"]) == (202, "0-3")
        digest = {"digest": digest_of(content)}
        wrong = requests.put(begun.headers["Location"], content, headers=headers, params=digest)
        assert wrong.status_code == 400
        assert requests.post(uploads, content, headers=headers, params=digest).status_code == 201
        blob = f"{demo_harbor.url}/v2/demo/hi/blobs/{digest['digest']}"
        assert requests.get(blob, headers=headers).content == content
        assert requests.head(blob, headers=headers).headers["Content-Length"] == "10"
        assert requests.get(blob.replace("/hi/", "/ho/"), headers=headers).status_code == 401
        assert registry.repositories() == set()

    def test_a_token_to_pull_does_not_push(self, demo_harbor: StandInHarbor, registry: EmbeddedRegistry) -> None:
        registry.add_image("demo/hello", "1", {"hello": b"there"})
        access = [{"type": "repository", "name": "demo/hello", "actions": ["pull"]}]
        headers = {"Authorization": "Bearer " + demo_harbor.signer.sign("x", access)}
        tags = f"{demo_harbor.url}/v2/demo/hello/tags/list"
        assert requests.get(tags, headers=headers).json() == {"name": "demo/hello", "tags": ["1"]}
        assert requests.post(f"{demo_harbor.url}/v2/demo/hello/blobs/uploads/", headers=headers).status_code == 401

    def test_docker_pushes_and_pulls(
        self, demo_harbor: StandInHarbor, registry: EmbeddedRegistry, docker_engine: DockerEngine, tmp_path: Path
    ) -> None:
        demo_harbor.add_robot("robot$ci", "robot-secret")
        (tmp_path / "config.json").write_text('{"auths": {"none.invalid": {}}}')
        signed_in = docker_engine.run(
            "login", "-u", "robot$ci", "-p", "robot-secret", demo_harbor.name, config=tmp_path
        )
        assert signed_in.returncode == 0, signed_in.stderr
        image = f"{demo_harbor.name}/demo/pushed:1"
        docker_engine.import_image(image, 1 << 20)
        pushed = docker_engine.run("push", image, config=tmp_path)
        assert pushed.returncode == 0, pushed.stderr
        assert "digest: sha256:" in pushed.stdout
        docker_engine.forget_image(image)
        pulled = docker_engine.run("pull", image, config=tmp_path)
        assert pulled.returncode == 0, pulled.stderr
        docker_engine.forget_image(image)
        assert registry.repositories() == {"demo/pushed"}


class TestOwnBrowser:
    DESKTOP = {"WAYLAND_DISPLAY": "wayland-0"}  # noqa: RUF012 - never changed

    @pytest.mark.parametrize(("answer", "wanted"), [("", False), ("n", False), ("y", True), (" Yes ", True)])
    def test_a_terminal_is_asked(self, answer: str, wanted: bool) -> None:
        assert wants_own_browser(self.DESKTOP, True, lambda _: answer) is wanted

    @pytest.mark.parametrize(
        ("environ", "interactive"), [(DESKTOP, False), ({}, True), ({**DESKTOP, "CI": "true"}, True)]
    )
    def test_nobody_is_asked_without_a_terminal_or_a_browser(self, environ: dict[str, str], interactive: bool) -> None:
        assert wants_own_browser(environ, interactive, pytest.fail) is False

    @pytest.mark.parametrize(("choice", "wanted"), [("1", True), ("0", False)])
    def test_the_variable_chooses(self, choice: str, wanted: bool) -> None:
        for interactive in (True, False):
            assert wants_own_browser({**self.DESKTOP, "DEMO_BROWSER": choice}, interactive, pytest.fail) is wanted


class TestReport:
    def report(self, encoding: str = "utf-8") -> tuple[Report, io.BytesIO]:
        written = io.BytesIO()
        return Report(io.TextIOWrapper(written, encoding)), written

    def test_one_broken_step_is_a_cross_and_the_next_one_follows(self) -> None:
        report, written = self.report()
        with report.step("good") as step:
            step.took(12.3)
            step.expect("so it is", True)
        assert report.ok
        with report.step("bad") as step:
            step.expect("so it is", True)
            step.expect("it is not", False)
        with report.step("breaks") as step:
            raise ValueError("why")
        with report.step("nothing was looked at"):
            pass
        report.summary()
        assert not report.ok
        assert [step.ok for step in report.steps] == [True, False, False, False]
        output = written.getvalue().decode()
        assert "\u2713 12 ms   so it is\n" in output
        assert "\u2717 not so: it is not\n" in output
        assert "\u2717 not so: ValueError: why\n" in output
        assert "1 of 4 steps" in output

    def test_what_is_not_on_this_machine_is_skipped(self) -> None:
        report, written = self.report()
        with report.step("needs something") as step:
            step.skip("not here")
        report.summary()
        assert report.ok
        assert "1. needs something (not here)\n" in written.getvalue().decode()

    def test_a_terminal_without_ticks(self) -> None:
        report, written = self.report("ascii")
        with report.step("good") as step:
            step.say("\u2026")
            step.expect("so it is", True)
        assert b"ok 0 ms   so it is\n" in written.getvalue()

    def test_the_secret_is_masked(self) -> None:
        pair = {"ServerURL": "h", "Username": "u", "Secret": "s3cret"}
        assert json.loads(masked(json.dumps(pair))) == {**pair, "Secret": "********"}
        assert masked("credentials not found in native keychain\n") == "credentials not found in native keychain\n"
