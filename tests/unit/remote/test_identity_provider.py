"""The provider's client against recorded answers (tests/recordings/keycloak.json) and worse ones."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from docker_credential_harbor.errors import (
    BrokenAnswer,
    ClientRefused,
    Failure,
    IdTokenRejected,
    OfflineAccessRefused,
    ServerFault,
    SignInFailed,
    Unreachable,
)
from docker_credential_harbor.model import Provider, Registry, TokenSet
from docker_credential_harbor.remote import identity_provider
from docker_credential_harbor.remote.web.transport import Transport
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDINGS = {
    line["case"]: line
    for line in json.loads((Path(__file__).parents[2] / "recordings/keycloak.json").read_text(encoding="utf-8"))
}
NOW = 1_800_000_000.0
KEY = jwk.generate_key("EC", "P-256", {"kid": "k"}, private=True)
REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
CLIENT = REGISTRY.client_id
REALM = "/realms/dev"


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


def recorded(case: str) -> Reply:
    response = RECORDINGS[case]["response"]
    return response["status"], {}, response["body"]


def provider_at(server: Answers) -> Provider:
    issuer = server.url + REALM
    return Provider(issuer, f"{issuer}/auth", f"{issuer}/token", f"{issuer}/certs", f"{issuer}/revoke")


def id_token_of(server: Answers, **changes: Any) -> str:
    claims = {
        "iss": server.url + REALM,
        "sub": "s-1",
        "aud": [CLIENT, "harbor"],
        "azp": CLIENT,
        # Issued a minute ago by our clock: only exp - iat may count for how long the token lives.
        "iat": int(NOW) - 60,
        "exp": int(NOW) + 240,
        "nonce": "n",
        "preferred_username": "alice",
        **changes,
    }
    return jwt.encode({"alg": "ES256", "kid": "k"}, claims, KEY, algorithms=["ES256"])


def tokens_of(server: Answers, **changes: Any) -> TokenSet:
    tokens = TokenSet(server.url + REALM, "s-1", "alice", (CLIENT,), id_token_of(server), NOW, "r-1", 300.0)
    return tokens._replace(**changes)


# --- The code ---------------------------------------------------------------------------------------------------------


def exchange(server: Answers, registry: Registry = REGISTRY) -> TokenSet:
    return identity_provider.exchange_code(
        Transport(10),
        provider_at(server),
        registry,
        code="c",
        redirect_uri="http://127.0.0.1:5/callback",
        code_verifier="v",
        nonce="n",
        now=NOW,
    )


def serve_tokens(server: Answers, **changes: Any) -> None:
    body = {
        "access_token": "hidden",
        "token_type": "Bearer",
        "expires_in": 60,
        "refresh_token": "r-2",
        "id_token": id_token_of(server),
        **changes,
    }
    server.replies[f"{REALM}/token"] = (200, {}, {name: value for name, value in body.items() if value is not None})
    server.replies[f"{REALM}/certs"] = (200, {}, {"keys": [KEY.as_dict(private=False)]})


def test_exchange(server: Answers) -> None:
    serve_tokens(server)
    tokens = exchange(server)
    assert tokens == TokenSet(
        issuer=server.url + REALM,
        subject="s-1",
        person="alice",
        audience=(CLIENT, "harbor"),
        id_token=tokens.id_token,
        id_token_expires_at=NOW + 300,
        refresh_token="r-2",
        access_token_life_seconds=60.0,
        refreshed_at=NOW,
    )
    asked = server.asked[0]
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "http://127.0.0.1:5/callback",
        "code_verifier": "v",
        "client_id": CLIENT,
    }
    assert "authorization" not in asked.headers
    assert "r-2" not in repr(tokens)


def test_exchange_without_a_refresh_token(server: Answers) -> None:
    serve_tokens(server, refresh_token=None, expires_in=None)
    tokens = exchange(server)
    assert (tokens.refresh_token, tokens.access_token_life_seconds) == (None, None)


@pytest.mark.parametrize(("sent", "taken"), [("60", 60.0), (0, None), (-1, None), ("soon", None), (True, None)])
def test_the_access_tokens_life(server: Answers, sent: object, taken: float | None) -> None:
    serve_tokens(server, expires_in=sent)
    assert exchange(server).access_token_life_seconds == taken


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (recorded("offline-access-not-allowed"), OfflineAccessRefused),
        ((400, {}, {"error": "invalid_scope"}), OfflineAccessRefused),
        (recorded("unknown-client"), ClientRefused),
        ((400, {}, {"error": "unauthorized_client"}), ClientRefused),
        (recorded("code-garbage"), SignInFailed),
        ((400, {}, {"error": "temporarily_unavailable"}), ServerFault),
        ((400, {}, {"error": 5}), BrokenAnswer),
        ((403, {}, "<html>"), BrokenAnswer),
        ((302, {"Location": "/"}, ""), BrokenAnswer),
        ((500, {}, {"error": "invalid_grant"}), ServerFault),
        ((429, {}, ""), ServerFault),
        ((200, {}, "<html>"), BrokenAnswer),
        ((200, {}, {"access_token": "a"}), SignInFailed),
        ((200, {}, {"id_token": "no token"}), IdTokenRejected),
    ],
)
def test_exchange_refused(server: Answers, reply: Reply, error: type[Failure]) -> None:
    server.replies[f"{REALM}/token"] = reply
    with pytest.raises(Failure) as caught:
        exchange(server)
    assert type(caught.value) is error


def test_an_id_token_of_another_nonce(server: Answers) -> None:
    serve_tokens(server, id_token=id_token_of(server, nonce="other"))
    with pytest.raises(IdTokenRejected, match="nonce"):
        exchange(server)


@pytest.mark.parametrize(("reply", "error"), [((404, {}, ""), BrokenAnswer), ((503, {}, ""), ServerFault)])
def test_keys_that_cannot_be_had(server: Answers, reply: Reply, error: type[Failure]) -> None:
    serve_tokens(server)
    server.replies[f"{REALM}/certs"] = reply
    with pytest.raises(error):
        exchange(server)


# --- A client with a secret -------------------------------------------------------------------------------------------


def test_the_clients_secret_goes_as_basic(server: Answers) -> None:
    serve_tokens(server)
    exchange(server, REGISTRY._replace(client_secret="s/e c"))
    scheme, _, value = server.asked[0].headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", f"{CLIENT}:s%2Fe+c")
    assert "client_secret" not in server.asked[0].form


def test_or_in_the_form_where_basic_is_refused(server: Answers) -> None:
    serve_tokens(server)
    good = server.replies[f"{REALM}/token"]
    assert not callable(good)

    def form_only(asked: Asked) -> Reply:
        return good if asked.form.get("client_secret") == "s/e c" else recorded("unknown-client")

    server.replies[f"{REALM}/token"] = form_only
    assert exchange(server, REGISTRY._replace(client_secret="s/e c")).subject == "s-1"


def test_with_a_secret_every_other_refusal_means_the_same(server: Answers) -> None:
    registry = REGISTRY._replace(client_secret="s")
    server.replies[f"{REALM}/token"] = (400, {}, {"error": "temporarily_unavailable"})
    with pytest.raises(ServerFault):
        exchange(server, registry)
    server.replies[f"{REALM}/token"] = (401, {}, "<html>")
    with pytest.raises(BrokenAnswer):
        exchange(server, registry)
    server.replies[f"{REALM}/revoke"] = (400, {}, "<html>")
    assert not identity_provider.revoke(Transport(10), provider_at(server), registry, "r-1")
    assert len(server.asked) == 3, "only a client that is refused is asked for by the form"


# --- Refreshing -------------------------------------------------------------------------------------------------------


def refresh(server: Answers, tokens: TokenSet) -> TokenSet | None:
    return identity_provider.refresh(Transport(10), provider_at(server), REGISTRY, tokens, now=NOW + 1000)


def test_refresh(server: Answers) -> None:
    new = id_token_of(server, nonce=None, aud=[CLIENT, "harbor", "more"], preferred_username="alice2")
    serve_tokens(server, id_token=new)
    fresh = refresh(server, tokens_of(server))
    assert fresh == TokenSet(
        server.url + REALM, "s-1", "alice2", (CLIENT, "harbor", "more"), new, NOW + 1300, "r-2", 60.0, None, NOW + 1000
    )
    (asked,) = server.asked
    assert asked.form == {"grant_type": "refresh_token", "refresh_token": "r-1", "client_id": CLIENT}


def refresh_token_of(**claims: object) -> str:
    """One that is a JWT, as Keycloak's are."""
    return jwt.encode({"alg": "ES256"}, {"iat": int(NOW), **claims}, KEY, algorithms=["ES256"])


