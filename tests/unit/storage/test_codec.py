"""What is kept reads back as it was, and a text that is none of ours is told of without its secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docker_credential_harbor.model import Credentials, PairKind, SignIn, StoredPair, TokenSet
from docker_credential_harbor.storage import codec

TOKENS = TokenSet(
    issuer="https://sso.example.com/realms/dev",
    subject="4711",
    person="ålice",
    audience=("docker-credential-harbor", "harbor"),
    id_token="eyJ-ID-TOKEN",
    id_token_expires_at=1700000000.5,
    refresh_token="eyJ-REFRESH",
    access_token_life_seconds=300.0,
    refresh_token_life_seconds=1800.0,
    refreshed_at=1699999700.25,
)
SIGN_IN = SignIn(TOKENS, Credentials("alice", "CLI-SECRET"))
NOT_OURS = "it is not what this program writes"
OUT_OF_RANGE = "a number in it is out of range"


@pytest.mark.parametrize("sign_in", [SIGN_IN, SignIn(TOKENS), SignIn(TOKENS._replace(refresh_token=None, audience=()))])
def test_a_sign_in_reads_back(sign_in: SignIn) -> None:
    assert codec.read_sign_in(codec.text_of(sign_in)) == sign_in


def test_tokens_that_end_in_the_year_9999_read_back() -> None:
    """What .NET has as its last instant stands for no end."""
    sign_in = SignIn(TOKENS._replace(id_token_expires_at=253402300799.0, refresh_token_life_seconds=251638099199.0))
    assert codec.read_sign_in(codec.text_of(sign_in)) == sign_in


@pytest.mark.parametrize("kind", PairKind)
def test_a_stored_pair_reads_back(kind: PairKind) -> None:
    stored = StoredPair(Credentials("robot$ci", "ROBOT-SECRET"), kind)
    assert codec.read_stored_pair(codec.text_of(stored)) == stored


def changed(**tokens: Any) -> str:
    """The text of a sign-in with other members among its tokens."""
    kept = json.loads(codec.text_of(SIGN_IN))
    kept["tokens"].update(tokens)
    return json.dumps(kept)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is not JSON"),
        ("eyJ", "it is not JSON"),
        ("[]", NOT_OURS),
        ('{"version":1}', NOT_OURS),
        ('{"version":2}', "another version of this program wrote it"),
        (codec.text_of(StoredPair(Credentials("a", "eyJ"))), NOT_OURS),
        (changed(id_token=7), NOT_OURS),
        (changed(id_token_expires_at="soon"), "could not convert string to float: 'soon'"),
        (changed(refresh_token="eyJ\ud800"), "it has text that is not Unicode"),
        (changed(audience=None), NOT_OURS),
        (changed(refreshed_at=float("nan")), "it is not JSON"),
        (changed(refreshed_at=1e300), OUT_OF_RANGE),
        (changed(refreshed_at=10**400), "it has a number that is too long"),
    ],
)
def test_what_is_none_of_ours(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$") as caught:
        codec.read_sign_in(text)
    assert caught.value.__cause__ is None


def test_a_kind_that_is_none() -> None:
    text = codec.text_of(StoredPair(Credentials("a", "s"), PairKind.ROBOT))
    with pytest.raises(ValueError, match=r"^'other' is not a valid PairKind$"):
        codec.read_stored_pair(text.replace(PairKind.ROBOT.value, "other"))
