"""What Harbor does wrong, at each endpoint and in each step of `get`, on real parts.

Always: one line, nothing secret in it nor in the trace, no traceback, no window where nothing can be concluded, within
the time, and nothing erased: the next `get` without the fault works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import NOT_FOUND
from tests.flows.faulty import (
    ANOTHER,
    FAULTS,
    FEW,
    IN_FULL,
    SETTINGS,
    SOME,
    in_time,
    restore,
    snapshot,
    told,
    with_another_host,
)
from tests.lab import faults
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.faults import FaultProxy
    from tests.lab.workplace import Workplace

    MakeWorkplace = Callable[..., Workplace]
    MakeProxy = Callable[..., FaultProxy]

PROBE = "/service/token"
CURRENT = "/api/v2.0/users/current"
LOGIN = "/c/oidc/login"


def signed_in_behind(
    make_workplace: MakeWorkplace, make_proxy: MakeProxy, **harbor: object
) -> tuple[Workplace, FaultProxy]:
    """Signed in; the helper alone reaches Harbor through the proxy."""
    workplace = make_workplace(harbor=harbor, top=SETTINGS)
    proxy = make_proxy(workplace.harbor.url)
    workplace.configure(top=SETTINGS, url=proxy.url)
    workplace.pair()
    return workplace, proxy


class TestHarbor:
    """Step by step of a later `get`: the last known pair, one line, no window."""

    @pytest.mark.parametrize(
        ("endpoint", "prepare"),
        [
            (PROBE, "nothing"),
            (CURRENT, "another secret"),
            (LOGIN, "dead token"),
        ],
    )
    def test_the_last_known_pair_with_a_warning(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy, endpoint: str, prepare: str
    ) -> None:
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        elsewhere = make_proxy(workplace.harbor.url)
        pair = workplace.pair()
        if prepare == "another secret":
            workplace.harbor.set_secret("alice-h", ANOTHER)
        if prepare == "dead token":
            workplace.harbor.kill_stored_token("alice-h")
        limit = in_time(workplace.helper)
        for name, fault in with_another_host(SOME if endpoint == LOGIN else FAULTS, elsewhere):
            proxy.set(endpoint, fault)
            get = told(workplace)
            assert get.pair == pair, name
            assert get.line.startswith(f"the pair for {workplace.name} could not be verified: "), name
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
        for name in FEW:
            proxy.set(endpoint, FAULTS[name])
            status = told(workplace, "status")
            assert status.answer.stdout.startswith(f"{workplace.name}: unreachable (alice-h): "), name
            keepalive = told(workplace, "keepalive")
            assert (keepalive.answer.returncode, keepalive.answer.stdout) == (0, ""), name
            assert len(keepalive.lines) <= 1, name
        proxy.down()
        assert told(workplace).pair == pair
        assert (workplace.person.windows, elsewhere.seen) == (1, [])
        proxy.clear()
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        assert workplace.person.windows == (2 if prepare == "dead token" else 1)

    def test_of_the_persons_walk(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        """One window, as there must be; Harbor goes away while the person's browser walks, or just after."""
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        pair = workplace.pair()
        workplace.harbor.kill_stored_token("alice-h")
        before = snapshot(workplace)
        for name, fault in (SOME if IN_FULL else {name: SOME[name] for name in FEW}).items():
            workplace.harbor.kill_stored_token("alice-h")
            workplace.person.reset()
            proxy.set(PROBE, faults.after(1, fault))  # the first one refuses the pair, whence the walk
            get = told(workplace, seconds=5, DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT="3")
            assert get.pair == pair, name
            assert "could not be verified" in get.line, name
            assert workplace.person.windows == 1, name
            restore(workplace, before)  # that window did not end in a working pair, so it counts as declined
        proxy.clear()
        assert workplace.pair() == pair
        assert workplace.person.windows == 1, "Harbor's side was renewed by those walks"

    def test_right_after_the_first_sign_in(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        """What the provider gave is kept, so that nobody is asked a second time."""
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        proxy.set(CURRENT, faults.status(503))
        get = told(workplace, seconds=10, DOCKER_CREDENTIAL_HARBOR_LOGIN_TIMEOUT="10")
        assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND)
        assert "status 503" in get.line
        proxy.clear()
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.windows == 1

    def test_setting_a_new_secret(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        """One window, as there must be: Harbor cannot read its secret any more."""
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        elsewhere = make_proxy(workplace.harbor.url)
        user = workplace.harbor.users["alice-h"]
        pair = ("alice-h", user.secret)
        workplace.harbor.garble_secret("alice-h")
        before = snapshot(workplace)
        for name, fault in with_another_host(SOME, elsewhere):
            proxy.set(f"/api/v2.0/users/{user.user_id}/cli_secret", fault)
            get = told(workplace, seconds=3)
            assert get.pair == pair, name
            assert "could not be verified" in get.line, name
            restore(workplace, before)  # that window did not end in a working pair, so it counts as declined
            workplace.harbor.garble_secret("alice-h")  # "cut short" had set one
        assert elsewhere.seen == []
        proxy.clear()
        assert workplace.pair() == ("alice-h", user.secret)
        assert user.secret != pair[1]

    def test_of_a_stored_pair_the_kind(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        elsewhere = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        workplace.harbor.add_robot("ci-bot", "Robot-Secret-1")
        workplace.store("ci-bot", "Robot-Secret-1")
        for name, fault in with_another_host(SOME, elsewhere):
            proxy.set(CURRENT, fault)
            get = told(workplace)
            assert get.pair == ("ci-bot", "Robot-Secret-1"), name
            assert "could not be verified" in get.line, name
        assert elsewhere.seen == []
        proxy.clear()
        assert workplace.pair() == ("ci-bot", "Robot-Secret-1")
        assert workplace.get().stderr == ""

    def test_before_the_first_sign_in_no_window(self, make_workplace: MakeWorkplace, make_proxy: MakeProxy) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        elsewhere = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        limit = in_time(workplace.helper)
        for name, fault in with_another_host(FAULTS, elsewhere):
            proxy.set(LOGIN, fault)
            get = told(workplace)
            assert (get.answer.returncode, get.answer.stdout) == (1, NOT_FOUND), name
            assert get.line, name
            assert get.seconds < limit, f"{name}: {get.seconds:.1f} s"
        assert workplace.person.windows == 0
        proxy.clear()
        assert workplace.pair()[0] == "alice-h"

    def test_while_the_person_signs_in_it_is_asked_again(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy
    ) -> None:
        workplace = make_workplace(top=SETTINGS)
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(top=SETTINGS, url=proxy.url)
        proxy.set(CURRENT, faults.status(503), times=2)
        proxy.set(PROBE, faults.refuse, times=2)
        assert workplace.pair()[0] == "alice-h"
        assert workplace.person.windows == 1

    def test_another_get_that_hangs_is_not_waited_for(
        self, make_workplace: MakeWorkplace, make_proxy: MakeProxy
    ) -> None:
        workplace, proxy = signed_in_behind(make_workplace, make_proxy)
        pair = workplace.pair()
        before = len(proxy.seen)
        proxy.set(PROBE, faults.hang)
        first = workplace.helper.start("get", {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "60"})
        assert first.stdin
        first.stdin.write(workplace.name.encode())
        first.stdin.close()
        first.stdin = None
        wait_until(lambda: len(proxy.seen) > before, "its probe")
        limit = in_time(workplace.helper)
        second = told(workplace)
        assert second.pair == pair
        assert f"another get for {workplace.name} is still running" in second.line
        assert second.seconds < limit
        first.kill()
        first.communicate(timeout=10)
        proxy.clear()
        assert workplace.get().stderr == "", "the killed one holds nothing"
