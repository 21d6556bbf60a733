"""A sign-in over a live one: what it replaces is ended at the provider, where that cannot end the new one as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.flows.conftest import WITH_OFFLINE, WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.pace import paced
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]


def our_sessions(workplace: Workplace, user: str = "alice") -> list[dict[str, Any]]:
    """That person's sessions at the provider in which the helper's client takes part."""
    sessions = workplace.realm.sessions(user)
    return [session for session in sessions if HELPER_CLIENT in session["clients"].values()]


def login(workplace: Workplace, *arguments: str) -> None:
    answer = workplace.helper.run(["login", *arguments])
    assert answer.returncode == 0, answer.stderr


def is_well(workplace: Workplace, name: str = "alice-h") -> bool:
    """Whether both sides would still be there after their tokens' ends."""
    return workplace.own_token_is_live() and workplace.harbors_token_is_live(name)


@pytest.mark.parametrize("scopes", [WITH_OFFLINE, WITHOUT_OFFLINE])
def test_one_session_is_left_and_after_logout_none(make_workplace: MakeWorkplace, scopes: str) -> None:
    workplace = make_workplace(harbor={"scopes": scopes})
    login(workplace)
    before = workplace.kept_tokens()["refresh_token"]
    workplace.person.forget_cookies()
    login(workplace)
    [left] = our_sessions(workplace)
    assert left["offline"] is (scopes == WITH_OFFLINE)
    assert not workplace.is_live(before)
    assert is_well(workplace)
    assert workplace.helper.run("logout").returncode == 0
    assert our_sessions(workplace) == []
    assert workplace.harbors_token_is_live("alice-h")


def test_two_sign_ins_in_one_session_of_the_browser_are_one(workplace: Workplace) -> None:
    login(workplace)
    login(workplace)
    assert workplace.person.forms == 1
    assert len(our_sessions(workplace)) == 1
    assert is_well(workplace)
    assert workplace.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT") == 0


def test_rotated_since(make_workplace: MakeWorkplace) -> None:
    workplace = make_workplace({"revoke_refresh_token": True}, top="cache_ttl = 0")
    login(workplace)
    workplace.let_id_token_expire()
    workplace.harbor.set_secret("alice-h", "Another-Secret-2")
    assert workplace.pair() == ("alice-h", "Another-Secret-2")
    workplace.person.forget_cookies()
    login(workplace)
    assert len(our_sessions(workplace)) == 1


def test_somebody_elses(workplace: Workplace) -> None:
    login(workplace)
    workplace.onboard("bob", "bob-h")
    workplace.person.forget_cookies()
    workplace.person.username = "bob"
    login(workplace)
    assert (our_sessions(workplace), len(our_sessions(workplace, "bob"))) == ([], 1)
    assert is_well(workplace, "bob-h")


class TestBehindAProxy:
    @pytest.fixture
    def proxy(self, keycloak: Keycloak, make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
        return make_proxy(keycloak.url)

    def test_a_provider_that_might_end_both_is_not_asked_to(
        self, make_workplace: MakeWorkplace, proxy: FaultProxy
    ) -> None:
        workplace = make_workplace(through=proxy)
        discovery = f"/realms/{workplace.realm.name}/.well-known"
        proxy.set(discovery, faults.with_members(prompt_values_supported=None))  # a Keycloak before 26.1
        login(workplace)
        workplace.person.forget_cookies()
        login(workplace)
        assert len(our_sessions(workplace)) == 2
        assert workplace.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT") == 0
        assert is_well(workplace)

    @pytest.mark.parametrize("fault", [faults.status(503), faults.hang], ids=["503", "silence"])
    def test_a_revocation_that_fails_is_no_failed_login(
        self, make_workplace: MakeWorkplace, proxy: FaultProxy, fault: faults.Fault
    ) -> None:
        workplace = make_workplace(through=proxy)
        login(workplace)
        workplace.person.forget_cookies()
        proxy.set(workplace.realm.endpoint("revoke").removeprefix(proxy.url), fault)
        answer = workplace.helper.run("login", env={"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": str(paced(3))})
        assert (answer.returncode, answer.stdout) == (0, f"Signed in at {workplace.name} as alice-h.\n")
        assert "revo" not in answer.stderr
        proxy.clear()
        assert is_well(workplace)
