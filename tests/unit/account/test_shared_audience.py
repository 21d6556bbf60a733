"""Which ID tokens may go to their registry, beside what is known of the other registries."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from docker_credential_harbor.account import shared_audience
from docker_credential_harbor.errors import AudienceShared, Unreachable
from docker_credential_harbor.model import LoginRedirect, Pin, Provider, Registry, TokenSet, Word
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.storage import registry_lock, registry_notes
from docker_credential_harbor.storage.registry_notes import Notes
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

SSO, ELSEWHERE = "https://sso.example.com", "https://sso.example.org"
OURS = "docker-credential-harbor"
REGISTRY, OTHER = Registry("a.example.com", "https://a.example.com"), Registry("b.example.com", "https://b.example.com")


def pinned(client_id: str, issuer: str = SSO) -> Notes:
    return Notes(pin=Pin(issuer, client_id, "https://h/c/oidc/callback"), provider=provider(issuer))


def told(client_id: str, issuer: str = SSO, *, found: bool = True) -> Notes:
    """What a registry says of itself, with nobody to vouch for it."""
    redirect = LoginRedirect(
        f"{issuer}/auth", client_id, ("openid",), redirect_uri="https://b.example.com/c/oidc/callback"
    )
    return Notes(redirect=redirect, provider=provider(issuer) if found else None)


def provider(issuer: str) -> Provider:
    return Provider(issuer, f"{issuer}/auth", f"{issuer}/token", f"{issuer}/certs")


def tokens_for(*audience: str) -> TokenSet:
    return TokenSet(SSO, "sub", "alice", audience, "a.b.c", 0, None, None)


A_CLIENT_OF_ITS_OWN = tokens_for(OURS, "harbor-a")
FOR_BOTH = tokens_for(OURS, "harbor-a", "harbor-b")


@pytest.mark.parametrize(
    ("tokens", "notes", "others_notes", "shared"),
    [
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), pinned("harbor-b"), None),
        (FOR_BOTH, pinned("harbor-a"), pinned("harbor-b"), "harbor-b"),
        (FOR_BOTH, pinned("harbor-a"), told("harbor-b"), "harbor-b"),
        (FOR_BOTH, pinned("harbor-a"), pinned("harbor-b", ELSEWHERE), None),
        (FOR_BOTH, pinned("harbor-a"), told("harbor-b", ELSEWHERE), None),
        (FOR_BOTH, pinned("harbor-a"), Notes(), None),
        (FOR_BOTH, pinned("harbor-a"), told("harbor-b", found=False), "harbor-b"),
        # The two Harbors have one client: fine where the provider has vouched that it is this one's.
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), pinned("harbor-a"), None),
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), told("harbor-a"), None),
        (A_CLIENT_OF_ITS_OWN, told("harbor-a"), pinned("harbor-a"), "harbor-a"),
        (A_CLIENT_OF_ITS_OWN, told("harbor-a"), told("harbor-a"), "harbor-a"),
        # Our client is another Harbor's: what is proven counts, what it only says keeps us from nothing.
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), pinned(OURS), OURS),
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), told(OURS), None),
        (tokens_for(OURS), pinned(OURS), pinned(OURS), None),
        # A person took the issuer, and the provider has vouched for no client yet.
        (FOR_BOTH, pinned("harbor-a"), told("harbor-b")._replace(pin=Pin(SSO, "", "")), "harbor-b"),
        (A_CLIENT_OF_ITS_OWN, Notes(pin=Pin(SSO, "", "")), pinned("harbor-a"), "harbor-a"),
        (tokens_for(OURS, ""), pinned("harbor-a"), Notes(pin=Pin(SSO, "", "")), None),
    ],
)
def test_whose_it_is_as_well(tokens: TokenSet, notes: Notes, others_notes: Notes, shared: str | None) -> None:
    assert shared_audience.shared_client(REGISTRY, notes, OTHER, others_notes, tokens) == shared


def test_a_registry_with_a_configured_issuer_counts_by_what_it_says() -> None:
    others_notes = told("harbor-b", found=False)
    other = OTHER._replace(issuer=SSO)
    assert shared_audience.shared_client(REGISTRY, pinned("harbor-a"), other, others_notes, FOR_BOTH) == "harbor-b"
    other = OTHER._replace(issuer=ELSEWHERE)
    assert shared_audience.shared_client(REGISTRY, pinned("harbor-a"), other, others_notes, FOR_BOTH) is None


def test_an_endpoint_with_a_query_of_its_own_is_the_same_providers() -> None:
    """Harbor's redirect is noted without it (RFC 6749 3.1)."""
    with_query = provider(SSO)._replace(authorization_endpoint=f"{SSO}/auth?p=signin")
    notes, others_notes = pinned("harbor-a")._replace(provider=with_query), told("harbor-b", found=False)
    assert shared_audience.shared_client(REGISTRY, notes, OTHER, others_notes, FOR_BOTH) == "harbor-b"


