"""The installed helper against a provider that is not Keycloak: npm's oidc-provider, as it comes and as others are.

What differs: who may have Harbor's audience in the ID token, what gives a refresh token and how long it can be used,
whether one person has one `sub`, and what the discovery document has.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from docker_credential_harbor.remote import id_token
from tests.lab.oidc_provider import OidcProvider, harbor_client, helper_client
from tests.lab.pace import paced
from tests.lab.processes import wait_until
from tests.lab.realm import HARBOR_CLIENT, HARBOR_CLIENT_SECRET, HELPER_CLIENT
from tests.lab.said import failure_in
from tests.lab.workplace import WITH_OFFLINE, WITHOUT_OFFLINE, Workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.harbor import StandInHarbor
    from tests.lab.person import CookiePerson
    from tests.lab.realm import Realm
    from tests.lab.sealed_home import Helper

WITH_HARBORS_AUDIENCE = {"audiences": {HELPER_CLIENT: [HARBOR_CLIENT]}}
CONSENT = {"extra_redirect_parms": {"prompt": "consent"}}


@dataclass
class Place(Workplace):
    """A workplace with a provider of the other kind."""

    provider: OidcProvider

    def asked_for(self) -> dict[str, str]:
        """The parameters of the helper's last authorization request."""
        return self.person.authorization_requests()[-1]

    def login(self) -> str:
        """What `login` says on standard error; it must succeed."""
        answer = self.helper.run("login")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stderr

    def let_id_token_expire(self) -> None:
        """This provider's ID tokens have no `jti`: within the same second a refresh brings the very same one again."""
        issued_at = id_token.claims_of(self.kept_tokens()["id_token"], self.provider.issuer)["iat"]
        wait_until(lambda: time.time() >= issued_at + 1, "the next second")
        super().let_id_token_expire()

    def let_harbors_token_die(self) -> None:
        self.harbor.kill_stored_token("alice-h")


@pytest.fixture
def make_place(
    make_provider: Callable[..., OidcProvider],
    make_harbor: Callable[..., StandInHarbor],
    helper: Helper,
    person: CookiePerson,
) -> Callable[..., Place]:
    """As `make_workplace`: options of the provider and of Harbor, then keys of the registry's table."""

    def make(
        provider: dict[str, Any] | None = None,
        harbor: dict[str, Any] | None = None,
        *,
        onboarded: bool = True,
        **keys: object,
    ) -> Place:
        at = make_provider(**(provider or {}))
        behind = make_harbor(cast("Realm", at), **{"scopes": WITHOUT_OFFLINE, **(harbor or {})})
        at.set_harbor_redirect(behind.url)
        place = Place(cast("Realm", at), behind, person, helper, at)
        helper.home.environment["BROWSER"] = person.browser_command
        if onboarded:
            behind.onboard("alice-h", "alice@example.com", at.subject("alice"))
        place.configure(**{"top": "cache_ttl = 0", **keys})  # type: ignore[arg-type]
        return place

    return make


