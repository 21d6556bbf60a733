"""OVHcloud's Managed Private Registry: offline_access, onboarding by Harbor itself, groups, a private authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.certificates import Authority
from tests.lab.installations import ADMIN_GROUP, OVHCLOUD
from tests.lab.processes import wait_until
from tests.lab.said import without_reminder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.chromium_person import ChromiumPerson
    from tests.lab.desk import Desk
    from tests.lab.faults import FaultProxy
    from tests.lab.keycloak import Keycloak
    from tests.lab.person import CookiePerson
    from tests.lab.workplace import Workplace

HOUR, DAY, WEEK = 3600, 24 * 3600, 7 * 24 * 3600


def end_browsers_session(workplace: Workplace) -> None:
    """By Keycloak's own clock; what is left is Harbor's offline token and ours."""
    workplace.realm.update(ssoSessionMaxLifespan=1)
    user = workplace.person.username
    wait_until(lambda: all(session["offline"] for session in workplace.realm.sessions(user)), "the session to run out")
    assert len(workplace.realm.sessions(user)) == 1, "one offline session, of two clients"


class TestDocker:
    def test_from_the_first_pull_to_weeks_later_in_one_window(
        self, make_desk: Callable[..., Desk], chromium_person: ChromiumPerson
    ) -> None:
        desk = make_desk(**OVHCLOUD.options(somebody=chromium_person))
        workplace, person, harbor = desk.workplace, desk.workplace.person, desk.workplace.harbor
        harbor.add_project("demo", group=ADMIN_GROUP)
        person.username = "bob"  # an administrator, by the groups claim
        desk.publish()
        desk.set_up()
        shown = without_reminder(desk.fresh_pull())
        assert shown.count("opening a browser to sign in at") == shown.count("\n") == 1
        assert (person.windows, person.forms) == (1, 1)
        assert harbor.users["bob"].is_admin

        end_browsers_session(workplace)
        for later in (HOUR, DAY, WEEK):
            workplace.let_pass(later)
            assert desk.fresh_pull() == ""
        assert harbor.refreshes == 3, "once each, by the probe"
        assert person.windows == 1


class TestOnboarding:
    @pytest.mark.parametrize(("user_claim", "username"), [("preferred_username", "alice"), ("", "Alice_A")])
    def test_harbors_name_is_handed_out_with_a_user_claim_and_without(
        self, make_workplace: Callable[..., Workplace], user_claim: str, username: str
    ) -> None:
        """Without one Harbor takes the full name, and an underscore for each space."""
        workplace = make_workplace(**OVHCLOUD.options(harbor={"user_claim": user_claim}))
        assert workplace.pair() == (username, workplace.harbor.users[username].secret)
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    def test_somebody_else_of_the_same_full_name(self, make_workplace: Callable[..., Workplace]) -> None:
        options = OVHCLOUD.options(harbor={"user_claim": ""}, top="login_timeout = 10")
        workplace = make_workplace(**options)
        workplace.harbor.onboard("Alice_A", "alice.adams@example.com", "another-sub")
        assert workplace.refused() == (
            "docker-credential-harbor: [not-onboarded] "
            f"Harbor at {workplace.name} does not know alice yet: finish the sign-in at "
            f"{workplace.harbor.url}, unless that shows an error (409); doctor says more"
        )
        assert workplace.person.pages[0].status == 409


class TestDaysLater:
    @pytest.mark.parametrize("rotation", [False, True], ids=["reusable", "rotation"])
    def test_offline_tokens_need_no_window(self, make_workplace: Callable[..., Workplace], rotation: bool) -> None:
        workplace = make_workplace(**OVHCLOUD.options(realm={"revoke_refresh_token": rotation}))
        pair = workplace.pair()
        end_browsers_session(workplace)
        tokens = {workplace.kept_tokens()["refresh_token"]}
        for later in (HOUR, DAY, WEEK):
            workplace.let_pass(later)
            assert (workplace.pair(CI="1"), workplace.get().stderr) == (pair, "")
            workplace.harbor.set_secret("alice", f"Secret-of-another-day-{later}")  # so that our own token is needed
            workplace.let_pass(HOUR)
            pair = workplace.pair(CI="1")
            assert pair[1] == f"Secret-of-another-day-{later}"
            tokens.add(workplace.kept_tokens()["refresh_token"])
        assert workplace.harbor.refreshes == 6
        assert len(tokens) == 4, "each answer's own refresh token is kept"
        assert workplace.own_token_is_live()
        assert workplace.person.windows == 1

    def test_an_offline_session_that_was_ended_takes_one_form(self, make_workplace: Callable[..., Workplace]) -> None:
        workplace = make_workplace(**OVHCLOUD.options())
        pair = workplace.pair()
        workplace.realm.end_sessions()
        workplace.let_pass(WEEK)
        workplace.person.reset()
        assert workplace.pair() == pair
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)
        workplace.let_pass(DAY)
        assert workplace.get(CI="1").stderr == ""


class TestPrivateAuthority:
    """Harbor's and the provider's certificates are of authorities that the machine does not know."""

    @pytest.fixture
    def behind(
        self,
        make_workplace: Callable[..., Workplace],
        make_proxy: Callable[..., FaultProxy],
        keycloak: Keycloak,
        person: CookiePerson,
        tmp_path: Path,
    ) -> Callable[..., Workplace]:
        """Makes a workplace behind two authorities; `trusts` are those in the `ca_file` of the configuration."""
        harbors, providers = Authority(tmp_path, "Harbor Authority"), Authority(tmp_path, "Provider Authority")
        bundles = {"harbor": [harbors], "provider": [providers], "both": [harbors, providers]}

        def make(trusts: str | None, verify_cert: bool = True) -> Workplace:
            everybody = bundle(tmp_path / "both.pem", bundles["both"])
            person.trust(everybody)
            keys: dict[str, Any] = {"top": "timeout = 20"}
            if trusts:
                keys["ca_file"] = str(bundle(tmp_path / "trusted.pem", bundles[trusts]))
            verify = str(providers.ca_file) if verify_cert else False
            through = make_proxy(keycloak.url, tls=providers.server())
            harbor = {"tls": harbors.server(), "verify": verify}
            return make_workplace(**OVHCLOUD.options(harbor=harbor, through=through, **keys))

        return make

    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
    @pytest.mark.parametrize("verify_cert", [True, False], ids=["verifyCert", "no-verifyCert"])
    def test_ca_file_is_all_it_needs(self, behind: Callable[..., Workplace], verify_cert: bool) -> None:
        workplace = behind("both", verify_cert)
        assert workplace.harbor.url.startswith("https://")
        assert workplace.realm.issuer.startswith("https://")
        assert workplace.realm.issuer.endswith(f"/realms/{workplace.realm.name}")
        assert workplace.pair() == ("alice", workplace.harbor.users["alice"].secret)
        assert workplace.kept_tokens()["issuer"] == workplace.realm.issuer
        workplace.let_pass(DAY)
        workplace.harbor.set_secret("alice", "Another-Secret-0123456789")
        assert workplace.pair(CI="1") == ("alice", "Another-Secret-0123456789")
        assert (workplace.person.windows, workplace.person.forms) == (1, 1)

    @pytest.mark.parametrize("trusts", [None, "harbor", "provider"])
    def test_without_it_one_line_says_whose_certificate_and_what_to_do(
        self, behind: Callable[..., Workplace], trusts: str | None
    ) -> None:
        workplace = behind(trusts)
        host = workplace.realm.url.removeprefix("https://") if trusts == "harbor" else workplace.name
        for _ in range(2):
            assert workplace.refused() == (
                "docker-credential-harbor: [tls-failed] "
                f"the TLS certificate of {host} is not trusted (unknown authority): "
                "name its authority's file: docker-credential-harbor setup --ca-file FILE REGISTRY; doctor says more"
            )
        assert workplace.person.windows == 0


def bundle(path: Path, authorities: list[Authority]) -> Path:
    """One file with the certificates of all of them."""
    path.write_bytes(b"".join(authority.ca_file.read_bytes() for authority in authorities))
    return path
