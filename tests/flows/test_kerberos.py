"""Sign-in by a Kerberos ticket: no window, nobody needed; everything else is a stop, and a person is asked as ever."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.lab import faults
from tests.lab.kerberos import REALM
from tests.lab.pace import paced
from tests.lab.realm import HELPER_CLIENT
from tests.lab.workplace import WITH_OFFLINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeRealm
    from tests.lab.faults import FaultProxy
    from tests.lab.kerberos import Kdc
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

KATE = "kate"


@pytest.fixture
def make_desk(make_workplace: MakeWorkplace, kdc: Kdc) -> MakeWorkplace:
    """A workplace whose provider takes tickets; kate has one, nobody has signed in anywhere, nobody is there."""

    def make(harbor: dict[str, object] | None = None, **keys: object) -> Workplace:
        top = f"cache_ttl = 0\n{keys.pop('top', '')}"
        place = make_workplace(harbor={"auto_onboard": True, "user_claim": "preferred_username", **(harbor or {})},
                               onboarded=False, top=top, **keys)  # fmt: skip
        place.realm.federate_kerberos(REALM, kdc.keytab)
        kdc.add_person(KATE)
        kdc.sign_in(KATE)
        place.helper.home.environment |= kdc.environment | {"CI": "true"}
        return place

    return make


@pytest.fixture
def desk(make_desk: MakeWorkplace) -> Workplace:
    return make_desk()


def only_for_tokens(fault: faults.Fault) -> faults.Fault:
    """For requests that carry a Kerberos token; all others are passed on."""

    def sometimes(exchange: Exchange, proxy: FaultProxy) -> None:
        if exchange.headers.get("Authorization", "").startswith("Negotiate "):
            fault(exchange, proxy)
            return
        code, headers, body = proxy.true_answer(exchange)
        exchange.answer(code, body, headers)

    return sometimes


def kates(desk: Workplace) -> tuple[str, str]:
    return KATE, desk.harbor.users[KATE].secret


def test_a_first_get_signs_in_and_onboards_where_nobody_can_be_asked(desk: Workplace) -> None:
    answer = desk.get()
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    assert desk.pair() == kates(desk)
    assert desk.person.windows == 0


def test_harbors_side_is_renewed_by_it(desk: Workplace) -> None:
    pair = desk.pair()
    before = desk.kept_tokens()
    desk.harbor.kill_stored_token(KATE)
    assert desk.pair() == pair
    assert desk.person.windows == 0
    assert desk.own_token_is_live()
    assert not desk.is_live(before["refresh_token"]), "the sign-in that was replaced is ended at the provider"
    assert desk.harbors_token_is_live(KATE)


def test_our_own_sign_in_is_renewed_by_it(desk: Workplace) -> None:
    pair = desk.pair()
    desk.realm.end_sessions(KATE)
    desk.let_id_token_expire()
    desk.harbor.kill_stored_token(KATE)
    assert desk.pair() == pair
    assert desk.own_token_is_live()
    assert desk.person.windows == 0


def test_with_offline_access_on_both_sides(make_desk: MakeWorkplace) -> None:
    desk = make_desk({"scopes": WITH_OFFLINE})
    assert desk.pair() == kates(desk)
    desk.harbor.expire_stored_access_token(KATE)
    assert desk.pair() == kates(desk)
    assert desk.own_token_is_live()


def test_where_offline_access_is_refused_it_goes_on_without(make_desk: MakeWorkplace) -> None:
    desk = make_desk({"scopes": WITH_OFFLINE})
    desk.realm.remove_offline_scope("docker-credential-harbor")
    assert desk.pair() == kates(desk)


class TestWhatElseHarborAsksFor:
    """As in a browser's sign-in (test_sign_in.py), but for a page that a person is to see."""

    def test_it_is_in_our_request_too(
        self, make_desk: MakeWorkplace, keycloak: Keycloak, make_proxy: Callable[[str], FaultProxy]
    ) -> None:
        proxy = make_proxy(keycloak.url)
        desk = make_desk({"extra_redirect_parms": {"ui_locales": "de", "other": "x"}}, through=proxy)
        assert desk.pair() == kates(desk)
        asked = [dict(parse_qsl(urlsplit(target).query)) for target in proxy.seen if "/auth?" in target]
        ours = [query for query in asked if query["client_id"] == HELPER_CLIENT]
        assert ours
        assert {(query.get("ui_locales"), query.get("other")) for query in ours} == {("de", None)}

    def test_but_for_consent_which_nobody_is_there_to_give(self, desk: Workplace) -> None:
        desk.pair()
        desk.harbor.provider.extra_redirect_parms = {"prompt": "consent"}
        desk.realm.end_sessions(KATE)
        desk.let_id_token_expire()
        desk.harbor.set_secret(KATE, "Another1Secret")
        assert desk.pair() == (KATE, "Another1Secret")
        assert desk.own_token_is_live()