class TestFullMode:
    """Where the provider can give our client Harbor's audience."""

    def test_from_the_first_get_to_a_walk(self, make_place: Callable[..., Place]) -> None:
        place = make_place(WITH_HARBORS_AUDIENCE, {"scopes": WITH_OFFLINE, **CONSENT})
        pair = place.pair()
        assert pair == ("alice-h", place.harbor.users["alice-h"].secret)
        assert (place.person.windows, place.person.forms) == (1, 1)
        place.harbor.expire_stored_access_token("alice-h")
        assert place.get(CI="1").stderr == "", "Harbor refreshes what it stored"
        place.let_id_token_expire()
        place.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        before = place.kept_tokens()["refresh_token"]
        assert place.pair(CI="1") == ("alice-h", "Another-Secret-0123456789")
        assert place.kept_tokens()["refresh_token"] != before, "rotated, and the new one kept"
        place.let_harbors_token_die()
        assert place.pair()[0] == "alice-h"
        assert (place.person.windows, place.person.forms) == (2, 1), "the walk needs no form"
        assert place.own_token_is_live()

    def test_a_second_use_of_the_refresh_token_means_signing_in_anew(self, make_place: Callable[..., Place]) -> None:
        place = make_place(WITH_HARBORS_AUDIENCE, {"scopes": WITH_OFFLINE, **CONSENT})
        place.pair()
        stolen = place.kept_tokens()["refresh_token"]
        assert place.is_live(stolen)
        assert not place.is_live(stolen)
        place.let_id_token_expire()
        place.let_harbors_token_die()
        assert place.pair()[0] == "alice-h"
        assert (place.person.windows, place.person.forms) == (2, 1), "the provider's session lives"

    def test_consent_is_asked_for_where_harbor_asks_for_it(self, make_place: Callable[..., Place]) -> None:
        """Without it this provider ignores offline_access (OIDC Core 11): for Harbor, and so for us."""
        place = make_place(WITH_HARBORS_AUDIENCE, {"scopes": WITH_OFFLINE})
        told = place.login()
        assert "gave no refresh token: after 5 min a new sign-in may be due" in told
        assert "prompt" not in place.asked_for()
        assert place.harbor.users["alice-h"].stored_token.refresh_token is None  # type: ignore[union-attr]

    def test_without_a_refresh_token_the_next_sign_in_is_one_window(self, make_place: Callable[..., Place]) -> None:
        place = make_place({**WITH_HARBORS_AUDIENCE, "refreshTokens": "never"})
        place.pair()
        assert place.kept_tokens()["refresh_token"] is None
        place.let_id_token_expire()
        assert place.get(CI="1").stderr == "", "while the pair works nothing is due"
        place.let_harbors_token_die()
        assert place.pair()[0] == "alice-h"
        assert (place.person.windows, place.person.forms) == (2, 1)

    def test_a_refresh_without_an_id_token_is_a_sign_in_when_one_is_needed(
        self, make_place: Callable[..., Place]
    ) -> None:
        place = make_place({**WITH_HARBORS_AUDIENCE, "refreshTokens": "always", "refreshedIdToken": False})
        place.pair()
        place.let_id_token_expire()
        place.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert place.pair() == ("alice-h", "Another-Secret-0123456789")
        assert (place.person.windows, place.person.forms) == (2, 1)

    def test_what_harbor_adds_to_its_request_is_added_to_ours(self, make_place: Callable[..., Place]) -> None:
        """As Harbor does for Google by itself; of `prompt` nothing that would ask the person twice."""
        extra = {"access_type": "offline", "prompt": "consent select_account", "domain_hint": "example.com"}
        place = make_place(WITH_HARBORS_AUDIENCE, {"extra_redirect_parms": {**extra, "prompt": "consent"}})
        place.pair()
        asked = place.asked_for()
        assert (asked["access_type"], asked["domain_hint"], asked["prompt"]) == ("offline", "example.com", "consent")
        assert asked["client_id"] == HELPER_CLIENT

    @pytest.mark.parametrize("alg", ["ES256", "PS256"])
    def test_other_signatures(self, make_place: Callable[..., Place], alg: str) -> None:
        place = make_place({**WITH_HARBORS_AUDIENCE, "alg": alg})
        assert place.pair()[0] == "alice-h"

    def test_claims_at_the_userinfo_endpoint_alone(self, make_place: Callable[..., Place]) -> None:
        """The ID token has no name then: nobody is asked to type a `sub`."""
        place = make_place(
            {**WITH_HARBORS_AUDIENCE, "claimsInIdToken": False, "refreshTokens": "never"},
            {"auto_onboard": True},
            onboarded=False,
        )
        assert place.pair()[0] == "alice"
        place.let_id_token_expire()
        place.harbor.kill_stored_token("alice")
        assert place.pair()[0] == "alice"
        assert "login_hint" not in place.asked_for()

    def test_a_client_with_a_secret_and_one_exact_port(self, make_place: Callable[..., Place], free_port: int) -> None:
        """As at Okta (exact ports) and Google (a secret for installed applications)."""
        redirect_uri = f"http://127.0.0.1:{free_port}/callback"
        confidential = helper_client(
            application_type="web",
            token_endpoint_auth_method="client_secret_post",
            client_secret="not/so secret:at all",
            redirect_uris=[redirect_uri],
        )
        place = make_place(
            {**WITH_HARBORS_AUDIENCE, "refreshTokens": "always", "clients": [confidential, harbor_client()]},
            client_secret="not/so secret:at all",
            redirect_uri=redirect_uri,
        )
        assert place.pair()[0] == "alice-h"
        place.let_id_token_expire()
        place.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert place.pair(CI="1") == ("alice-h", "Another-Secret-0123456789")

    def test_as_a_second_redirect_uri_of_harbors_own_client(
        self, make_place: Callable[..., Place], free_port: int
    ) -> None:
        """Where audience and `sub` differ per client (Entra ID), one registration for both has neither difference."""
        redirect_uri = f"http://127.0.0.1:{free_port}/callback"
        place = make_place(
            {"refreshTokens": "always"},
            client_id=HARBOR_CLIENT,
            client_secret=HARBOR_CLIENT_SECRET,
            redirect_uri=redirect_uri,
        )
        client = harbor_client(place.harbor.url)
        place.provider.register({**client, "redirect_uris": [*client["redirect_uris"], redirect_uri]})
        assert place.pair()[0] == "alice-h"
        assert place.person.forms == 1


