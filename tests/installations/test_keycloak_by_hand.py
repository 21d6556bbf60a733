"""Harbor with Keycloak, onboarding by hand: access through a group, a name picked once, Docker and Helm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.lab.installations import KEYCLOAK_BY_HAND, USERS_GROUP
from tests.lab.processes import wait_until
from tests.lab.said import without_reminder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.desk import Desk
    from tests.lab.helm import Helm
    from tests.lab.workplace import Workplace

MINUTES, HOURS, DAY = 5 * 60, 4 * 3600, 24 * 3600
PICKED = "alice.of.berlin"
NEW_SECRET = "Another-Secret-0123456789"


def opened_to_sign_in(shown: str, name: str) -> bool:
    """Whether the only line is that of a browser being opened for a sign-in."""
    shown = without_reminder(shown)
    line = f"docker-credential-harbor: opening a browser to sign in at {name}; only if none appears, open: http://"
    return shown.startswith(line) and shown.count("\n") == 1


class TestDocker:
    def test_from_the_first_pull_to_a_day_later(
        self, make_desk: Callable[..., Desk], chromium_person: ChromiumPerson
    ) -> None:
        desk = make_desk(**KEYCLOAK_BY_HAND.options(somebody=chromium_person))
        workplace, person, harbor = desk.workplace, desk.workplace.person, desk.workplace.harbor
        harbor.add_project("demo", group=USERS_GROUP)
        desk.publish()
        desk.set_up()

        # The first pull: sign-in and onboarding in one tab.
        person.onboard_as = PICKED
        assert opened_to_sign_in(desk.fresh_pull(), workplace.name)
        assert (person.windows, person.forms) == (1, 1)
        assert [user.username for user in harbor.users] == [PICKED]

        # Minutes later the access tokens have expired, the sessions live: one probe, by which Harbor refreshes.
        workplace.let_pass(MINUTES)
        workplace.asked()
        assert desk.fresh_pull() == ""
        assert harbor.refreshes == 1
        assert workplace.asked()[0] == "/service/token", "the probe, alone and first"

        # A new secret, made on Harbor's page at any time.
        harbor.set_secret(PICKED, NEW_SECRET)
        workplace.let_pass(MINUTES)
        assert desk.fresh_pull() == ""
        assert workplace.pair() == (PICKED, NEW_SECRET)
        assert person.windows == 1

        # The provider's session is over for Harbor and for us: one tab, one form, and the name is not asked again.
        person.onboard_as = "another.name"
        for later in (HOURS, DAY):
            person.reset()
            workplace.realm.end_sessions()
            workplace.let_pass(later)
            assert opened_to_sign_in(desk.fresh_pull(), workplace.name)
            assert (person.windows, person.forms) == (1, 1)
            workplace.let_pass(MINUTES)
            assert desk.fresh_pull() == ""
        assert [user.username for user in harbor.users] == [PICKED]
        assert json.loads(workplace.helper.run("list").stdout) == {f"https://{workplace.name}": PICKED}

    def test_who_is_not_in_the_group_is_refused_by_harbor_and_asked_for_nothing_more(
        self, make_desk: Callable[..., Desk]
    ) -> None:
        desk = make_desk(**KEYCLOAK_BY_HAND.options())
        workplace, person = desk.workplace, desk.workplace.person
        workplace.harbor.add_project("demo", group=USERS_GROUP)
        desk.publish()
        desk.set_up()
        person.username = person.onboard_as = "carol"
        for _ in range(2):
            done = desk.docker("pull", desk.image)
            assert done.returncode == 1
            assert "denied" in done.stderr
        assert (person.windows, person.forms) == (1, 1), "the pair works: no sign-in can change what Harbor allows"

        workplace.realm.join("carol", USERS_GROUP)
        workplace.let_pass(MINUTES)
        assert desk.fresh_pull() == "", "Harbor learns it when it refreshes"
        assert person.windows == 1


class TestHelm:
    @pytest.mark.parametrize("configuration", ["docker's", "helm's own"])
    def test_push_and_pull_of_a_chart_until_a_day_later(
        self,
        make_desk: Callable[..., Desk],
        make_helm: Callable[..., Helm],
        tmp_path: Path,
        configuration: str,
    ) -> None:
        workplace = make_desk(**KEYCLOAK_BY_HAND.options()).workplace
        person = workplace.person
        workplace.harbor.add_project("charts", group=USERS_GROUP)
        config = {"credHelpers": {workplace.name: "harbor"}}
        file = workplace.helper.home.docker_config / "config.json"
        if configuration == "helm's own":
            file = tmp_path / "registry.json"
        file.write_text(json.dumps(config))
        helm = make_helm(registry_config=file if configuration == "helm's own" else None)
        archive = helm.package(tmp_path)
        repository = f"oci://{workplace.name}/charts"
        pulled = tmp_path / "pulled"

        def pull() -> str:
            shown = helm.must("pull", f"{repository}/demo-chart", "--plain-http", "--destination", str(pulled))
            assert (pulled / archive.name).read_bytes() == archive.read_bytes()
            (pulled / archive.name).unlink()
            return shown

        pulled.mkdir()
        person.onboard_as = PICKED
        helm.must("push", str(archive), repository, "--plain-http")
        assert (person.windows, person.forms) == (1, 1)
        assert PICKED in workplace.harbor.users
        pull()
        workplace.let_pass(MINUTES)
        pull()
        workplace.harbor.set_secret(PICKED, NEW_SECRET)
        workplace.let_pass(MINUTES)
        pull()
        assert person.windows == 1
        workplace.realm.end_sessions()
        workplace.let_pass(DAY)
        pull()
        assert (person.windows, person.forms) == (2, 2)


class TestSessions:
    def test_the_providers_own_session_limit_ends_everything_and_one_form_begins_it_again(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        """Nothing is moved or ended by hand here: Keycloak lets the session run out."""
        seconds = 20
        workplace = make_workplace(**KEYCLOAK_BY_HAND.options(realm={"ssoSessionMaxLifespan": seconds}))
        person = workplace.person
        person.onboard_as = PICKED
        workplace.pair()
        person.reset()
        refresh_token = workplace.kept_tokens()["refresh_token"]
        wait_until(lambda: not workplace.is_live(refresh_token), "the session to run out", 3 * seconds, 1)
        # Where the machine was slow, Harbor's walk began a session of its own.
        wait_until(lambda: not workplace.harbors_token_is_live(PICKED), "Harbor's to run out, too", 3 * seconds, 1)
        pair = workplace.pair()
        assert pair == (PICKED, workplace.harbor.users[PICKED].secret)
        assert (person.windows, person.forms) == (1, 1)
        workplace.realm.update(ssoSessionMaxLifespan=36000)  # not before: it can bring an old session back to life
        workplace.let_pass(MINUTES)
        assert workplace.get(CI="1").stderr == ""

    def test_harbors_side_alone_is_over_and_renewed_without_a_click(
        self, make_workplace: Callable[..., Workplace]
    ) -> None:
        workplace = make_workplace(**KEYCLOAK_BY_HAND.options())
        person = workplace.person
        person.onboard_as = PICKED
        pair = workplace.pair()
        person.reset()
        workplace.harbor.kill_stored_token(PICKED)
        workplace.let_pass(MINUTES)
        answer = workplace.get()
        assert json.loads(answer.stdout)["Secret"] == pair[1]
        assert without_reminder(answer.stderr) == (
            f"docker-credential-harbor: opening a browser to renew the sign-in at {workplace.name}; "
            f"only if none appears, open: {workplace.harbor.url}/c/oidc/login\n"
        )
        assert (person.windows, person.forms) == (1, 0)

    def test_somebody_who_is_not_there_is_told_what_to_run(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(**KEYCLOAK_BY_HAND.options())
        workplace.person.onboard_as = PICKED
        workplace.pair()
        workplace.realm.end_sessions()
        workplace.let_pass(DAY)
        assert workplace.refused(CI="1") == (
            "docker-credential-harbor: [nobody-to-ask] "
            f"{workplace.name} needs a sign-in and nobody can be asked here (CI is set): "
            f"run: docker-credential-harbor login {workplace.name}"
        )
        assert workplace.person.windows == 1
