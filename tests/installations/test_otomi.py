"""Otomi's: tokens of a minute, no refresh token at Harbor, robots per team, a Keycloak that is deployed anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lab.installations import OTOMI
from tests.lab.said import without_reminder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.desk import Desk
    from tests.lab.workplace import Workplace

LIFE, TRUSTED = 60, 45
MINUTE, DAY = 60, 24 * 3600


@pytest.fixture
def workplace(make_workplace: Callable[..., Workplace]) -> Workplace:
    """alice has signed in, and nothing was counted yet."""
    made = make_workplace(**OTOMI.options())
    made.pair()
    made.learn_life(LIFE)
    made.end_trust_window()
    made.pair()
    stored = made.harbor.users["alice"].stored_token
    assert stored
    assert stored.refresh_token is None
    made.asked()
    made.person.reset()
    return made


def let_it_be_left(workplace: Workplace, seconds: float) -> None:
    """Time passes until the token that Harbor stored has so much of its life left."""
    stored = workplace.harbor.users["alice"].stored_token
    assert stored
    workplace.let_pass(stored.expires_at - workplace.now() - seconds)


def burst(workplace: Workplace, count: int = 8) -> list[tuple[int, str]]:
    """So many `get`s at once: exit status and standard output of each."""
    processes = [workplace.start_get() for _ in range(count)]
    outputs = [process.communicate(timeout=110)[0].decode() for process in processes]
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


class TestTheMinute:
    def test_within_it_nothing_is_needed_and_nothing_is_asked_at_first(self, workplace: Workplace) -> None:
        notes = workplace.notes()
        # Keycloak counts down from when the sign-in began: a slow one leaves the first token a second less.
        assert TRUSTED - 2 <= notes["trusted_until"] - notes["stored_token"]["earliest_at"] <= TRUSTED
        let_it_be_left(workplace, LIFE - TRUSTED + 10)
        assert workplace.get().stderr == ""
        assert workplace.asked() == []
        workplace.end_trust_window()
        assert workplace.get().stderr == ""
        assert workplace.asked() == ["/service/token"]
        assert workplace.person.windows == 0

    def test_after_it_the_walk_takes_no_click_minute_after_minute(self, workplace: Workplace) -> None:
        for minute in range(1, 4):
            let_it_be_left(workplace, 5)
            answer = workplace.get()
            assert answer.returncode == 0
            assert without_reminder(answer.stderr) == (
                f"docker-credential-harbor: opening a browser to renew the sign-in at {workplace.name}; "
                f"only if none appears, open: {workplace.harbor.url}/c/oidc/login\n"
            )
            assert (workplace.person.windows, workplace.person.forms) == (minute, 0)
            workplace.asked()
            assert workplace.get().stderr == ""
            assert workplace.asked() == [], "and it is trusted again"
        assert workplace.harbor.refreshes == 0

    def test_a_burst_opens_one_window_and_the_next_one_none(self, workplace: Workplace) -> None:
        let_it_be_left(workplace, 5)
        for _ in range(2):
            answers = burst(workplace)
            assert {status for status, _ in answers} == {0}
            assert len({output for _, output in answers}) == 1
            assert (workplace.person.windows, workplace.person.forms) == (1, 0)

    def test_nobody_there_gets_one_window_not_one_a_pull(self, workplace: Workplace) -> None:
        workplace.configure(top="login_timeout = 3")
        workplace.person.decline = True
        workplace.realm.end_sessions()
        let_it_be_left(workplace, 5)
        for _ in range(2):
            assert {status for status, _ in burst(workplace)} == {1}
        assert workplace.person.windows == 1

    def test_a_day_later_one_form_begins_it_again(self, workplace: Workplace) -> None:
        workplace.realm.end_sessions()
        workplace.let_pass(DAY)
        workplace.pair()
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)
        let_it_be_left(workplace, 5)
        workplace.pair()
        assert (workplace.person.windows, workplace.person.forms) == (2, 1)


class TestDocker:
    def test_pulls_minutes_apart(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(**OTOMI.options())
        desk.publish()
        desk.set_up()
        assert "to sign in at" in desk.fresh_pull()
        assert desk.fresh_pull() == ""
        desk.workplace.let_pass(MINUTE)
        assert "to renew the sign-in at" in desk.fresh_pull()
        assert (desk.workplace.person.windows, desk.workplace.person.forms) == (2, 1)

    def test_a_teams_robot_never_needs_a_browser(self, make_desk: Callable[..., Desk]) -> None:
        desk = make_desk(**OTOMI.options())
        workplace = desk.workplace
        desk.publish()
        desk.set_up()
        for team in ("team-a", "team-b"):
            robot = f"robot${team}+ci"
            workplace.harbor.add_robot(robot, f"Secret-of-{team}-1")
            done = desk.docker("login", "-u", robot, "-p", f"Secret-of-{team}-1", workplace.name)
            assert done.returncode == 0, done.stderr
            for later in (0, MINUTE, DAY):
                workplace.let_pass(later)
                assert desk.fresh_pull() == ""
                workplace.harbor.clear_requests()
                assert workplace.pair(CI="1") == (robot, f"Secret-of-{team}-1")
                assert workplace.asked() == []
        assert workplace.person.windows == 0


class TestRedeployedKeycloak:
    """Everybody has a new `sub`, and Harbor still has the users of the old ones."""

    def test_the_line_names_the_user_that_an_administrator_has_to_remove(self, workplace: Workplace) -> None:
        old = workplace.harbor.users["alice"]
        workplace.configure(top="login_timeout = 10")
        workplace.realm.redeploy()
        workplace.let_pass(MINUTE)
        assert workplace.refused() == (
            "docker-credential-harbor: [old-user-in-the-way] "
            f"Harbor at {workplace.name} does not take alice for its user alice any more: have its administrator "
            f"remove that user, then run: docker-credential-harbor login {workplace.name}; doctor says more"
        )
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)
        assert workplace.person.pages[0].status == 409

        # A pull right after that opens nothing more; what it says is true, too.
        assert "no window opens by itself for " in workplace.refused()
        assert workplace.person.windows == 1

        # The administrator acts, the person does what the line says.
        workplace.harbor.users.remove("alice")
        answer = workplace.helper.run("login")
        assert (answer.returncode, answer.stdout) == (0, f"Signed in at {workplace.name} as alice.\n"), answer.stderr
        new = workplace.harbor.users["alice"]
        assert new.subiss == workplace.realm.subject("alice") + workplace.realm.issuer
        assert workplace.pair() == ("alice", new.secret)
        self.nothing_is_left_of(old.secret, workplace)

    def test_without_login_the_next_pull_heals_it_once_the_pause_is_over(self, workplace: Workplace) -> None:
        old = workplace.harbor.users["alice"]
        workplace.configure(top="login_timeout = 10")
        workplace.realm.redeploy()
        workplace.let_pass(MINUTE)
        workplace.refused()
        workplace.harbor.users.remove("alice")
        workplace.let_pass(MINUTE)
        assert workplace.pair() == ("alice", workplace.harbor.users["alice"].secret)
        assert (workplace.person.windows, workplace.person.forms) == (2, 1), "Harbor's login alone, without a click"
        self.nothing_is_left_of(old.secret, workplace)

    def test_a_new_machine_meets_the_409_at_its_first_pull(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(**OTOMI.options(top="login_timeout = 10"))
        workplace.harbor.onboard("alice", "alice@example.com", "the sub of the old Keycloak")
        assert workplace.refused() == (
            "docker-credential-harbor: [not-onboarded] "
            f"Harbor at {workplace.name} does not know alice yet: finish the sign-in at "
            f"{workplace.harbor.url}, unless that shows an error (409); doctor says more"
        )
        workplace.harbor.users.remove("alice")
        workplace.let_pass(MINUTE)
        assert workplace.pair() == ("alice", workplace.harbor.users["alice"].secret)

    def nothing_is_left_of(self, secret: str, workplace: Workplace) -> None:
        assert workplace.files_with(secret) == []
        [row] = json.loads(workplace.helper.run(["status", "--json"]).stdout)["registries"]
        assert (row["state"], row["username"]) == ("ready", "alice")
        assert json.loads(workplace.helper.run("list").stdout) == {f"https://{workplace.name}": "alice"}
