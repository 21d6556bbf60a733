"""Which ID tokens may go to their registry, beside what is known of the other registries."""

from __future__ import annotations

import pytest

from docker_credential_harbor import registry_state, shared_audience
from docker_credential_harbor.errors import AudienceShared
from docker_credential_harbor.model import LoginRedirect, Pin, Provider, Registry, TokenSet, Word
from docker_credential_harbor.registry_state import Notes

SSO, ELSEWHERE = "https://sso.example.com", "https://sso.example.org"
OURS = "docker-credential-harbor"
REGISTRY, OTHER = Registry("a.example.com", "https://a.example.com"), Registry("b.example.com", "https://b.example.com")
NOT_VOUCHED_FOR = Pin(SSO, "harbor-b", "https://b.example.com/c/oidc/callback")


def pinned(client_id: str, issuer: str = SSO) -> Notes:
    return Notes(pin=Pin(issuer, client_id, "https://h/c/oidc/callback"), provider=provider(issuer))


def told(client_id: str, issuer: str = SSO, *, found: bool = True) -> Notes:
    """What a registry says of itself, with nobody to vouch for it."""
    redirect = LoginRedirect(f"{issuer}/auth", client_id, ("openid",))
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
        # The two Harbors have one client: fine where the provider has vouched that it is this one's.
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), pinned("harbor-a"), None),
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), told("harbor-a"), None),
        (A_CLIENT_OF_ITS_OWN, told("harbor-a"), pinned("harbor-a"), "harbor-a"),
        (A_CLIENT_OF_ITS_OWN, told("harbor-a"), told("harbor-a"), "harbor-a"),
        # Our client is another Harbor's: what is proven counts, what it only says keeps us from nothing.
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), pinned(OURS), OURS),
        (A_CLIENT_OF_ITS_OWN, pinned("harbor-a"), told(OURS), None),
        (tokens_for(OURS), pinned(OURS), pinned(OURS), None),
        # A registry that got no sign-in of ours says what it likes.
        (A_CLIENT_OF_ITS_OWN, told("harbor-a"), told("harbor-a", found=False), None),
        (FOR_BOTH, pinned("harbor-a"), told("harbor-b")._replace(word=Word(NOT_VOUCHED_FOR, takes_own=False)), None),
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


def test_so_does_one_without_a_client() -> None:
    other = OTHER._replace(client_id="")
    for issuer, shared in ((SSO, "harbor-b"), (ELSEWHERE, None)):
        others_notes = told("harbor-b", issuer, found=False)
        assert shared_audience.shared_client(REGISTRY, pinned("harbor-a"), other, others_notes, FOR_BOTH) == shared


def test_the_line_names_both_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {OTHER.name: pinned("harbor-b")}
    monkeypatch.setattr(registry_state, "load", lambda name: kept[name])
    registries = {each.name: each for each in (REGISTRY, OTHER)}
    with pytest.raises(AudienceShared) as caught:
        shared_audience.released(registries, REGISTRY, pinned("harbor-a"), FOR_BOTH)
    assert "is good at b.example.com as well ('harbor-b' in its aud)" in caught.value.message
    assert "is not sent to a.example.com" in caught.value.message
    assert len(str(caught.value)) <= 280
    released = shared_audience.released(registries, REGISTRY, pinned("harbor-a"), A_CLIENT_OF_ITS_OWN)
    assert released == "a.b.c"


def test_one_registry_alone_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(registry_state, "load")
    assert shared_audience.released({REGISTRY.name: REGISTRY}, REGISTRY, Notes(), FOR_BOTH) == "a.b.c"
