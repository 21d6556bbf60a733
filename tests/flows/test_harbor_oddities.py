"""What is odd about Harbor and has nothing to do with being away: each has its way out, or its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.flows.faulty import ANOTHER, change_own_tokens, restore, snapshot
from tests.lab.pace import paced

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.web import Exchange
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]


def test_a_logout_in_harbors_page_costs_one_form_when_harbors_token_has_expired(make_workplace: MakeWorkplace) -> None:
    """It ends the session at the provider, on which our own tokens hang as well."""
    workplace = make_workplace(top="cache_ttl = 0")
    pair = workplace.pair()
    refresh_token = workplace.kept_tokens()["refresh_token"]
    workplace.harbor.log_out("alice-h")
    assert not workplace.is_live(refresh_token)
    assert workplace.pair() == pair
    assert workplace.person.windows == 1, "until then the pair works, and nobody is asked"
    workplace.harbor.expire_stored_access_token("alice-h")
    assert workplace.pair() == pair
    assert (workplace.person.windows, workplace.person.forms) == (2, 2)
    change_own_tokens(workplace, id_token_expires_at=1)
    workplace.harbor.set_secret("alice-h", ANOTHER)
    assert workplace.pair() == ("alice-h", ANOTHER)
    assert workplace.own_token_is_live()


class TestEmptyRobotPrefix:
    """Harbor then takes every name for a robot's, and refuses every person's secret: no walk can help."""

    def test_of_the_person_signed_in(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        pair = workplace.pair()
        workplace.harbor.robot_prefix = ""
        before = snapshot(workplace)
        line = workplace.refused(DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT=str(paced(5)))  # for the walk to be over, too
        assert "still refuses the CLI secret of alice-h after its login" in line
        assert "Harbor's robot name prefix is empty (an administrator must set one)" in line
        assert workplace.person.windows == 2
        restore(workplace, before)  # the window that could not help counts as declined
        workplace.harbor.robot_prefix = "robot$"
        assert workplace.pair() == pair

    def test_of_a_stored_pair(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(client_id="", top="cache_ttl = 0")
        workplace.person.open(f"{workplace.harbor.url}/c/oidc/login")
        workplace.store("alice-h", workplace.harbor.users["alice-h"].secret)
        pair = workplace.pair()
        workplace.harbor.robot_prefix = ""
        line = workplace.refused(DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT="2")
        assert "refuses the stored CLI secret of alice-h" in line
        [shown] = json.loads(workplace.helper.run(["doctor", "--json"]).stdout)["checks"][-1:]
        assert "whether Harbor's robot name prefix is empty" in shown["fix"]
        workplace.harbor.robot_prefix = "robot$"
        assert workplace.pair() == pair

    def test_a_robot_works_all_the_same(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(top="cache_ttl = 0")
        workplace.harbor.robot_prefix = ""
        workplace.harbor.add_robot("ci", "Robot-Secret-1")
        workplace.store("ci", "Robot-Secret-1")
        assert workplace.pair() == workplace.pair() == ("ci", "Robot-Secret-1")
        assert workplace.person.windows == 0


def without_id_token(exchange: Exchange, proxy: FaultProxy) -> None:
    """The token endpoint's true answer, but for the ID token: OIDC Core 12.2 allows that."""
    status, headers, body = proxy.true_answer(exchange)
    answer = {name: value for name, value in json.loads(body).items() if name != "id_token"}
    exchange.answer(status, json.dumps(answer).encode(), headers)


def test_a_refresh_answer_without_id_token(
    make_workplace: MakeWorkplace, make_proxy: Callable[..., FaultProxy], keycloak: Keycloak
) -> None:
    """The new refresh token is kept, but Harbor wants an ID token: the person is asked, without a form."""
    proxy = make_proxy(keycloak.url)
    workplace = make_workplace(through=proxy, top="cache_ttl = 0")
    workplace.harbor.provider.connect_through(keycloak.url)
    workplace.realm.update(revokeRefreshToken=True, refreshTokenMaxReuse=0)
    workplace.pair()
    change_own_tokens(workplace, id_token_expires_at=1)
    workplace.harbor.set_secret("alice-h", ANOTHER)
    old = workplace.kept_tokens()["refresh_token"]
    token = f"/realms/{workplace.realm.name}/protocol/openid-connect/token"
    proxy.set(token, without_id_token)
    assert "needs a sign-in and nobody can be asked here" in workplace.refused(CI="1")
    assert workplace.kept_tokens()["refresh_token"] != old
    proxy.set(token, without_id_token, times=1)
    assert workplace.pair() == ("alice-h", ANOTHER)
    assert (workplace.person.windows, workplace.person.forms) == (2, 1)
    assert workplace.own_token_is_live()
