"""What stands in front of Harbor has no room for our ID token: it names the many groups that its person is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import need
from tests.flows.test_without_client import paste
from tests.lab import faults, nginx
from tests.lab.realm import HELPER_CLIENT
from tests.lab.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]

# As long as 400 with usual names, and sooner made.
GROUPS = {f"{number:02} {'department of a large company ' * 8}".strip(): ("alice",) for number in range(50)}
CODE = "[token-too-long]"


@pytest.fixture
def crowded(make_workplace: MakeWorkplace) -> Workplace:
    """alice is in all of them, and an administrator has given the mapper to our client as well."""
    workplace = make_workplace({"groups": GROUPS})
    workplace.realm.show_groups_to(HELPER_CLIENT)
    return workplace


@pytest.fixture
def behind_nginx(crowded: Workplace, tmp_path: Path) -> Iterator[Workplace]:
    """Harbor's own address is that of the nginx in front of it."""
    need("nginx", nginx.INSTALL, nginx.program())
    with nginx.in_front_of(crowded.harbor.url, tmp_path / "nginx") as url:
        crowded.harbor.external_url = url
        crowded.realm.set_harbor_redirect(url)
        crowded.configure(url=url)
        yield crowded


def is_right(line: str, reason: str) -> bool:
    """What was seen, how long the token is, and the likeliest remedy."""
    seen = f"refuses a request with the ID token of the client '{HELPER_CLIENT}'"
    remedy = "leave the claim 'groups' out of it; doctor says more"
    return all(words in line for words in (CODE, seen, f"({reason}", remedy))


def test_a_first_sign_in_says_it_at_once_and_opens_one_window(behind_nginx: Workplace) -> None:
    line = behind_nginx.refused()
    assert is_right(line, "status 400"), line
    assert behind_nginx.person.windows == 1
    assert len(behind_nginx.kept_tokens()["id_token"]) > 8192
    again = behind_nginx.refused()
    assert is_right(again, "status 400"), again
    login = behind_nginx.helper.run("login")
    assert login.returncode == 1
    assert is_right(login.stderr, "status 400"), login.stderr


def test_login_at_a_terminal_goes_on_without_the_client(behind_nginx: Workplace) -> None:
    secret = behind_nginx.harbor.users["alice-h"].secret
    command = [behind_nginx.helper.program, "login", behind_nginx.name]
    with Terminal(command, behind_nginx.helper.home.environment) as terminal:
        behind_nginx.person.wait_for_windows(2)  # the second is Harbor's page, by which its stored token is fresh
        paste(terminal, "alice-h", secret)
        assert terminal.wait() == 0
        assert CODE in terminal.text
        assert "going on without it: your CLI secret is asked for" in terminal.text
        assert "client_id = ''" not in terminal.text, "what is advised is done here"
    behind_nginx.end_trust_window()
    assert behind_nginx.pair() == ("alice-h", secret)


def test_taking_the_groups_out_mends_it(behind_nginx: Workplace) -> None:
    assert CODE in behind_nginx.refused()
    behind_nginx.realm.hide_groups_from(HELPER_CLIENT)
    behind_nginx.let_id_token_expire()
    assert behind_nginx.pair()[0] == "alice-h"
    assert behind_nginx.person.windows == 1


def test_harbors_login_renews_a_pair_that_is_at_hand(crowded: Workplace, tmp_path: Path) -> None:
    need("nginx", nginx.INSTALL, nginx.program())
    pair = crowded.pair()
    with nginx.in_front_of(crowded.harbor.url, tmp_path / "nginx") as url:
        crowded.configure(url=url)
        crowded.end_trust_window()
        assert crowded.pair() == pair, "nothing but the probe is asked for"
        crowded.harbor.kill_stored_token("alice-h")
        crowded.end_trust_window()
        assert crowded.pair() == pair
        assert crowded.person.windows == 2
        status = crowded.helper.run("status")
        assert "alice-h" in status.stdout


def test_other_fronts(crowded: Workplace, make_proxy: Callable[[str], FaultProxy]) -> None:
    crowded.pair()
    proxy = make_proxy(crowded.harbor.url)
    crowded.configure(url=proxy.url)
    refusals = {f"status {code}": faults.status(code) for code in (413, 431, 494)}
    for reason, fault in {**refusals, "connection ": faults.refuse}.items():
        proxy.set("/", faults.with_long_headers(8192, fault))
        answer = crowded.helper.run("rotate")
        assert answer.returncode == 1
        assert is_right(answer.stderr, reason), answer.stderr


def test_a_short_token_is_not_blamed(workplace: Workplace, make_proxy: Callable[[str], FaultProxy]) -> None:
    workplace.pair()
    proxy = make_proxy(workplace.harbor.url)
    workplace.configure(url=proxy.url)
    for fault in (faults.status(400), faults.status(431), faults.refuse):
        proxy.set("/api/v2.0/users/current", fault)
        answer = workplace.helper.run("rotate")
        assert answer.returncode == 1
        assert CODE not in answer.stderr


def test_a_long_token_is_not_blamed_for_what_happens_without_it(
    crowded: Workplace, make_proxy: Callable[[str], FaultProxy]
) -> None:
    crowded.pair()
    proxy = make_proxy(crowded.harbor.url)
    crowded.configure(url=proxy.url)
    for fault in (faults.refuse, faults.status(502)):
        proxy.set("/api/v2.0/users/current", fault)
        assert CODE not in crowded.helper.run("rotate").stderr
    proxy.set("/api/v2.0/users/current", faults.refuse, times=1)  # it happens, and not again
    assert crowded.helper.run("rotate").returncode == 0
