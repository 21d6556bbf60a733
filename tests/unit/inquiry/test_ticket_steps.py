"""The steps by a Kerberos ticket: real tickets, at a provider that takes them for whoever has one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import run_wsgi_app

from docker_credential_harbor.errors import AnotherIssuer, AnotherName, Unreachable
from docker_credential_harbor.inquiry import harbor_steps, ticket_steps
from docker_credential_harbor.model import Credentials, PairKind, Pin
from docker_credential_harbor.policy.known import Probe, Refresh
from tests.lab.provider_endpoints import PATHS, SESSION_COOKIE
from tests.lab.realm import HARBOR_CLIENT, HELPER_CLIENT
from tests.unit.harbor_place import USERNAME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from docker_credential_harbor.inquiry.state import Inquiry
    from tests.lab.kerberos import Kdc
    from tests.unit.harbor_place import HarborPlace
    from tests.unit.inquiry.conftest import Look

TICKETS = 'negotiate = "auto"'


class TakesTickets:
    """Before the provider's sign-in page: whoever comes with a token is ``whose``, without a form (RFC 4559)."""

    def __init__(self, place: HarborPlace) -> None:
        self.whose = "alice"
        self.is_broken = False
        self.served = place.realm.served
        self.behind = self.served.app.wsgi_app
        self.served.app.wsgi_app = self  # type: ignore[method-assign,assignment]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATHS["authorization_endpoint"]:
            if self.is_broken:
                start("503 Service Unavailable", [])
                return [b""]
            if environ.get("HTTP_AUTHORIZATION", "").startswith("Negotiate "):
                session = self.served.records.begin_session(self.served.records.people[self.whose])
                environ["HTTP_COOKIE"] = f"{SESSION_COOKIE}={session.name}"
            elif run_wsgi_app(self.behind, dict(environ))[1].startswith("200"):  # the form
                start("401 Unauthorized", [("WWW-Authenticate", "Negotiate")])
                return [b""]
        return self.behind(environ, start)


@pytest.fixture
def place(harbor_place: HarborPlace, tickets: Kdc) -> HarborPlace:
    """alice is onboarded, and has a ticket."""
    harbor_place.configure(TICKETS)
    harbor_place.onboard()
    tickets.sign_in("alice")
    return harbor_place


@pytest.fixture
def provider(place: HarborPlace) -> TakesTickets:
    return TakesTickets(place)


def before(look: Look) -> Inquiry:
    """As the policy has it: where Harbor's login leads is known by then."""
    made = look()
    harbor_steps.read_login_redirect(made)
    return made


def codes(place: HarborPlace, client_id: str) -> int:
    return place.realm.token_requests(client_id, "CODE_TO_TOKEN")


class TestLookForTicket:
    def test_there_is_one_and_nobody_is_asked(self, place: HarborPlace, look: Look) -> None:
        made = look()
        ticket_steps.look_for_ticket(made)
        assert made.known.has_ticket is True
        assert place.asked() == []

    def test_there_is_none(self, place: HarborPlace, look: Look, tickets: Kdc) -> None:  # noqa: ARG002
        tickets.sign_out()
        made = look()
        ticket_steps.look_for_ticket(made)
        assert made.known.has_ticket is False

    @pytest.mark.parametrize(("username", "counts"), [("Alice", True), ("alice-h", False)])
    def test_for_a_stored_pair_it_must_bear_its_name(
        self, place: HarborPlace, look: Look, username: str, counts: bool
    ) -> None:
        place.keep_stored(Credentials(username, "CliSecret1"), PairKind.PERSON)
        made = look()
        ticket_steps.look_for_ticket(made)
        assert made.known.has_ticket is counts


@pytest.mark.usefixtures("provider")
class TestSignIn:
    def test_a_first_one_is_kept_at_once(self, place: HarborPlace, look: Look) -> None:
        made = before(look)
        ticket_steps.sign_in(made)
        known = made.known
        assert (known.ticket_sign_in, known.signed_in, known.person) == (True, True, "alice")
        assert (known.refresh, known.id_token_expired, known.audience_has_harbor) == (Refresh.FRESH, False, True)
        kept = place.kept_sign_in()
        assert kept == made.account.sign_in
        assert kept
        assert (kept.tokens.person, kept.pair) == ("alice", None)

    def test_of_the_person_who_is_known_the_pair_stays(self, place: HarborPlace, look: Look) -> None:
        kept = place.keep_sign_in(place.pair, refresh_token="dead", id_token_expires_at=1.0)
        made = before(look)
        ticket_steps.sign_in(made)
        fresh = place.kept_sign_in()
        assert fresh
        assert fresh.pair == kept.pair
        assert fresh.tokens.id_token_expires_at > time.time()

    def test_of_somebody_else_it_is_ended_and_nothing_changes(
        self, place: HarborPlace, look: Look, provider: TakesTickets
    ) -> None:
        kept = place.keep_sign_in(place.pair)
        provider.whose = "bob"
        made = before(look)
        ticket_steps.sign_in(made)
        assert (made.known.ticket_sign_in, made.known.has_ticket, made.known.person) == (False, False, "alice")
        assert place.kept_sign_in() == made.account.sign_in == kept
        assert place.realm.token_requests(HELPER_CLIENT, "REVOKE_GRANT") == 1

    def test_a_ticket_that_is_gone_by_now(self, place: HarborPlace, look: Look, tickets: Kdc) -> None:
        tickets.sign_out()
        made = before(look)
        ticket_steps.sign_in(made)
        assert (made.known.ticket_sign_in, made.known.has_ticket, made.known.signed_in) == (False, False, False)
        assert place.kept_sign_in() is None

    def test_a_registry_that_is_held_to_another_provider_gets_none(self, place: HarborPlace, look: Look) -> None:
        place.note(pin=Pin("https://sso.example.com", HARBOR_CLIENT, ""))
        made = before(look)
        with pytest.raises(AnotherIssuer):
            ticket_steps.sign_in(made)
        assert (made.known.ticket_sign_in, place.kept_sign_in()) == (None, None)

    def test_a_provider_that_is_away_is_no_refusal(
        self, place: HarborPlace, look: Look, provider: TakesTickets
    ) -> None:
        place.configure(TICKETS, issuer=place.realm.issuer)
        provider.is_broken = True
        made = before(look)
        with pytest.raises(Unreachable):
            ticket_steps.sign_in(made)
        assert made.known.ticket_sign_in is None

    def test_anew_it_may_be_of_anybody_and_a_pair_stays_with_its_person(
        self, place: HarborPlace, look: Look, provider: TakesTickets
    ) -> None:
        """As `login` has it."""
        place.keep_sign_in(place.pair)
        provider.whose = "bob"
        made = look()
        made.start_anew()
        harbor_steps.read_login_redirect(made)
        ticket_steps.sign_in(made)
        kept = place.kept_sign_in()
        assert kept
        assert (kept.tokens.person, kept.pair) == ("bob", None)


