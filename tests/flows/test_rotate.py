"""`rotate`, and `logout --everywhere`, which does the same with a secret that nobody keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.conftest import WITHOUT_OFFLINE
from tests.lab import faults
from tests.lab.pace import paced
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    from tests.conftest import MakeWorkplace
    from tests.flows.conftest import Workplace
    from tests.lab.faults import FaultProxy

USERS = "/api/v2.0/users/"


def run(workplace: Workplace, *arguments: str, **env: str) -> CompletedProcess[str]:
    answer = workplace.helper.run(arguments, env=env)
    assert "Traceback" not in answer.stderr
    assert all(line.startswith("docker-credential-harbor: ") for line in answer.stderr.splitlines())
    return answer


def cli_secret(workplace: Workplace) -> str:
    return f"{USERS}{workplace.harbor.users['alice-h'].user_id}/cli_secret"


def behind_proxy(workplace: Workplace, make_proxy: Callable[..., FaultProxy]) -> FaultProxy:
    proxy = make_proxy(workplace.harbor.url)
    workplace.configure(url=proxy.url)
    return proxy


class TestRotate:
    @pytest.mark.heart
    def test_a_new_secret_that_harbor_accepts_and_get_knows(self, workplace: Workplace) -> None:
        _, old = workplace.pair()
        workplace.asked()
        answer = run(workplace, "rotate")
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "alice-h has a new CLI secret" in answer.stdout
        new = workplace.harbor.users["alice-h"].secret
        assert new != old
        assert len(new) >= 32
        assert new not in answer.stdout
        assert workplace.asked() == ["/api/v2.0/users/current", cli_secret(workplace), "/service/token"]
        assert workplace.pair() == ("alice-h", new)
        assert workplace.asked() == [], "verified just now"
        assert workplace.files_with(old) == []

    def test_a_stored_pair_goes_first_and_how_to_be_rid_of_it(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.store("robot$ci", "s")
        answer = run(workplace, "rotate")
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "[stored-pair-goes-first] the stored pair of robot$ci goes first" in answer.stderr
        workplace.helper.run("erase", workplace.name)
        assert run(workplace, "login").returncode == 0
        assert run(workplace, "rotate").returncode == 0

    @pytest.mark.heart
    def test_signs_in_before_where_that_is_due(self, workplace: Workplace) -> None:
        answer = run(workplace, "rotate", workplace.name)
        assert answer.returncode == 0, answer.stderr
        assert workplace.person.windows == 1
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)

    @pytest.mark.heart
    def test_with_an_id_token_that_has_expired(self, workplace: Workplace) -> None:
        workplace.pair()
        workplace.let_id_token_expire()
        assert run(workplace, "rotate").returncode == 0
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        assert workplace.person.windows == 1

    def test_a_pair_that_the_api_does_not_take(self, workplace: Workplace) -> None:
        workplace.configure(client_id="")
        answer = run(workplace, "rotate")
        assert answer.returncode == 1
        assert "signed in with a client" in answer.stderr
        assert f": make a new one at {workplace.harbor.url} (user profile)\n" in answer.stderr
        assert workplace.person.windows == 0

    def test_harbor_takes_no_new_one(self, workplace: Workplace, make_proxy: Callable[..., FaultProxy]) -> None:
        proxy = behind_proxy(workplace, make_proxy)
        pair = workplace.pair()
        body = b'{"errors":[{"code":"BAD_REQUEST","message":"the secret is too weak"}]}'
        proxy.set(cli_secret(workplace), faults.status(400, body))
        answer = run(workplace, "rotate")
        assert answer.returncode == 1
        assert "the secret is too weak" in answer.stderr
        assert workplace.pair() == pair

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_harbor_goes_silent_around_the_change(
        self, workplace: Workplace, make_proxy: Callable[..., FaultProxy], moment: str
    ) -> None:
        """Nobody knows then which secret counts; Harbor tells the next get."""
        proxy = behind_proxy(workplace, make_proxy)
        _, old = workplace.pair()
        proxy.set(cli_secret(workplace), faults.hang if moment == "before" else faults.cut_short)
        answer = run(workplace, "rotate", DOCKER_CREDENTIAL_HARBOR_TIMEOUT=str(paced(2)))
        assert answer.returncode == 1
        proxy.clear()
        secret = workplace.harbor.users["alice-h"].secret
        assert (secret == old) is (moment == "before")
        assert workplace.pair() == ("alice-h", secret)
        assert workplace.person.windows == 1

    @pytest.mark.heart
    @pytest.mark.parametrize("step", ["who it is", "the change", "the probe after it"])
    def test_killed_in_any_of_its_requests(
        self, workplace: Workplace, make_proxy: Callable[..., FaultProxy], step: str
    ) -> None:
        proxy = make_proxy(workplace.harbor.url)
        workplace.configure(url=proxy.url)
        workplace.pair()
        paths = {"who it is": f"{USERS}current", "the change": cli_secret(workplace), "the probe after it": "/service/"}
        proxy.seen.clear()
        proxy.set(paths[step], faults.hang)
        process = workplace.helper.start("rotate")
        wait_until(lambda: any(paths[step] in seen for seen in list(proxy.seen)), f"its request for {step}")
        process.kill()
        process.communicate()
        proxy.clear()
        assert workplace.pair() == ("alice-h", workplace.harbor.users["alice-h"].secret)
        assert workplace.person.windows == 1


class TestLogoutEverywhere:
    @pytest.mark.heart
    def test_no_other_machine_can_use_the_secret_any_more(self, make_workplace: MakeWorkplace) -> None:
        workplace = make_workplace(harbor={"scopes": WITHOUT_OFFLINE})
        _, old = workplace.pair()
        answer = run(workplace, "logout", "--everywhere")
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "replaced by one that nobody keeps" in answer.stdout
        assert "Signed out" in answer.stdout
        new = workplace.harbor.users["alice-h"].secret
        assert new != old
        assert workplace.files_with(new) == []
        assert workplace.files_with(old) == []

    def test_nobody_is_signed_in(self, workplace: Workplace) -> None:
        answer = run(workplace, "logout", "--everywhere")
        assert answer.returncode == 1
        assert "was not replaced" in answer.stderr
        assert "Nobody was signed in" in answer.stdout

    def test_signed_out_here_though_harbor_is_away(self, workplace: Workplace) -> None:
        _, old = workplace.pair()
        workplace.harbor.down()
        answer = run(workplace, "logout", "--everywhere")
        assert answer.returncode == 1
        assert "was not replaced" in answer.stderr
        assert "Signed out" in answer.stdout
        assert workplace.files_with(old) == []