def test_so_does_one_without_a_client() -> None:
    other = OTHER._replace(client_id="")
    for issuer, shared in ((SSO, "harbor-b"), (ELSEWHERE, None)):
        others_notes = told("harbor-b", issuer, found=False)
        assert shared_audience.shared_client(REGISTRY, pinned("harbor-a"), other, others_notes, FOR_BOTH) == shared


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, Notes]:
    """The notes by registry."""
    notes: dict[str, Notes] = {}
    monkeypatch.setattr(registry_notes, "load", lambda name: notes[name])
    monkeypatch.setattr(registry_notes, "save", notes.__setitem__)
    monkeypatch.setattr(registry_lock, "held", lambda name, wait_seconds: nullcontext())  # noqa: ARG005
    return notes


def release(notes: Notes, tokens: TokenSet, *registries: Registry) -> str:
    """By the notes alone."""
    told: list[str] = []
    http = Transport(10, trace=told.append)
    token = shared_audience.Release({each.name: each for each in registries}, REGISTRY, tokens, notes, http).id_token()
    assert told == [], "a request was made"
    return token


def test_the_line_names_both_registries(noted: dict[str, Notes]) -> None:
    noted[OTHER.name] = pinned("harbor-b")
    notes = pinned("harbor-a")._replace(redirect=told("harbor-a").redirect)
    with pytest.raises(AudienceShared) as caught:
        release(notes, FOR_BOTH, REGISTRY, OTHER)
    assert "the ID token for a.example.com is not sent, as b.example.com takes it, too ('harbor-b'" in str(caught.value)
    assert release(notes, A_CLIENT_OF_ITS_OWN, REGISTRY, OTHER) == "a.b.c"


def test_the_usual_token_needs_no_request_whatever_is_known_of_the_other(noted: dict[str, Notes]) -> None:
    for others_notes in (Notes(), told("harbor-b"), told("wiki", found=False), Notes(pin=Pin(SSO, "", ""))):
        noted[OTHER.name] = others_notes
        assert release(pinned("harbor-a"), A_CLIENT_OF_ITS_OWN, REGISTRY, OTHER) == "a.b.c"


def test_nor_does_a_further_audience_where_the_other_is_at_another_provider(noted: dict[str, Notes]) -> None:
    noted[OTHER.name] = Notes()
    tokens = tokens_for(OURS, "harbor-a", "wiki")
    assert release(pinned("harbor-a"), tokens, REGISTRY, OTHER._replace(issuer=ELSEWHERE)) == "a.b.c"
    noted[OTHER.name] = told("harbor-b", ELSEWHERE)._replace(provider=None)
    assert release(pinned("harbor-a"), tokens, REGISTRY, OTHER) == "a.b.c"


def test_nor_does_what_the_provider_has_spoken_against(noted: dict[str, Notes]) -> None:
    word = Word(Pin(SSO, "harbor-b", "https://b.example.com/c/oidc/callback"), takes_own=False)
    noted[OTHER.name] = told("harbor-b")._replace(word=word)
    notes = pinned("harbor-a")._replace(redirect=told("harbor-a").redirect, provider_found_at=time.time())
    assert release(notes, FOR_BOTH, REGISTRY, OTHER) == "a.b.c"


def test_one_registry_alone_reads_nothing(noted: dict[str, Notes]) -> None:
    assert release(Notes(), FOR_BOTH, REGISTRY) == "a.b.c"
    assert noted == {}


# --- The provider is asked whose client it is ------------------------------------------------------------------------