class TestLikeDex:
    """Audience by a scope, no iss parameter, no revocation, a refresh token that is rotated with a grace period."""

    LIKE_DEX = {  # noqa: RUF012
        "path": "/dex",
        "audienceScope": True,
        "iss": False,
        "revocation": False,
        "graceSeconds": 3,
        "refreshTokens": "always",
    }

    def test_by_scopes_in_the_configuration(self, make_place: Callable[..., Place]) -> None:
        scopes = ["openid", "profile", "email", "offline_access", f"audience:server:client_id:{HARBOR_CLIENT}"]
        place = make_place(self.LIKE_DEX, {"scopes": WITH_OFFLINE}, scopes=scopes)
        assert f"{place.provider.issuer} cannot vouch for {place.name} (it sends no iss)" in place.refused()
        place.configure(top="cache_ttl = 0", scopes=scopes, issuer=place.provider.issuer)
        assert place.pair()[0] == "alice-h"
        place.let_id_token_expire()
        place.harbor.set_secret("alice-h", "Another-Secret-0123456789")
        assert place.pair(CI="1") == ("alice-h", "Another-Secret-0123456789")
        place.let_harbors_token_die()
        assert place.pair()[0] == "alice-h"
        assert place.person.forms == 1
        answer = place.helper.run("erase", place.name)
        assert (answer.returncode, answer.stdout) == (0, "")
        assert failure_in(answer.stderr).endswith("did not revoke the sign-in: it ends by itself")


class TestWhereTheFullModeCannotWork:
    def test_no_audience_is_one_line_and_doctor_names_the_other_way(self, make_place: Callable[..., Place]) -> None:
        place = make_place()
        line = place.refused()
        assert f"its aud lacks '{HARBOR_CLIENT}'" in line
        assert "have the provider's administrator add it there" in line
        assert place.refused() == line
        assert place.person.windows == 1, "once is enough to know"
        examined = json.loads(place.helper.run(["doctor", "--json"]).stdout)
        fixes = [check["fix"] for check in examined["checks"] if not check["ok"]]
        assert any("set client_id = '' and run: docker-credential-harbor login" in fix for fix in fixes), fixes

    def test_a_sub_that_differs_per_client(self, make_place: Callable[..., Place]) -> None:
        provider = {**WITH_HARBORS_AUDIENCE, "pairwise": True, "refreshTokens": "always"}
        place = make_place(provider, top=f"login_timeout = {paced(10)}")
        line = place.refused()
        assert "does not know alice yet" in line
        assert "client_id" not in line, "that is one cause of several, and told where it is known"
        examined = json.loads(place.helper.run(["doctor", "--json"]).stdout)
        checks = {check["name"]: check for check in examined["checks"]}
        assert "(pairwise)" in checks["subject"]["message"]
        assert "set client_id = ''" in checks["subject"]["fix"]
        assert "session" not in checks, "which would only follow from it"

    def test_without_a_client_a_stored_secret_is_probed_and_walked(self, make_place: Callable[..., Place]) -> None:
        place = make_place({"pairwise": True}, {"scopes": WITH_OFFLINE, **CONSENT}, client_id="")
        place.person.open(f"{place.harbor.url}/c/oidc/login")
        secret = place.harbor.users["alice-h"].secret
        place.store("alice-h", secret)
        place.person.reset()
        assert place.pair() == ("alice-h", secret)
        place.harbor.expire_stored_access_token("alice-h")
        assert place.get(CI="1").stderr == "", "the probe made Harbor refresh"
        place.let_harbors_token_die()
        assert place.pair() == ("alice-h", secret)
        assert (place.person.windows, place.person.forms) == (1, 0), "the provider's session lives"

    @pytest.mark.parametrize("missing", ["client", "redirect-uri"])
    def test_an_unknown_client_opens_no_window(self, make_place: Callable[..., Place], missing: str) -> None:
        place = make_place()
        if missing == "client":
            place.provider.remove_client(HELPER_CLIENT)
        else:
            place.provider.register(helper_client(redirect_uris=["http://127.0.0.1/elsewhere"]))
        line = place.refused()
        assert f"does not take the client '{HELPER_CLIENT}'" in line
        assert place.person.windows == 0
