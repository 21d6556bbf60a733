"""Our own tokens refreshed, as a step: at a provider that grants, refuses, is away or knows us no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from docker_credential_harbor.errors import ClientRefused, Unreachable
from docker_credential_harbor.inquiry import own_token_steps
from docker_credential_harbor.policy.known import Refresh, User
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker_credential_harbor.inquiry.state import Inquiry
    from tests.unit.harbor_place import HarborPlace
    from tests.unit.inquiry.conftest import Look
    from tests.unit.loopback import Answers


def over() -> dict[str, Any]:
    return {"id_token_expires_at": time.time() - 60}


def refused_before(look: Look) -> Inquiry:
    """Harbor took the ID token for none, as it does with one that is over."""
    made = look()
    made.learn(user=User.REFUSED)
    return made


def test_fresh_tokens_are_kept_before_anything_is_made_of_them(harbor_place: HarborPlace, look: Look) -> None:
    before = harbor_place.keep_sign_in(**over())
    made = refused_before(look)
    assert made.known.id_token_expired
    own_token_steps.refresh(made)
    known = made.known
    assert (known.refresh, known.id_token_expired, known.user) == (Refresh.FRESH, False, None)
    kept = harbor_place.kept_sign_in()
    assert kept == made.account.sign_in != before
    assert kept
    assert not kept.tokens.id_token_is_over(time.time())
    assert harbor_place.refreshes() == 1


def test_a_refusal_is_a_finding_and_what_is_kept_stays(harbor_place: HarborPlace, look: Look) -> None:
    before = harbor_place.keep_sign_in(**over())
    harbor_place.realm.end_sessions()
    made = refused_before(look)
    own_token_steps.refresh(made)
    known = made.known
    assert (known.refresh, known.id_token_expired, known.user) == (Refresh.INVALID_GRANT, True, User.REFUSED)
    assert harbor_place.kept_sign_in() == before


def test_without_a_refresh_token_nobody_is_asked(harbor_place: HarborPlace, look: Look) -> None:
    harbor_place.keep_sign_in(**over(), refresh_token=None)
    made = look()
    own_token_steps.refresh(made)
    assert made.known.refresh is Refresh.INVALID_GRANT
    assert harbor_place.refreshes() == 0


def test_an_answer_without_a_new_id_token(harbor_place: HarborPlace, look: Look, server: Answers) -> None:
    """OIDC Core 12.2 leaves it to the provider; nothing can be asked of Harbor with an old one."""
    endpoints = {"authorization_endpoint": "/a", "token_endpoint": "/token", "jwks_uri": "/k"}
    document = {"issuer": server.url, **{name: server.url + path for name, path in endpoints.items()}}
    server.replies["/.well-known/openid-configuration"] = (200, {}, document)
    server.replies["/token"] = (200, {}, {"access_token": "a", "expires_in": 300, "refresh_token": "r-2"})
    harbor_place.configure(issuer=server.url)
    harbor_place.keep_sign_in(**over(), issuer=server.url)
    made = look()
    own_token_steps.refresh(made)
    assert (made.known.refresh, made.known.id_token_expired) == (Refresh.INVALID_GRANT, True)
    kept = harbor_place.kept_sign_in()
    assert kept
    assert kept.tokens.refresh_token == "r-2", "the old one may be worth nothing by now"


def away(place: HarborPlace) -> None:
    gone = "http://127.0.0.1:9"
    place.configure(issuer=gone)
    place.keep_sign_in(**over(), issuer=gone)


def knows_us_no_more(place: HarborPlace) -> None:
    place.keep_sign_in(**over())
    place.realm.remove_client(HELPER_CLIENT)


@pytest.mark.parametrize(("make", "failure"), [(away, Unreachable), (knows_us_no_more, ClientRefused)])
def test_nothing_is_found_where_it_could_not_be_asked(
    harbor_place: HarborPlace,
    look: Look,
    make: Callable[[HarborPlace], None],
    failure: type[Exception],
) -> None:
    make(harbor_place)
    before = harbor_place.kept_sign_in()
    made = look()
    with pytest.raises(failure):
        own_token_steps.refresh(made)
    assert made.known.refresh is None
    assert harbor_place.kept_sign_in() == before