def test_login_by_it_does_not_go_before_a_stored_pair(desk: Workplace) -> None:
    desk.store("robot$ci", "s")
    answer = desk.helper.run("login")
    assert answer.returncode == 0, answer.stderr
    assert "the stored pair of robot$ci goes first" in answer.stdout
    assert desk.pair() == ("robot$ci", "s"), "not the person's, which was verified a moment ago"


def test_login_takes_the_ticket_too_unless_a_browser_is_asked_for(desk: Workplace) -> None:
    answer = desk.helper.run("login")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == f"Signed in at {desk.name} as {KATE}.\n"
    assert desk.person.windows == 0
    desk.onboard()
    answer = desk.helper.run(["login", "--browser"])
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == f"Signed in at {desk.name} as alice-h.\n"
    assert desk.person.windows > 0


def test_another_persons_ticket_changes_nothing(desk: Workplace, kdc: Kdc) -> None:
    pair = desk.pair()
    kdc.add_person("karl")
    kdc.sign_in("karl")
    desk.harbor.kill_stored_token(KATE)
    assert "nobody can be asked here" in desk.refused()
    assert "karl" not in desk.harbor.users, "Harbor was not walked with a ticket of somebody else"
    kdc.sign_in(KATE)
    assert desk.pair() == pair


def test_without_a_client_only_a_ticket_of_that_name_walks(make_desk: MakeWorkplace, kdc: Kdc) -> None:
    desk = make_desk()
    pair = desk.pair()
    desk.helper.run("erase", desk.name)
    desk.configure(client_id="", top="cache_ttl = 0")
    desk.store(*pair)
    assert desk.pair() == pair
    kdc.add_person("karl")
    kdc.sign_in("karl")
    desk.harbor.kill_stored_token(KATE)
    assert "nobody can be asked here" in desk.refused()
    assert "karl" not in desk.harbor.users
    kdc.sign_in(KATE)
    assert desk.pair() == pair


class TestWhereTheIssuerIsConfigured:
    """Harbor's own login has to lead there, as it has to stay where it was elsewhere."""

    @pytest.fixture(params=["signed in", "stored pair"])
    def held(self, request: pytest.FixtureRequest, make_desk: MakeWorkplace) -> Workplace:
        desk = make_desk()
        pair = desk.pair()
        client = {}
        if request.param == "stored pair":
            desk.helper.run("erase", desk.name)
            client["client_id"] = ""
        desk.configure(top="cache_ttl = 0", issuer=desk.realm.issuer, **client)
        if client:
            desk.store(*pair)
        assert desk.pair() == pair
        desk.harbor.kill_stored_token(KATE)
        return desk

    def test_it_does(self, held: Workplace) -> None:
        assert held.pair() == kates(held)
        assert held.harbors_token_is_live(KATE)

    def test_it_leads_elsewhere(self, held: Workplace, make_realm: MakeRealm, kdc: Kdc) -> None:
        other = make_realm()
        other.federate_kerberos(REALM, kdc.keytab)
        held.harbor.provider.kept_seconds = 0
        held.harbor.provider.issuer = other.issuer
        held.harbor.clear_requests()
        line = held.refused()
        assert f"{held.name} leads people to {other.endpoint('auth')}, not to {held.realm.issuer} as configured" in line
        assert not [request for request in held.harbor.requests if "/c/oidc/callback" in request.path]
        held.helper.home.environment.pop("CI")
        assert "as configured" in held.refused()
        assert held.person.windows == 0


def test_negotiate_never(make_desk: MakeWorkplace) -> None:
    desk = make_desk(top='negotiate = "never"')
    assert "nobody can be asked here" in desk.refused()


def test_status_does_not_use_it(desk: Workplace) -> None:
    assert "signed-out" in desk.helper.run("status").stdout


