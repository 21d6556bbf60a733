"""Harbor's client against recorded answers (tests/recordings/harbor.json) and against what Harbor never says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import (
    BrokenAnswer,
    Failure,
    HarborCannotReachProvider,
    NotHarborsRedirect,
    NotOidcMode,
    SecretRefused,
    ServerFault,
    Unreachable,
)
from docker_credential_harbor.model import Credentials, LoginRedirect, PairKind, Registry, ReleasedIdToken
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.remote.web.transport import Transport
from tests.lab.keycloak import free_port
from tests.unit.loopback import Answers, Asked, Reply, answers_server, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

RECORDINGS = {
    line["case"]: line
    for line in json.loads((Path(__file__).parents[2] / "recordings/harbor.json").read_text(encoding="utf-8"))
}
PAIR = Credentials("alice-h", "CliSecret1")
ID_TOKEN = ReleasedIdToken("a.b.c")


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


def recorded(case: str) -> Reply:
    response = RECORDINGS[case]["response"]
    return response["status"], response["headers"], response["body"]


def registry_at(server: Answers) -> Registry:
    return Registry("harbor.example.com", server.url)


def path_of(case: str) -> str:
    return str(RECORDINGS[case]["request"]["path"]).partition("?")[0]


# --- The probe --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "works"),
    [
        ("probe", True),
        ("probe-refreshed-by-harbor", True),
        ("probe-after-walk", True),
        ("down-robot-or-admin", True),
        ("probe-wrong-secret", False),
        ("probe-unknown-user", False),
        ("probe-dead", False),
        ("down-probe", False),
    ],
)
def test_probe(server: Answers, case: str, works: bool) -> None:
    server.replies["/service/token"] = recorded(case)
    assert harbor.probe(Transport(10), registry_at(server), PAIR) is works
    (asked,) = server.asked
    assert asked.path == RECORDINGS[case]["request"]["path"]
    assert asked.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, "<html>", BrokenAnswer),
        (200, {"token": ""}, BrokenAnswer),
        (200, {"token": 1}, BrokenAnswer),
        (200, [], BrokenAnswer),
        (204, "", BrokenAnswer),
        (302, "", BrokenAnswer),
        (403, {}, BrokenAnswer),
        (404, {}, BrokenAnswer),
        (429, {}, ServerFault),
        (500, {}, ServerFault),
        (503, {}, ServerFault),
    ],
)
def test_nothing_is_concluded_from_other_answers(
    server: Answers, status: int, body: object, error: type[Failure]
) -> None:
    server.replies.update(dict.fromkeys(["/service/token", "/api/v2.0/users/current"], (status, {}, body)))
    registry = registry_at(server)
    calls: list[Callable[[], object]] = [
        lambda: harbor.probe(Transport(10), registry, PAIR),
        lambda: harbor.current_user(Transport(10), registry, ID_TOKEN),
    ]
    for call in calls:
        with pytest.raises(error):
            call()


# --- The current user -------------------------------------------------------------------------------------------------


def test_current_user(server: Answers) -> None:
    server.replies["/api/v2.0/users/current"] = recorded("current")
    user = harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)
    assert user is not None
    assert (user.user_id, user.username, user.secret) == (9, "carol-h", "<cli secret>")
    assert user.token_updated_at == "2026-11-21T20:01:05.971Z"
    assert server.asked[0].headers["authorization"] == "Bearer a.b.c"
    assert "<cli secret>" not in repr(user)


def test_the_age_of_harbors_token_is_by_its_own_clock(server: Answers) -> None:
    status, headers, body = recorded("current")
    assert isinstance(body, dict)
    five_seconds_ago = (datetime.now(timezone.utc) - timedelta(seconds=5)).isoformat(timespec="milliseconds")
    ages = []
    for update_time in (five_seconds_ago.replace("+00:00", "Z"), "soon", None):
        changed = {**body, "oidc_user_meta": {**body["oidc_user_meta"], "update_time": update_time}}
        server.replies["/api/v2.0/users/current"] = (status, headers, changed)
        user = harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)
        assert user is not None
        ages.append(user.token_age_seconds)
    assert ages[0] == pytest.approx(5, abs=2)
    assert ages[1:] == [None, None]


@pytest.mark.parametrize("fraction", ["", ".5", ".12", ".971", ".97152", ".971523", ".971523418"])
def test_the_age_with_as_many_digits_as_harbor_writes(server: Answers, fraction: str) -> None:
    status, headers, body = recorded("current")
    assert isinstance(body, dict)
    meta = {**body["oidc_user_meta"], "update_time": f"2026-11-21T20:01:05{fraction}Z"}
    server.replies["/api/v2.0/users/current"] = (status, headers, {**body, "oidc_user_meta": meta})
    user = harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)
    assert user is not None
    assert user.token_age_seconds is not None


@pytest.mark.parametrize(
    "case", ["current-not-onboarded", "current-garbage-bearer", "current-expired-id-token", "down-current"]
)
def test_current_user_refused(server: Answers, case: str) -> None:
    server.replies["/api/v2.0/users/current"] = recorded(case)
    assert harbor.current_user(Transport(10), registry_at(server), ID_TOKEN) is None


@pytest.mark.parametrize("secret", ["", "abc\ufffddef", "\ufffd\ufffd", "a\x00b", "a\x1bb", None, 5])
def test_unreadable_bytes(server: Answers, secret: object) -> None:
    server.replies["/api/v2.0/users/current"] = (
        200,
        {},
        {"user_id": 1, "username": "a", "oidc_user_meta": {"secret": secret}},
    )
    user = harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)
    assert user is not None
    assert user.secret is None


def test_a_secret_that_a_person_chose_is_readable(server: Answers) -> None:
    server.replies["/api/v2.0/users/current"] = (
        200,
        {},
        {"user_id": 1, "username": "a", "oidc_user_meta": {"secret": "Pässword 1"}},
    )
    user = harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)
    assert user is not None
    assert user.secret == "Pässword 1"


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": 1, "username": "admin"},
        {"user_id": "1", "username": "a", "oidc_user_meta": {}},
        {"user_id": 1, "username": "", "oidc_user_meta": {}},
        {"user_id": 1, "username": "alice\x1b[2J", "oidc_user_meta": {}},
        {"user_id": 1, "username": "alice\nbob", "oidc_user_meta": {}},
        {"user_id": 1, "username": "alice\x9b2J", "oidc_user_meta": {}},
        {},
    ],
)
def test_no_oidc_user(server: Answers, body: dict[str, Any]) -> None:
    server.replies["/api/v2.0/users/current"] = (200, {}, body)
    with pytest.raises(BrokenAnswer):
        harbor.current_user(Transport(10), registry_at(server), ID_TOKEN)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("current-basic-robot", PairKind.ROBOT),
        ("current-basic-local", PairKind.LOCAL),
        ("current-basic", PairKind.PERSON),
    ],
)
def test_pair_kind(server: Answers, case: str, kind: PairKind) -> None:
    server.replies["/api/v2.0/users/current"] = recorded(case)
    assert harbor.pair_kind(Transport(10), registry_at(server), PAIR) is kind


@pytest.mark.parametrize(("status", "error"), [(200, BrokenAnswer), (403, BrokenAnswer), (502, ServerFault)])
def test_pair_kind_unknown(server: Answers, status: int, error: type[Failure]) -> None:
    server.replies["/api/v2.0/users/current"] = (status, {}, "")
    with pytest.raises(error):
        harbor.pair_kind(Transport(10), registry_at(server), PAIR)


# --- The login redirect -----------------------------------------------------------------------------------------------


def test_login_redirect(server: Answers) -> None:
    server.replies["/c/oidc/login"] = recorded("login-redirect")
    registry = registry_at(server)
    assert harbor.login_redirect(Transport(10), registry) == LoginRedirect(
        "https://PROVIDER/auth",
        "harbor",
        ("openid", "profile", "email", "offline_access"),
        redirect_uri="https://HARBOR/c/oidc/callback",
    )
    assert harbor.login_url(registry) == f"{server.url}/c/oidc/login"


@pytest.mark.parametrize(
    ("added", "taken"),
    [
        ("access_type=offline&prompt=consent", (("access_type", "offline"), ("prompt", "consent"))),
        ("prompt=select_account+consent&kc_idp_hint=corp", (("kc_idp_hint", "corp"), ("prompt", "consent"))),
        ("prompt=login&nonce=n&login_hint=x&response_mode=form_post&request_uri=u", ()),
        ("kc_action=delete_account&KC_ACTION=x&max_age=0&resource=u&claims=c&Request_URI=u&prompt%5B%5D=create", ()),
        ("redirect_uri%5B%5D=https%3A%2F%2Fevil.example.com&Redirect_Uri=x&CLIENT_ID=y&made_up=z", ()),
        ("hd=example.com&hd=other.example&idp=a%0Ab&domain_hint=%1B%5B2J", (("hd", "example.com"),)),
    ],
)
def test_what_harbors_administrator_adds(server: Answers, added: str, taken: tuple[tuple[str, str], ...]) -> None:
    status, headers, body = recorded("login-redirect")
    server.replies["/c/oidc/login"] = (status, {**headers, "location": f"{headers['location']}&{added}"}, body)
    assert harbor.login_redirect(Transport(10), registry_at(server)).further == taken


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, HarborCannotReachProvider),
        (504, HarborCannotReachProvider),
        (502, ServerFault),
        (429, ServerFault),
        (412, NotOidcMode),
        (200, BrokenAnswer),
        (404, BrokenAnswer),
    ],
)
def test_no_login_redirect(server: Answers, status: int, error: type[Failure]) -> None:
    server.replies["/c/oidc/login"] = (status, {}, "")
    with pytest.raises(Failure) as caught:
        harbor.login_redirect(Transport(10), registry_at(server))
    assert type(caught.value) is error


@pytest.mark.parametrize("location", ["", "/", "https://sso/auth", "//sso/auth?client_id=x", "https://[x?client_id=y"])
def test_redirects_that_lead_to_no_provider(server: Answers, location: str) -> None:
    server.replies["/c/oidc/login"] = (302, {"Location": location}, "")
    with pytest.raises(BrokenAnswer):
        harbor.login_redirect(Transport(10), registry_at(server))


# As their documentation and sources show them; by whom, and what the browser is sent on to.
SIGN_INS_BEFORE_HARBOR = {
    "oauth2-proxy": "https://sso.example.com/auth?approval_prompt=force&client_id=oauth2-proxy&redirect_uri="
    "https%3A%2F%2Fharbor.example.com%2Foauth2%2Fcallback&response_type=code&scope=openid&state=x%3A%2Fc%2Foidc%2Flogin",
    "oauth2-proxy's own page": "/oauth2/sign_in?rd=%2Fc%2Foidc%2Flogin",
    "Cloudflare Access": "https://corp.cloudflareaccess.com/cdn-cgi/access/login/harbor.example.com?kid=x&redirect_url="
    "%2Fc%2Foidc%2Flogin",
    "Authelia": "https://auth.example.com/?rd=https%3A%2F%2Fharbor.example.com%2Fc%2Foidc%2Flogin&rm=GET",
    "an application load balancer": "https://sso.example.com/authorize?client_id=x&redirect_uri="
    "https%3A%2F%2Fharbor.example.com%2Foauth2%2Fidpresponse&response_type=code&scope=openid&state=x",
    "SAML": "https://sso.example.com/saml?SAMLRequest=x&RelayState=%2Fc%2Foidc%2Flogin",
    "one by the implicit flow": "https://sso.example.com/auth?client_id=harbor&redirect_uri="
    "https%3A%2F%2Fharbor.example.com%2Fc%2Foidc%2Fcallback&response_type=id_token&state=x",
    "one that has no state": "https://sso.example.com/auth?client_id=harbor&redirect_uri="
    "https%3A%2F%2Fharbor.example.com%2Fc%2Foidc%2Fcallback&response_type=code",
    "one that names the callback elsewhere": "https://sso.example.com/auth?client_id=x&response_type=code&state=x&"
    "redirect_uri=https%3A%2F%2Fgate.example.com%2Fback%3Fto%3D%2Fc%2Foidc%2Fcallback",
}


@pytest.mark.parametrize("location", SIGN_INS_BEFORE_HARBOR.values(), ids=SIGN_INS_BEFORE_HARBOR)
def test_a_redirect_that_is_not_harbors(server: Answers, location: str) -> None:
    server.replies["/c/oidc/login"] = (302, {"Location": location}, "")
    with pytest.raises(NotHarborsRedirect, match=r"sends /c/oidc/login on to [\w.:-]+/\S*, and that is not") as caught:
        harbor.login_redirect(Transport(10), registry_at(server))
    assert "?" not in caught.value.message, "what is in the query may be secret"


def test_harbor_at_another_external_url_redirects_all_the_same(server: Answers) -> None:
    status, headers, body = recorded("login-redirect")
    elsewhere = headers["location"].replace("HARBOR", "registry.example.org%3A8443")
    server.replies["/c/oidc/login"] = (status, {**headers, "location": elsewhere}, body)
    assert harbor.login_redirect(Transport(10), registry_at(server)).client_id == "harbor"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_the_api_answers_before_it_is_reached(server: Answers, status: int) -> None:
    pair, registry = Credentials("alice-h", "s"), registry_at(server)
    questions: list[Callable[[], object]] = [
        lambda: harbor.system_info(Transport(10), registry),
        lambda: harbor.probe(Transport(10), registry, pair),
        lambda: harbor.pair_kind(Transport(10), registry, pair),
        lambda: harbor.current_user(Transport(10), registry, ID_TOKEN),
        lambda: harbor.set_cli_secret(Transport(10), registry, ID_TOKEN, 3, "s"),
    ]
    for path in ("/api/v2.0/systeminfo", "/service/token", "/api/v2.0/users/current", "/api/v2.0/users/3/cli_secret"):
        server.replies[path] = (status, {"Location": "https://sso.example.com/auth?state=x"}, "")
    for ask in questions:
        with pytest.raises(NotHarborsRedirect, match=r"on to sso\.example\.com/auth, and"):
            ask()
    for path in ("/api/v2.0/systeminfo", "/service/token"):  # a moved address is another matter
        server.replies[path] = (status, {"Location": f"https://harbor.example.org{path}"}, "")
    for ask in questions[:2]:
        with pytest.raises(BrokenAnswer, match=f"unexpected status {status}"):
            ask()


def test_silence_means_that_harbor_waits_for_its_provider() -> None:
    def hang(connection: socket.socket, _: bytes) -> None:
        connection.recv(1)

    with raw_server(hang) as port, pytest.raises(HarborCannotReachProvider):
        harbor.login_redirect(Transport(0.3), Registry("h", f"http://127.0.0.1:{port}"))


def test_a_refused_connection_says_nothing_of_the_provider() -> None:
    with pytest.raises(Unreachable) as caught:
        harbor.login_redirect(Transport(10), Registry("h", f"http://127.0.0.1:{free_port()}"))
    assert type(caught.value) is Unreachable


# --- The CLI secret ---------------------------------------------------------------------------------------------------


def test_set_cli_secret(server: Answers) -> None:
    server.replies["/api/v2.0/users/9/cli_secret"] = recorded("secret-set")
    harbor.set_cli_secret(Transport(10), registry_at(server), ID_TOKEN, 9, "N0t-a-secret")
    (asked,) = server.asked
    assert (asked.method, json.loads(asked.body)) == ("PUT", {"secret": "N0t-a-secret"})
    assert asked.headers["authorization"] == "Bearer a.b.c"


@pytest.mark.parametrize("case", ["secret-too-short", "secret-no-upper", "secret-of-another-user"])
def test_secret_refused_in_harbors_words(server: Answers, case: str) -> None:
    server.replies[path_of(case)] = recorded(case)
    user_id = int(path_of(case).split("/")[-2])
    message = RECORDINGS[case]["response"]["body"]["errors"][0]["message"]
    with pytest.raises(SecretRefused) as caught:
        harbor.set_cli_secret(Transport(10), registry_at(server), ID_TOKEN, user_id, "x")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, "", SecretRefused),
        (400, {"errors": []}, SecretRefused),
        (400, {"errors": [{"message": 5}]}, SecretRefused),
        (500, "", ServerFault),
        (302, "", BrokenAnswer),
    ],
)
def test_secret_not_set(server: Answers, status: int, body: object, error: type[Failure]) -> None:
    server.replies["/api/v2.0/users/9/cli_secret"] = (status, {}, body)
    with pytest.raises(error):
        harbor.set_cli_secret(Transport(10), registry_at(server), ID_TOKEN, 9, "Secret123")


def test_new_cli_secrets_meet_harbors_rules() -> None:
    made = {harbor.new_cli_secret() for _ in range(200)}
    assert len(made) == 200
    for secret in made:
        assert 32 <= len(secret) <= 128
        assert secret.isascii()
        assert secret.isalnum()
        assert any(c.isupper() for c in secret)
        assert any(c.islower() for c in secret)
        assert any(c.isdigit() for c in secret)


def test_a_secret_without_a_digit_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter("a" * harbor.CLI_SECRET_CHARACTERS + "aB1" + "c" * harbor.CLI_SECRET_CHARACTERS)
    monkeypatch.setattr("secrets.choice", lambda _: next(drawn))
    assert harbor.new_cli_secret().startswith("aB1c")


def test_system_info(server: Answers) -> None:
    server.replies["/api/v2.0/systeminfo"] = recorded("systeminfo")
    assert harbor.system_info(Transport(10), registry_at(server)).auth_mode == "oidc_auth"
    server.replies["/api/v2.0/systeminfo"] = (404, {}, "")
    with pytest.raises(BrokenAnswer):
        harbor.system_info(Transport(10), registry_at(server))


def test_a_url_with_a_path_before_harbors_own() -> None:
    with answers_server() as server:

        def answer(asked: Asked) -> Reply:
            return (200, {}, {"auth_mode": asked.path})

        server.replies["/proxy/api/v2.0/systeminfo"] = answer
        registry = Registry("h", f"{server.url}/proxy")
        assert harbor.system_info(Transport(10), registry).auth_mode == "/proxy/api/v2.0/systeminfo"