class Asking:
    """A Harbor whose issuer is configured, and its provider, which sends no `iss`; both are the one server.

    Beside it a registry of which the provider has vouched for the same client.
    """

    def __init__(self, server: Answers, noted: dict[str, Notes]) -> None:
        self.server = server
        self.takes: tuple[str, ...] = (f"{server.url}/c/oidc/callback",)
        self.callback = self.takes[0]
        server.replies["/c/oidc/login"] = self._login
        server.replies["/auth"] = self._authorize
        self.registry = Registry("a.example.com", server.url, issuer=SSO)
        found = provider(SSO)._replace(authorization_endpoint=f"{server.url}/auth")
        self.notes = Notes(provider=found, provider_found_at=time.time())
        noted[OTHER.name] = pinned("harbor")

    def _login(self, _: Asked) -> Reply:
        query = {"client_id": "harbor", "redirect_uri": self.callback, "response_type": "code", "state": "s"}
        return 302, {"Location": f"{self.server.url}/auth?{urlencode(query)}"}, ""

    def _authorize(self, asked: Asked) -> Reply:
        redirect_uri = parse_qs(urlsplit(asked.path).query)["redirect_uri"][0]
        return (200 if redirect_uri.startswith(self.takes) else 400), {}, ""

    def token(self, *audience: str, anew: bool = False) -> str:
        def keep(notes: Notes) -> None:
            self.notes = notes

        registries = {each.name: each for each in (self.registry, OTHER)}
        tokens, http = tokens_for(OURS, "harbor", *audience), Transport(10)
        return shared_audience.Release(registries, self.registry, tokens, self.notes, http, keep, anew=anew).id_token()

    def is_asked(self) -> int:
        """How often the provider was, since the last time."""
        count = sum(asked.path.startswith("/auth?") for asked in self.server.asked)
        self.server.asked.clear()
        return count


@pytest.fixture
def asking(noted: dict[str, Notes]) -> Iterator[Asking]:
    with answers_server() as server:
        yield Asking(server, noted)


def test_one_that_shares_the_client_gets_it_where_the_provider_vouches(asking: Asking) -> None:
    """It need send no `iss`: who it is a person has said."""
    assert asking.token() == "a.b.c"
    assert asking.notes.pin == Pin(SSO, "harbor", asking.callback)
    assert asking.is_asked() == 2
    assert asking.token() == "a.b.c"
    assert asking.is_asked() == 0


@pytest.mark.parametrize(
    ("takes", "requests"), [(("https://b.example.com/",), 1), (("http",), 2)], ids=["another's alone", "any"]
)
def test_where_it_does_not_it_is_asked_once_and_anew_for_a_person(
    asking: Asking, takes: tuple[str, ...], requests: int
) -> None:
    asking.takes, own = takes, asking.takes
    for expected in (requests, 0):
        with pytest.raises(AudienceShared):
            asking.token()
        assert asking.is_asked() == expected
    asking.takes = own
    with pytest.raises(AudienceShared):
        asking.token()
    assert asking.is_asked() == 0
    assert asking.token(anew=True) == "a.b.c"
    assert asking.notes.pin == Pin(SSO, "harbor", asking.callback)


def test_nor_where_the_callback_is_another_registrys(asking: Asking) -> None:
    """The provider takes it, and it shows nothing of this one."""
    asking.callback = "https://b.example.com/c/oidc/callback"
    asking.takes = (asking.callback,)
    with pytest.raises(AudienceShared):
        asking.token()
    assert asking.is_asked() == 0
    assert asking.notes.pin is None


def test_what_another_says_for_which_nobody_vouches_is_asked_once(asking: Asking, noted: dict[str, Notes]) -> None:
    """It would keep people from here by naming a client that is in the ID token."""
    redirect = told("wiki").redirect
    assert redirect
    redirect = redirect._replace(authorization_endpoint=f"{asking.server.url}/auth")
    noted[OTHER.name] = Notes(redirect=redirect)
    asking.notes = asking.notes._replace(pin=Pin(SSO, "harbor", asking.callback))
    for requests in (1, 0):
        assert asking.token("wiki") == "a.b.c"
        assert asking.is_asked() == requests
    asking.takes = (*asking.takes, redirect.redirect_uri)
    noted[OTHER.name] = Notes(redirect=redirect)
    with pytest.raises(AudienceShared):
        asking.token("wiki")


# --- A registry that was broken into ---------------------------------------------------------------------------------