def test_a_provider_that_takes_no_tickets_shows_its_page(place: HarborPlace, look: Look) -> None:
    made = before(look)
    ticket_steps.sign_in(made)
    assert (made.known.ticket_sign_in, made.known.has_ticket) == (False, False)
    assert place.kept_sign_in() is None


@pytest.mark.usefixtures("provider")
class TestRenewHarborSide:
    def test_for_a_stored_pair_harbors_login_alone(self, place: HarborPlace, look: Look) -> None:
        place.keep_stored(place.pair, PairKind.PERSON)
        place.harbor.kill_stored_token(USERNAME)
        made, began_at = before(look), time.time()
        harbor_steps.probe(made)
        ticket_steps.renew_harbor_side(made)
        assert (made.known.ticket_walk, made.known.probe, made.known.user) == (True, None, None)
        assert made.walk_began_at is not None
        assert made.walk_began_at >= began_at
        assert codes(place, HELPER_CLIENT) == 0
        harbor_steps.probe(made)
        assert made.known.probe is Probe.ACCEPTED

    def test_beside_a_sign_in_another_one_shows_whose_ticket_it_is(self, place: HarborPlace, look: Look) -> None:
        place.keep_sign_in(place.pair)
        walks = codes(place, HARBOR_CLIENT)
        made = before(look)
        ticket_steps.renew_harbor_side(made)
        assert (made.known.ticket_sign_in, made.known.ticket_walk) == (True, True)
        assert codes(place, HARBOR_CLIENT) == walks + 1

    def test_somebody_elses_never_comes_to_harbor(self, place: HarborPlace, look: Look, provider: TakesTickets) -> None:
        place.keep_sign_in(place.pair)
        walks = codes(place, HARBOR_CLIENT)
        provider.whose = "bob"
        made = before(look)
        ticket_steps.renew_harbor_side(made)
        assert (made.known.ticket_sign_in, made.known.ticket_walk, made.known.has_ticket) == (False, None, False)
        assert codes(place, HARBOR_CLIENT) == walks

    def test_where_harbor_wants_to_ask_something_it_has_not_come_to_its_end(
        self, place: HarborPlace, look: Look
    ) -> None:
        place.keep_stored(place.pair, PairKind.PERSON)
        place.harbor.users.remove(USERNAME)
        made = before(look)
        ticket_steps.renew_harbor_side(made)
        assert (made.known.ticket_walk, made.walk_began_at) == (False, None)

    def test_where_harbors_login_leads_to_another_provider_nobody_walks_it(
        self, place: HarborPlace, look: Look
    ) -> None:
        place.keep_stored(place.pair, PairKind.PERSON)
        place.note(pin=Pin("https://sso.example.com", HARBOR_CLIENT, ""))
        made = before(look)
        with pytest.raises(AnotherIssuer):
            ticket_steps.renew_harbor_side(made)
        assert made.known.ticket_walk is None

    @pytest.mark.parametrize("somebody", [True, False])
    def test_why_our_own_sign_in_is_not_to_be_had_is_told_where_a_person_goes_on(
        self, place: HarborPlace, look: Look, capsys: pytest.CaptureFixture[str], somebody: bool
    ) -> None:
        """Where nobody does it is what is told in the end, once."""
        place.configure(f'{TICKETS}\nlogin = "browser"' if somebody else TICKETS)
        place.keep_sign_in(place.pair)
        place.harbor.external_url = "https://another.example.com"
        made = before(look)
        ticket_steps.renew_harbor_side(made)
        assert (made.known.has_ticket, made.known.ticket_walk) == (False, False)
        assert isinstance(made.known.ticket_refused, AnotherName)
        assert ("not renewed by the Kerberos ticket: " in capsys.readouterr().err) is somebody