@pytest.mark.parametrize(
    ("told", "life"),
    [
        ({"refresh_expires_in": 1800}, 1800.0),
        ({"refresh_expires_in": "1800"}, 1800.0),
        ({"refresh_expires_in": 0}, 0.0),
        ({"refresh_expires_in": 0, "refresh_token": refresh_token_of(exp=int(NOW) + 5)}, 0.0),
        ({"refresh_expires_in": -5}, None),
        ({"refresh_expires_in": "soon"}, None),
        ({"refresh_token": refresh_token_of(exp=int(NOW) + 3600)}, 3600.0),
        ({"refresh_token": refresh_token_of()}, None),
        ({"refresh_token": "not.a.token"}, None),
        ({}, None),
    ],
)
def test_how_long_the_refresh_token_lives(server: Answers, told: dict[str, Any], life: float | None) -> None:
    serve_tokens(server, **told)
    tokens = exchange(server)
    assert (tokens.refresh_token_life_seconds, tokens.refreshed_at) == (life, NOW)
    serve_tokens(server, nonce=None, **told)
    fresh = refresh(server, tokens)
    assert fresh is not None
    assert (fresh.refresh_token_life_seconds, fresh.refreshed_at) == (life, NOW + 1000)


def test_what_a_refresh_leaves_out_stays(server: Answers) -> None:
    server.replies[f"{REALM}/token"] = (200, {}, {"access_token": "a"})
    tokens = tokens_of(server, refresh_token_life_seconds=1800.0, refreshed_at=NOW)
    assert refresh(server, tokens) == tokens


