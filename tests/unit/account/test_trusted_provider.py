"""Whether a registry gets a sign-in of ours: what shows by itself, and what the provider is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from docker_credential_harbor.account import trusted_provider
from docker_credential_harbor.errors import (
    AnotherIssuer,
    AnotherLogin,
    AnotherName,
    BrokenAnswer,
    Failure,
    IssuerUnconfirmed,
    NotVouchedFor,
    ServerFault,
    Unreachable,
)
from docker_credential_harbor.model import DeviceCode, LoginRedirect, Pin, Provider, Registry, SignIn, TokenSet, Word
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.storage.registry_notes import Notes
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

SSO = "https://sso.example.com/realms/dev"
CALLBACK = "https://harbor.example.com/c/oidc/callback"
REGISTRY = Registry("harbor.example.com", "https://harbor.example.com")
REDIRECT = LoginRedirect(f"{SSO}/auth", "harbor", ("openid",), redirect_uri=CALLBACK)
FOUND = Provider(SSO, f"{SSO}/auth", f"{SSO}/token", f"{SSO}/certs", iss_parameter_supported=True)
PIN = Pin(SSO, "harbor", CALLBACK)


def signed_in_at(issuer: str) -> SignIn:
    return SignIn(TokenSet(issuer, "sub", "alice", (), "a.b.c", 0, None, None))


def kind_of(failure: Failure | None) -> type[Failure] | None:
    return type(failure) if failure else None


# --- Without a request ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redirect_uri", "url", "is_its_own"),
    [
        (CALLBACK, "https://harbor.example.com", True),
        ("https://HARBOR.example.com:443/c/oidc/callback", "https://harbor.example.com", True),
        (CALLBACK, "https://Harbor.Example.com:443", True),
        ("https://harbor.example.com:8443/c/oidc/callback", "https://harbor.example.com:8443", True),
        ("http://[::1]:80/c/oidc/callback", "http://[::1]", True),
        ("https://harbor.example.com:8443/c/oidc/callback", "https://harbor.example.com", False),
        ("http://harbor.example.com/c/oidc/callback", "https://harbor.example.com", False),
        ("https://other.example.com/c/oidc/callback", "https://harbor.example.com", False),
        ("https://harbor.example.com.evil.example/c/oidc/callback", "https://harbor.example.com", False),
        ("https://harbor.example.com@evil.example/c/oidc/callback", "https://harbor.example.com", False),
        ("https://evil.example\\@harbor.example.com/c/oidc/callback", "https://harbor.example.com", False),
        ("https://evil.example/?https://harbor.example.com/c/oidc/callback", "https://harbor.example.com", False),
        ("//harbor.example.com/c/oidc/callback", "https://harbor.example.com", False),
        ("", "https://harbor.example.com", False),
    ],
)
def test_the_callback_must_be_the_registrys_own(redirect_uri: str, url: str, is_its_own: bool) -> None:
    registry, redirect = REGISTRY._replace(url=url), REDIRECT._replace(redirect_uri=redirect_uri)
    assert kind_of(trusted_provider.doubt(registry, redirect, FOUND)) is (None if is_its_own else AnotherName)


def test_the_name_that_harbor_gives_itself_is_told() -> None:
    redirect = REDIRECT._replace(redirect_uri="https://registry.example.org:8443/c/oidc/callback")
    failure = trusted_provider.doubt(REGISTRY, redirect, FOUND)
    assert failure
    assert failure.message == "harbor.example.com calls itself https://registry.example.org:8443 (its external_url)"
    assert failure.every_remedy == (
        "if you know that name, run docker-credential-harbor setup https://registry.example.org:8443; "
        "if yours is a proxy's, set issuer for it"
    )


def test_a_provider_without_iss_has_to_be_confirmed() -> None:
    failure = trusted_provider.doubt(REGISTRY, REDIRECT, FOUND._replace(iss_parameter_supported=False))
    assert isinstance(failure, IssuerUnconfirmed)
    assert f"{SSO} cannot vouch for harbor.example.com (it sends no iss)" in failure.message
    assert failure.every_remedy.endswith("setup harbor.example.com at a terminal; or set issuer to it")


@pytest.mark.parametrize(
    ("notes", "before", "held_to"),
    [
        (Notes(), None, None),
        (Notes(pin=PIN), None, SSO),
        (Notes(), signed_in_at(SSO), SSO),  # by an older version
        (Notes(pin=PIN), signed_in_at("https://old.example.com"), SSO),
    ],
)
def test_the_issuer_that_it_is_held_to(notes: Notes, before: SignIn | None, held_to: str | None) -> None:
    assert trusted_provider.pinned_issuer(notes, before) == held_to


def test_another_issuer_than_that_is_not_taken() -> None:
    failure = trusted_provider.doubt(REGISTRY, REDIRECT, FOUND, "https://old.example.com")
    assert isinstance(failure, AnotherIssuer)
    assert SSO in failure.message
    assert "not at https://old.example.com" in failure.message
    assert trusted_provider.doubt(REGISTRY, REDIRECT, FOUND, SSO) is None


def test_what_is_configured_is_the_persons_own_word() -> None:
    registry = REGISTRY._replace(issuer=SSO)
    redirect = REDIRECT._replace(redirect_uri="https://other.example.com/c/oidc/callback")
    found = FOUND._replace(iss_parameter_supported=False)
    assert trusted_provider.doubt(registry, redirect, found, "https://old.example.com") is None
    notes = Notes(generation=3)
    assert trusted_provider.asked(Transport(10), registry, redirect, found, notes, None, anew=True) is notes
    trusted_provider.check(registry, redirect, found, notes._replace(word=Word(PIN, takes_own=False)), None)


LONG = "registry.platform.corp.example.com"
LONG_REGISTRY = Registry(LONG, f"https://{LONG}")
LONG_ISSUER = "https://login.platform.corp.example.com/realms/engineering"


@pytest.mark.parametrize(
    ("notes", "iss", "host", "code"),
    [
        ({"takes_own": True, "refuses_made_up": False}, True, LONG, "issuer-unconfirmed"),
        ({"takes_own": True}, False, LONG, "issuer-unconfirmed"),
        ({"takes_own": False}, True, LONG, "not-vouched-for"),
        ({"takes_own": True}, True, "registry-blue.platform.corp.example.com:8443", "another-name"),
    ],
    ids=["takes any", "no iss", "refused", "another name"],
)
def test_what_is_said_is_short_with_long_names(notes: dict[str, bool], iss: bool, host: str, code: str) -> None:
    found = FOUND._replace(issuer=LONG_ISSUER, iss_parameter_supported=iss)
    redirect = REDIRECT._replace(client_id="harbor-production", redirect_uri=f"https://{host}/c/oidc/callback")
    word = Word(trusted_provider.pin_for(redirect, found), **notes)
    with pytest.raises(Failure) as raised:
        trusted_provider.check(LONG_REGISTRY, redirect, found, Notes(word=word), None)
    assert raised.value.code == code
    assert len(str(raised.value)) <= 280, str(raised.value)


def test_so_is_that_of_a_login_that_leads_elsewhere() -> None:
    endpoint = f"{LONG_ISSUER}-2/protocol/openid-connect/auth"
    assert len(str(AnotherLogin(registry=LONG, endpoint=endpoint, issuer=LONG_ISSUER))) <= 280


def test_so_is_that_of_a_page_for_codes() -> None:
    found = FOUND._replace(issuer=LONG_ISSUER)
    page = f"https://{'x' * 200}.example.com/device"
    with pytest.raises(IssuerUnconfirmed) as raised:
        trusted_provider.check_device_page(LONG_REGISTRY, found, DeviceCode("d", "u", page, None, 600, 5))
    assert len(str(raised.value)) <= 280


# --- The provider is asked --------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


class Asking:
    """A provider that takes some redirect URIs."""

    def __init__(self, server: Answers, *, takes: tuple[str, ...] = (CALLBACK,), else_status: int = 400) -> None:
        self.server = server
        self.takes = takes
        self.else_status = else_status
        server.replies["/auth"] = self._answer
        self.found = FOUND._replace(authorization_endpoint=f"{server.url}/auth")

    def _answer(self, asked: Asked) -> Reply:
        redirect_uri = parse_qs(urlsplit(asked.path).query)["redirect_uri"][0]
        return (200 if redirect_uri.startswith(self.takes) else self.else_status), {}, ""

    @property
    def requests(self) -> list[dict[str, str]]:
        queries = [parse_qs(urlsplit(asked.path).query) for asked in self.server.asked]
        return [{name: values[0] for name, values in query.items()} for query in queries]

    def asked(self, notes: Notes, redirect: LoginRedirect = REDIRECT, *, anew: bool = False) -> Notes:
        return trusted_provider.asked(Transport(10), REGISTRY, redirect, self.found, notes, None, anew=anew)

    def confirmed(self, redirect: LoginRedirect = REDIRECT, notes: Notes | None = None) -> Notes:
        """As before a sign-in."""
        known = self.asked(notes or Notes(), redirect)
        trusted_provider.check(REGISTRY, redirect, self.found, known, None)
        return known


def test_it_vouches_once_and_that_is_kept(server: Answers) -> None:
    provider = Asking(server)
    redirect = REDIRECT._replace(further=(("kc_idp_hint", "corp"),))
    notes = provider.confirmed(redirect)
    assert notes.pin == PIN
    real, made_up = provider.requests
    assert real["redirect_uri"] == CALLBACK
    for request in (real, made_up):
        assert request["client_id"] == "harbor"
        assert (request["scope"], request["response_type"], request["kc_idp_hint"]) == ("openid", "code", "corp")
        assert {"state", "nonce", "code_challenge"} <= request.keys()
    host = urlsplit(made_up["redirect_uri"]).hostname
    assert host
    assert host.startswith("harbor.example.com.")
    assert host.endswith(".invalid")
    assert made_up["redirect_uri"].endswith("/c/oidc/callback")
    assert provider.confirmed(redirect, notes) is notes
    assert len(provider.requests) == 2


@pytest.mark.parametrize("offered", [200, 302, 401])
def test_a_form_a_redirect_and_the_offer_to_take_a_ticket_are_no_refusal(server: Answers, offered: int) -> None:
    provider = Asking(server)
    server.replies["/auth"] = lambda asked: (offered if "invalid" not in asked.path else 400, {}, "")
    assert provider.confirmed().pin == PIN


def test_what_has_changed_is_vouched_for_anew(server: Answers) -> None:
    provider = Asking(server)
    for before in (PIN._replace(harbor_client_id="old"), PIN._replace(redirect_uri="https://old/c/oidc/callback")):
        assert provider.confirmed(notes=Notes(pin=before)).pin == PIN
    assert len(provider.requests) == 4


def test_a_callback_that_it_refuses(server: Answers) -> None:
    provider = Asking(server, takes=("https://good.example.com/c/oidc/callback",))
    with pytest.raises(NotVouchedFor, match="may play another"):
        provider.confirmed()
    assert len(provider.requests) == 1


def test_what_it_refuses_no_person_is_asked_to_set_aside(server: Answers) -> None:
    """One that sends no iss can be confirmed by a person, whose word would be for the provider alone."""
    provider = Asking(server, takes=("https://good.example.com/c/oidc/callback",))
    provider.found = provider.found._replace(iss_parameter_supported=False)
    with pytest.raises(NotVouchedFor):
        provider.confirmed()
    provider.takes = (CALLBACK,)
    with pytest.raises(IssuerUnconfirmed, match="it sends no iss"):
        provider.confirmed()


@pytest.mark.parametrize(
    ("takes", "else_status"),
    [(("http",), 400), ((CALLBACK,), 200), ((CALLBACK,), 302), (("https://harbor.example.com",), 400)],
    ids=["any", "error page with 200", "redirect to a page", "HOST*"],
)
def test_a_provider_that_cannot_tell(server: Answers, takes: tuple[str, ...], else_status: int) -> None:
    with pytest.raises(IssuerUnconfirmed, match="it refuses no made-up callback"):
        Asking(server, takes=takes, else_status=else_status).confirmed()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_from_one_that_is_away_nothing_is_concluded(server: Answers, status: int) -> None:
    provider = Asking(server, else_status=status)
    with pytest.raises(ServerFault):
        provider.confirmed()


@pytest.mark.parametrize("status", [400, 422])
def test_what_a_refusal_is(server: Answers, status: int) -> None:
    assert Asking(server, else_status=status).confirmed().pin == PIN
    with pytest.raises(NotVouchedFor):
        Asking(server, takes=(), else_status=status).confirmed()


@pytest.mark.parametrize("status", [403, 404, 405, 407, 410, 413])
def test_what_a_proxy_may_answer_is_no_word_of_the_provider(server: Answers, status: int) -> None:
    with pytest.raises(BrokenAnswer, match=f"unexpected status {status}"):
        Asking(server, takes=(), else_status=status).confirmed()
    with pytest.raises(IssuerUnconfirmed):
        Asking(server, else_status=status).confirmed()


# --- Once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takes", "failure", "requests"),
    [(("https://good.example.com",), NotVouchedFor, 1), (("http",), IssuerUnconfirmed, 2)],
)
def test_what_it_said_is_noted_and_asked_anew_by_a_person_alone(
    server: Answers, takes: tuple[str, ...], failure: type[Failure], requests: int
) -> None:
    provider = Asking(server, takes=takes)
    notes = provider.asked(Notes())
    for _ in range(2):
        with pytest.raises(failure):
            provider.confirmed(notes=notes)
    assert len(provider.requests) == requests
    provider.takes = (CALLBACK,)
    mended = provider.asked(notes, anew=True)
    assert (mended.pin, mended.word) == (PIN, None)
    assert len(provider.requests) == requests + 2
    assert provider.asked(mended, anew=True) is mended


def test_of_one_without_iss_no_more_than_that_is_asked(server: Answers) -> None:
    provider = Asking(server)
    provider.found = provider.found._replace(iss_parameter_supported=False)
    notes = provider.asked(Notes())
    for _ in range(2):
        with pytest.raises(IssuerUnconfirmed, match="it sends no iss"):
            provider.confirmed(notes=notes)
    assert len(provider.requests) == 1
    provider.found = provider.found._replace(iss_parameter_supported=True)
    assert provider.confirmed(notes=notes).pin == PIN
    assert len(provider.requests) == 2, "the made-up one alone"


@pytest.mark.parametrize(
    "of", [PIN._replace(issuer="https://old"), PIN._replace(harbor_client_id="old"), PIN._replace(redirect_uri="old")]
)
def test_a_word_for_something_else_is_none(server: Answers, of: Pin) -> None:
    notes = Notes(word=Word(of, takes_own=False))
    trusted_provider.check(REGISTRY, REDIRECT, FOUND, notes, None)
    assert Asking(server).confirmed(notes=notes) == Notes(pin=PIN)


def test_nobody_is_asked_for_what_needs_no_word() -> None:
    """There is no provider here that could be."""
    elsewhere = REDIRECT._replace(redirect_uri="https://other.example.com/c/oidc/callback")
    with pytest.raises(AnotherName):
        trusted_provider.asked(Transport(10), REGISTRY, elsewhere, FOUND, Notes(), None, anew=True)
    moved = Notes(pin=PIN._replace(issuer="https://old.example.com"))
    with pytest.raises(AnotherIssuer):
        trusted_provider.asked(Transport(10), REGISTRY, REDIRECT, FOUND, moved, None, anew=True)


# --- A walk --------------------------------------------------------------------------------------------------------


def at_provider(server: Answers, endpoint: str) -> Registry:
    """A registry whose configured issuer is the server, with that endpoint."""
    document = {"issuer": server.url, "authorization_endpoint": endpoint}
    document |= {"token_endpoint": f"{server.url}/token", "jwks_uri": f"{server.url}/certs"}
    server.replies["/.well-known/openid-configuration"] = lambda _: (200, {}, json.dumps(document))
    return REGISTRY._replace(issuer=server.url)


def test_an_endpoint_with_a_query_of_its_own_is_the_same(server: Answers) -> None:
    """RFC 6749 3.1."""
    registry = at_provider(server, f"{server.url}/auth?p=signin")
    redirect = REDIRECT._replace(authorization_endpoint=f"{server.url}/auth")
    trusted_provider.check_walk(Transport(10), registry, redirect, Notes())
    with pytest.raises(AnotherLogin):
        trusted_provider.check_walk(
            Transport(10), registry, redirect._replace(authorization_endpoint=f"{server.url}/x"), Notes()
        )


def test_a_provider_that_only_the_browser_reaches_stops_no_walk_to_it(server: Answers) -> None:
    registry = REGISTRY._replace(issuer=f"{server.url}/realms/away")
    server.replies["/realms/away/.well-known/openid-configuration"] = lambda _: (503, {}, "")
    redirect = REDIRECT._replace(authorization_endpoint=f"{server.url}/realms/away/auth")
    trusted_provider.check_walk(Transport(10), registry, redirect, Notes())
    with pytest.raises(Unreachable):
        trusted_provider.check_walk(
            Transport(10), registry, redirect._replace(authorization_endpoint="https://sso.example.org/auth"), Notes()
        )