@pytest.mark.parametrize("others", ["unasked", "asked", "with its provider"])
def test_one_that_leads_to_a_provider_of_its_own_gets_no_token_for_another(
    noted: dict[str, Notes], others: str
) -> None:
    """It was honest when it was pinned. By that provider it would have the other registry told to be at another one."""
    with answers_server() as evil, answers_server() as good:
        query = {"client_id": "harbor-b", "response_type": "code", "state": "s"}
        to_own = urlencode({**query, "redirect_uri": f"{evil.url}/c/oidc/callback"})
        to_sso = urlencode({**query, "redirect_uri": f"{good.url}/c/oidc/callback"})
        evil.replies["/c/oidc/login"] = lambda _: (302, {"Location": f"{evil.url}/auth?{to_own}"}, "")
        evil.replies["/auth"] = lambda _: (400, {}, "")
        evil.replies["/.well-known/openid-configuration"] = lambda _: (200, {}, json.dumps(document(evil.url)))
        good.replies["/c/oidc/login"] = lambda _: (302, {"Location": f"{SSO}/auth?{to_sso}"}, "")
        other = OTHER._replace(url=good.url)
        known = LoginRedirect(f"{SSO}/auth", "harbor-b", ("openid",), redirect_uri=f"{good.url}/c/oidc/callback")
        noted[other.name] = {
            "unasked": Notes(),
            "asked": Notes(redirect=known),
            "with its provider": Notes(redirect=known, provider=provider(SSO), provider_found_at=time.time()),
        }[others]
        notes = pinned("harbor-a")._replace(redirect=told("harbor-b").redirect, provider_found_at=time.time())
        registry = REGISTRY._replace(url=evil.url)
        kept: list[Notes] = []
        registries = {each.name: each for each in (registry, other)}
        with pytest.raises((AudienceShared, Unreachable)):
            shared_audience.Release(registries, registry, FOR_BOTH, notes, Transport(10), kept.append).id_token()
        assert all(each.provider == provider(SSO) for each in kept)


def document(issuer: str) -> dict[str, object]:
    found = provider(issuer)
    return {
        "issuer": issuer,
        "authorization_endpoint": found.authorization_endpoint,
        "token_endpoint": found.token_endpoint,
        "jwks_uri": found.jwks_uri,
        "authorization_response_iss_parameter_supported": True,
    }


def test_notes_with_a_provider_that_is_not_the_tokens_tell_nothing_of_another() -> None:
    notes = pinned("harbor-a")._replace(provider=provider(ELSEWHERE))
    assert shared_audience.shared_client(REGISTRY, notes, OTHER, told("harbor-b"), FOR_BOTH) == "harbor-b"
    notes = pinned("harbor-a")._replace(provider=None)
    assert shared_audience.shared_client(REGISTRY, notes, OTHER, told("harbor-b"), FOR_BOTH) == "harbor-b"


def another(asking: Asking, callback: str) -> Notes:
    asking.notes = asking.notes._replace(pin=Pin(SSO, "harbor", asking.callback))
    return Notes(redirect=LoginRedirect(f"{asking.server.url}/auth", "wiki", ("openid",), redirect_uri=callback))


def test_another_harbor_counts_under_whatever_name_it_is_entered(asking: Asking, noted: dict[str, Notes]) -> None:
    noted[OTHER.name] = another(asking, "https://its-own-name.example.com/c/oidc/callback")
    asking.takes = (*asking.takes, "https://its-own-name.example.com/c/oidc/callback")
    with pytest.raises(AudienceShared):
        asking.token("wiki")


def test_no_registry_keeps_people_from_another_by_a_request_that_cannot_be_answered(
    asking: Asking, noted: dict[str, Notes]
) -> None:
    noted[OTHER.name] = another(asking, f"https://b.example.com/{'x' * 3900}/c/oidc/callback")
    assert asking.token("wiki") == "a.b.c"
    assert asking.is_asked() == 0
    noted[OTHER.name] = another(asking, "https://b.example.com/c/oidc/callback")
    redirect = noted[OTHER.name].redirect
    assert redirect
    noted[OTHER.name] = Notes(redirect=redirect._replace(scopes=("openid", "x" * 3900)))
    assert asking.token("wiki") == "a.b.c"
    assert all("scope=openid&" in asked.path for asked in asking.server.asked if asked.path.startswith("/auth?"))