def test_the_same_id_token_again_lives_no_longer(server: Answers) -> None:
    tokens = tokens_of(server)
    serve_tokens(server, id_token=tokens.id_token)
    fresh = refresh(server, tokens)
    assert fresh is not None
    assert (fresh.id_token_expires_at, fresh.refresh_token) == (NOW, "r-2")


@pytest.mark.parametrize("case", ["refresh-garbage", "rotation-second-use", "refresh-after-revoke"])
def test_a_refused_refresh_token(server: Answers, case: str) -> None:
    server.replies[f"{REALM}/token"] = recorded(case)
    assert refresh(server, tokens_of(server)) is None


def test_the_person_has_to_be_asked(server: Answers) -> None:
    server.replies[f"{REALM}/token"] = (400, {}, {"error": "interaction_required"})
    assert refresh(server, tokens_of(server)) is None
    assert refresh(server, tokens_of(server, refresh_token=None)) is None


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (recorded("unknown-client"), ClientRefused),
        ((400, {}, {"error": "unsupported_grant_type"}), ClientRefused),
        ((400, {}, ""), BrokenAnswer),
        ((407, {}, "<html>"), BrokenAnswer),
        ((302, {}, ""), BrokenAnswer),
        ((503, {}, {"error": "invalid_grant"}), ServerFault),
        ((429, {}, {"error": "invalid_grant"}), ServerFault),
        ((200, {}, "cut"), BrokenAnswer),
    ],
)
def test_nothing_is_concluded_of_the_refresh_token(server: Answers, reply: Reply, error: type[Failure]) -> None:
    server.replies[f"{REALM}/token"] = reply
    with pytest.raises(error):
        refresh(server, tokens_of(server))


@pytest.mark.parametrize("changes", [{"sub": "s-2"}, {"iss": "https://evil.example.com"}, {"aud": ["harbor"]}])
def test_somebody_elses_id_token_is_not_taken(server: Answers, changes: dict[str, Any]) -> None:
    serve_tokens(server, id_token=id_token_of(server, **changes))
    with pytest.raises(IdTokenRejected):
        refresh(server, tokens_of(server))


def test_refreshing_costs_no_library(server: Answers) -> None:
    serve_tokens(server, id_token=id_token_of(server, iat=int(NOW), exp=int(NOW) + 60))
    code = (
        "import sys; from docker_credential_harbor.remote import identity_provider as p; "
        "from docker_credential_harbor.model import *; "
        "from docker_credential_harbor.remote.web.transport import Transport; "
        f"i={server.url + REALM!r}; t=TokenSet(i, 's-1', 'a', (), 'a.b.c', 0, 'r', None); "
        "p.refresh(Transport(10), Provider(i, i+'/auth', i+'/token', i+'/certs'), Registry('h', 'https://h'), t, 5.0); "
        "print([m for m in sys.modules if m.split('.')[0] in ('authlib', 'joserfc', 'cryptography')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- Revocation -------------------------------------------------------------------------------------------------------


def test_revoke(server: Answers) -> None:
    server.replies[f"{REALM}/revoke"] = recorded("revoke")
    assert identity_provider.revoke(Transport(10), provider_at(server), REGISTRY, "r-1")
    (asked,) = server.asked
    assert asked.form == {"token": "r-1", "token_type_hint": "refresh_token", "client_id": CLIENT}


def test_revoke_where_that_is_not_possible(server: Answers) -> None:
    found = provider_at(server)
    assert not identity_provider.revoke(Transport(10), found._replace(revocation_endpoint=None), REGISTRY, "r-1")
    server.replies[f"{REALM}/revoke"] = (400, {}, {"error": "unsupported_token_type"})
    assert not identity_provider.revoke(Transport(10), found, REGISTRY, "r-1")
    server.replies[f"{REALM}/revoke"] = (503, {}, "")
    with pytest.raises(Unreachable):
        identity_provider.revoke(Transport(10), found, REGISTRY, "r-1")
