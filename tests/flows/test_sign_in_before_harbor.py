"""Something in front of Harbor wants a sign-in of its own: no window opens on it, and the line says what was seen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lab import faults
from tests.lab.realm import HELPER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

CODE = "[not-harbors-redirect]"


@pytest.fixture
def front(workplace: Workplace, make_proxy: Callable[[str], FaultProxy]) -> FaultProxy:
    """The helper reaches Harbor through it."""
    proxy = make_proxy(workplace.harbor.url)
    workplace.configure(url=proxy.url)
    return proxy


def gate(workplace: Workplace, front: FaultProxy) -> faults.Fault:
    """As oauth2-proxy does it, with a client of its own at the same provider."""
    back = f"{front.url}/oauth2/callback".replace(":", "%3A").replace("/", "%2F")
    query = f"client_id={HELPER_CLIENT}&redirect_uri={back}&response_type=code&scope=openid&state=s"
    return faults.send_on_to(f"{workplace.realm.endpoint('auth')}?{query}")


@pytest.mark.parametrize("paths", [["/"], ["/c/"]], ids=["everything", "what browsers open"])
def test_a_new_person_gets_no_window(workplace: Workplace, front: FaultProxy, paths: list[str]) -> None:
    for path in paths:
        front.set(path, gate(workplace, front))
    line = workplace.refused()
    assert CODE in line
    assert "sends /c/oidc/login on to" in line
    assert "let /v2/, /service/, /api/ and /c/ through" in line
    login = workplace.helper.run("login")
    assert (login.returncode, workplace.person.windows) == (1, 0)
    assert CODE in login.stderr
    front.clear()
    assert workplace.pair()[0] == "alice-h"


def test_a_known_pair_goes_out_with_that_line(workplace: Workplace, front: FaultProxy) -> None:
    pair = workplace.pair()
    workplace.end_trust_window()
    front.set("/", gate(workplace, front))
    answer = workplace.get()
    given = json.loads(answer.stdout)
    assert (answer.returncode, given["Username"], given["Secret"]) == (0, *pair)
    assert CODE in answer.stderr
    assert "sends /service/token on to" in answer.stderr
    doctor = workplace.helper.run("doctor")
    assert doctor.returncode == 1
    assert "sends /api/v2.0/systeminfo on to" in doctor.stdout + doctor.stderr
    assert workplace.person.windows == 1


def test_harbors_side_is_not_renewed_there(workplace: Workplace, front: FaultProxy) -> None:
    workplace.pair()
    workplace.end_trust_window()
    workplace.harbor.kill_stored_token("alice-h")
    front.set("/c/", gate(workplace, front))
    assert CODE in workplace.get().stderr
    assert workplace.person.windows == 1
    front.clear()
    assert workplace.pair()[0] == "alice-h"
    assert workplace.person.windows == 2