class TestStops:
    """After each of them the person's browser signs in as ever."""

    @pytest.fixture
    def desk(self, make_desk: MakeWorkplace) -> Workplace:
        desk = make_desk()
        desk.onboard()
        del desk.helper.home.environment["CI"]
        return desk

    @pytest.fixture
    def proxy(self, keycloak: Keycloak, make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
        return make_proxy(keycloak.url)

    @pytest.fixture
    def desk_behind(self, make_desk: MakeWorkplace) -> Callable[[FaultProxy], Workplace]:
        """The same, with the provider behind a proxy for everybody."""

        def make(proxy: FaultProxy) -> Workplace:
            desk = make_desk(through=proxy)
            desk.onboard()
            del desk.helper.home.environment["CI"]
            return desk

        return make

    def by_browser(self, desk: Workplace) -> None:
        assert desk.pair() == ("alice-h", desk.harbor.users["alice-h"].secret)
        assert (desk.person.windows, desk.person.forms) == (1, 1)

    def test_no_ticket(self, desk: Workplace, kdc: Kdc) -> None:
        kdc.sign_out()
        self.by_browser(desk)

    def test_an_expired_ticket(self, desk: Workplace, kdc: Kdc) -> None:
        kdc.sign_in(KATE, life="1s")
        time.sleep(2)  # its whole life: nothing shows before
        self.by_browser(desk)

    def test_no_configuration_of_kerberos(self, desk: Workplace) -> None:
        desk.helper.home.environment |= {"KRB5_CONFIG": "/nonexistent", "KRB5CCNAME": "FILE:/nonexistent"}
        self.by_browser(desk)

    def test_a_kdc_that_is_gone(self, desk: Workplace, kdc: Kdc) -> None:
        kdc.stop()
        self.by_browser(desk)

    def test_a_silent_kdc(self, desk: Workplace, kdc: Kdc) -> None:
        """GSSAPI alone would block for half a minute."""
        os.kill(kdc.pid, signal.SIGSTOP)
        try:
            desk.configure(top=f"cache_ttl = 0\ntimeout = {paced(6)}")
            self.by_browser(desk)
        finally:
            os.kill(kdc.pid, signal.SIGCONT)

    def test_a_provider_that_cannot_read_the_token(self, desk: Workplace, kdc: Kdc) -> None:
        kdc.change_service_keys()
        kdc.sign_in(KATE)
        self.by_browser(desk)

    @pytest.mark.parametrize(
        "fault",
        [faults.status(502), faults.status(431), faults.status(400), faults.refuse],
        ids=["502", "431", "400", "hangs-up"],
    )
    def test_a_proxy_that_the_token_is_too_long_for(
        self, desk_behind: Callable[[FaultProxy], Workplace], proxy: FaultProxy, fault: faults.Fault
    ) -> None:
        desk = desk_behind(proxy)
        proxy.set("/realms/", only_for_tokens(fault))
        self.by_browser(desk)
        desk.harbor.kill_stored_token("alice-h")
        assert desk.pair() == ("alice-h", desk.harbor.users["alice-h"].secret)
        assert (desk.person.windows, desk.person.forms) == (2, 1)

    def test_a_provider_that_is_silent_once_it_has_the_token(
        self, desk_behind: Callable[[FaultProxy], Workplace], proxy: FaultProxy
    ) -> None:
        """As where its own KDC or directory is."""
        desk = desk_behind(proxy)
        desk.configure(top=f"cache_ttl = 0\ntimeout = {paced(6)}")
        proxy.set("/realms/", only_for_tokens(faults.hang))
        self.by_browser(desk)

    @pytest.mark.parametrize(
        ("endpoint", "answer"),
        [
            ("token", faults.status(400, b'{"error": "invalid_grant"}')),
            ("token", faults.status(401, b'{"error": "invalid_client"}')),
            ("certs", faults.status(200, b'{"keys": []}')),
        ],
        ids=["sign-in-failed", "client-refused", "id-token-rejected"],
    )
    def test_an_exchange_that_comes_to_nothing(
        self, desk_behind: Callable[[FaultProxy], Workplace], proxy: FaultProxy, endpoint: str, answer: faults.Fault
    ) -> None:
        desk = desk_behind(proxy)
        proxy.set(urlsplit(desk.realm.endpoint(endpoint)).path, answer, times=1)
        self.by_browser(desk)

    def test_a_provider_that_is_away_opens_no_window(
        self, desk_behind: Callable[[FaultProxy], Workplace], proxy: FaultProxy
    ) -> None:
        desk = desk_behind(proxy)
        proxy.set(urlsplit(desk.realm.endpoint("token")).path, faults.status(503))
        assert "answered with status 503" in desk.refused()
        assert desk.person.windows == 0

    def test_a_local_user_of_that_name(self, desk: Workplace, kdc: Kdc) -> None:
        kdc.add_person("alice")
        kdc.sign_in("alice")
        self.by_browser(desk)

    def test_harbor_wants_a_name_to_be_picked(self, make_desk: MakeWorkplace) -> None:
        desk = make_desk({"auto_onboard": False})
        assert "nobody can be asked here" in desk.refused()
        assert KATE not in desk.harbor.users


def test_a_provider_without_kerberos(make_workplace: MakeWorkplace, kdc: Kdc) -> None:
    workplace = make_workplace()
    kdc.add_person("alice")
    kdc.sign_in("alice")
    workplace.helper.home.environment |= kdc.environment
    assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
    assert (workplace.person.windows, workplace.person.forms) == (1, 1)
