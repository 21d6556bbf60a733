"""Values: no secret in their words, and what they know of themselves."""

from __future__ import annotations

import pytest

from docker_credential_harbor import model
from docker_credential_harbor.model import (
    Credentials,
    CurrentUser,
    DeviceCode,
    LoginRedirect,
    Provider,
    Registry,
    SignIn,
    StoredPair,
    TokenSet,
)

TOKENS = TokenSet("https://i", "s", "alice", ("c",), "HIDDEN", 1000.0, "HIDDEN", 300.0)
PAIR = Credentials("alice", "HIDDEN")


@pytest.mark.parametrize(
    "value",
    [
        PAIR,
        TOKENS,
        SignIn(TOKENS, PAIR),
        StoredPair(PAIR),
        Registry("h", "https://h", client_secret="HIDDEN"),
        DeviceCode("HIDDEN", "U-1", "https://i/device", None, 600, 5),
        CurrentUser(1, "alice", "HIDDEN"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_secret_in_repr(value: object) -> None:
    assert "HIDDEN" not in repr(value)
    assert "HIDDEN" in repr(_plain(value)), "there is one in it"


def _plain(value: object) -> object:
    """As Python itself would write it."""
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def test_an_id_token_is_over_early_since_it_travels() -> None:
    over_at = TOKENS.id_token_expires_at - model.ID_TOKEN_EARLY_SECONDS
    assert not TOKENS.id_token_is_over(over_at - 0.1)
    assert TOKENS.id_token_is_over(over_at)


def test_nobody_types_a_sub() -> None:
    assert TOKENS.login_hint == "alice"
    assert TOKENS._replace(person=TOKENS.subject).login_hint is None


@pytest.mark.parametrize(
    ("scopes", "further", "asks"),
    [
        (("openid", "offline_access"), (), True),
        (("openid",), (("access_type", "offline"),), True),
        (("openid",), (("access_type", "online"),), False),
        (("openid",), (), False),
    ],
)
def test_whether_harbors_sign_in_outlives_the_browsers(
    scopes: tuple[str, ...], further: tuple[tuple[str, str], ...], asks: bool
) -> None:
    assert LoginRedirect("https://i/auth", "harbor", scopes, further).asks_for_offline_access is asks


def test_an_endpoint_is_compared_without_its_query() -> None:
    provider = Provider("https://i", "https://i/auth?p=x", "https://i/token", "https://i/keys")
    assert provider.endpoint_without_query == "https://i/auth"


def test_a_stored_pair_has_one_key_however_the_server_was_spelt() -> None:
    assert Registry("h:8443", "https://h:8443/harbor").key == "https://h:8443"
