"""What the provider does wrong, at each endpoint and in each step of `get`, on real parts.

Always: one line, nothing secret in it nor in the trace, no traceback, no window where nothing can be concluded, within
the time, and nothing erased: the next `get` without the fault works.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND, WITH_OFFLINE
from tests.flows.faulty import (
    ABSENT,
    ANOTHER,
    FAULTS,
    FEW,
    SETTINGS,
    SOME,
    change_own_tokens,
    in_time,
    remove_notes,
    restore,
    snapshot,
    told,
    with_another_host,
)
from tests.lab import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]
    MakeProxy = Callable[..., FaultProxy]


class TestProvider:
    """The helper and the person reach the provider through the proxy, Harbor directly."""

    @staticmethod
    def place(
        make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak_url: str, **harbor: object
    ) -> tuple[Workplace, FaultProxy]:
        proxy = make_proxy(keycloak_url)
        workplace = make_workplace(harbor=harbor, through=proxy, top=SETTINGS)
        workplace.harbor.provider.connect_through(keycloak_url)
        return workplace, proxy

    @pytest.fixture
    def behind(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> tuple[Workplace, FaultProxy]:
        return self.place(make_workplace, make_proxy, keycloak.url)

    @staticmethod
    def path(workplace: Workplace, name: str) -> str:
        realm = f"/realms/{workplace.realm.name}"
        return f"{realm}/.well-known" if name == "discovery" else f"{realm}/protocol/openid-connect/{name}"

    def test_discovery_before_the_first_sign_in(
        self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy
    ) -> None:
        """The worker finds it; each of its requests has the whole time."""
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        limit = 2 * in_time(workplace.helper)
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(self.path(workplace, "discovery"), fault)
            get = told(workplace)
            assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
            assert get.line, name
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
        assert (workplace.person.windows, elsewhere.seen) == (0, [])
        proxy.clear()
        assert workplace.pair()[0] == "alice-h"

    def test_where_the_person_would_be_sent(self, behind: tuple[Workplace, FaultProxy]) -> None:
        """Asked beforehand, so that no window opens on what does not answer."""
        workplace, proxy = behind
        for name, fault in SOME.items():
            proxy.set(self.path(workplace, "auth"), fault)
            get = told(workplace)
            assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
            assert get.line, name
        assert workplace.person.windows == 0
        proxy.clear()
        pair = workplace.pair()
        workplace.harbor.set_secret("alice-h", ANOTHER)
        change_own_tokens(workplace, id_token_expires_at=1, refresh_token=None)
        for name, fault in SOME.items():
            proxy.set(self.path(workplace, "auth"), fault)
            get = told(workplace)
            assert get.pair == pair, name
            assert "could not be verified" in get.line, name
        assert workplace.person.windows == 1
        proxy.clear()
        assert workplace.pair() == ("alice-h", ANOTHER)

    @pytest.mark.parametrize("endpoint", ["token", "certs"])
    @pytest.mark.parametrize("known", ["first", "later"])
    def test_the_exchange(
        self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str, known: str
    ) -> None:
        """One window, as there must be; with a pair from before that is given, without one not-found."""
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        pair = workplace.pair() if known == "later" else None
        if pair:
            workplace.harbor.set_secret("alice-h", ANOTHER)
            change_own_tokens(workplace, id_token_expires_at=1, refresh_token=None)
        before = snapshot(workplace)
        table = FAULTS if (endpoint, known) == ("token", "first") else SOME
        for name, fault in with_another_host(table, elsewhere):
            restore(workplace, before)  # a failed window counts as declined
            workplace.person.reset()
            proxy.set(self.path(workplace, endpoint), fault)
            get = told(workplace, seconds=3)
            assert workplace.person.windows == 1, name
            if pair:
                assert get.pair == pair, name
                assert "could not be verified" in get.line, name
            else:
                assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
                assert get.line, name
        assert elsewhere.seen == []
        proxy.clear()
        assert "no window opens by itself" in workplace.get().stderr or pair
        assert workplace.helper.run("login").returncode == 0
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)

    def test_the_exchange_that_was_held_back(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> None:
        workplace, proxy = self.place(make_workplace, make_proxy, keycloak.url, scopes=WITH_OFFLINE)
        proxy.set(self.path(workplace, "token"), faults.status(503))
        get = told(workplace, seconds=10)
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert "status 503" in get.line

    @pytest.mark.parametrize("endpoint", ["token", "discovery"])
    def test_the_refresh(self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str) -> None:
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        pair = workplace.pair()
        if endpoint == "discovery":
            remove_notes(workplace)
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        limit = in_time(workplace.helper)
        told_otherwise = []
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(self.path(workplace, endpoint), fault)
            get = told(workplace)
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
            assert get.line, name
            if get.answer.returncode:
                told_otherwise.append(name)
                continue
            assert get.pair == pair, name
        for name in FEW:
            proxy.set(self.path(workplace, endpoint), FAULTS[name])
            status = told(workplace, "status")
            assert f"\n{workplace.name}: unreachable (alice-h): " in f"\n{status.answer.stdout}", name
            keepalive = told(workplace, "keepalive")
            assert (keepalive.answer.returncode, keepalive.answer.stdout) == (0, ""), name
            assert len(keepalive.lines) <= 1, name
        assert set(told_otherwise) <= (ABSENT | {"another host"} if endpoint == "discovery" else set())
        assert (workplace.person.windows, elsewhere.seen) == (1, [])
        proxy.clear()
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.windows == 1

    def test_a_refreshed_id_token_that_is_none_does_not_cost_the_sign_in(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, keycloak: Keycloak
    ) -> None:
        """With rotation the old refresh token is worth nothing by then."""
        workplace, proxy = self.place(make_workplace, make_proxy, keycloak.url)
        workplace.realm.update(revokeRefreshToken=True, refreshTokenMaxReuse=0)
        workplace.pair()
        change_own_tokens(workplace, id_token_expires_at=1)
        workplace.harbor.set_secret("alice-h", ANOTHER)
        proxy.set(self.path(workplace, "token"), with_a_broken_id_token)
        get = told(workplace, seconds=10)
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert "the ID token of" in get.line
        proxy.clear()
        assert workplace.pair() == ("alice-h", ANOTHER)
        assert workplace.person.windows == 1

    @pytest.mark.parametrize("endpoint", ["revoke", "discovery"])
    def test_the_revocation(self, behind: tuple[Workplace, FaultProxy], make_proxy: MakeProxy, endpoint: str) -> None:
        """What is here goes all the same, and one line says what stays there."""
        workplace, proxy = behind
        elsewhere = make_proxy(workplace.realm.keycloak.url)
        workplace.pair()
        if endpoint == "discovery":
            remove_notes(workplace)
        before = snapshot(workplace)
        limit = in_time(workplace.helper)
        for name, fault in with_another_host(SOME, elsewhere):
            restore(workplace, before)
            proxy.set(self.path(workplace, endpoint), fault)
            erase = told(workplace, "erase")
            assert erase.seconds < limit, f"{name}: {erase.seconds:.1f} s"
            assert (erase.answer.returncode, erase.answer.stdout) == (0, ""), name
            assert erase.line, name
            assert workplace.helper.run("list").stdout == "{}\n"
        assert elsewhere.seen == []


def with_a_broken_id_token(exchange: Exchange, proxy: FaultProxy) -> None:
    """The token endpoint's true answer, but for the ID token."""
    status, headers, body = proxy.true_answer(exchange)
    exchange.answer(status, json.dumps({**json.loads(body), "id_token": "e30.e30.e30"}).encode(), headers)
