"""The steps one after the other until there is an answer: the stand-in Harbor, and faults that nobody foresaw."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import (
    BrokeOff,
    ClientUnknown,
    FoundOut,
    HarborCannotReachProvider,
    NobodyToAsk,
    SignInDeclined,
    StillRefused,
    Unreachable,
)
from docker_credential_harbor.inquiry import run
from docker_credential_harbor.inquiry.run import Ended
from docker_credential_harbor.model import Credentials, PairKind, Registry
from docker_credential_harbor.policy.known import Asked as Ending
from docker_credential_harbor.policy.known import HandOut, Known, NotFound, Step
from docker_credential_harbor.remote import harbor
from docker_credential_harbor.system import gssapi
from tests.unit.harbor_place import ROBOT, USERNAME
from tests.unit.loopback import answers_server

if TYPE_CHECKING:
    from tests.unit.harbor_place import HarborPlace
    from tests.unit.inquiry.conftest import Look
    from tests.unit.loopback import Asked, Reply

PROBE, CURRENT_USER, LOGIN = "/service/token", "/api/v2.0/users/current", "/c/oidc/login"
SOMEBODY = 'login = "browser"'


def breaks(*_: object, **__: object) -> None:
    raise RuntimeError("the vault is on fire: TheSecret1")


class TestUntilAnswered:
    def test_a_pair_that_works(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_sign_in(harbor_place.onboard())
        assert run.until_answered(look()) == HandOut()
        assert harbor_place.asked() == [PROBE]

    def test_a_robots_without_a_request(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_stored(ROBOT)
        assert run.until_answered(look()) == HandOut()
        assert harbor_place.asked() == []

    def test_a_pair_of_nobody_knows_whom(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.keep_stored(harbor_place.onboard())
        made = look()
        assert run.until_answered(made) == HandOut()
        assert made.known.pair_kind is PairKind.PERSON
        assert harbor_place.asked() == [PROBE, CURRENT_USER]

    def test_another_secret_with_an_id_token_that_is_over(self, harbor_place: HarborPlace, look: Look) -> None:
        """The longest way that takes no person."""
        harbor_place.keep_sign_in(harbor_place.onboard(), id_token_expires_at=1.0)
        harbor_place.harbor.set_secret(USERNAME, "AnotherSecret1")
        made = look()
        assert run.until_answered(made) == HandOut()
        assert made.known.pair == Credentials(USERNAME, "AnotherSecret1")
        assert harbor_place.asked() == [PROBE, LOGIN, CURRENT_USER, PROBE]
        assert harbor_place.refreshes() == 1

    def test_as_far_as_a_person_is_needed(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.configure(SOMEBODY)
        assert run.until_answered(look()) is Step.SIGN_IN
        harbor_place.keep_sign_in(harbor_place.onboard())
        harbor_place.harbor.kill_stored_token(USERNAME)
        assert run.until_answered(look()) is Step.RENEW_HARBOR_SIDE

    def test_or_where_there_is_nobody(self, harbor_place: HarborPlace, look: Look) -> None:  # noqa: ARG002
        end = run.until_answered(look())
        assert isinstance(end, NotFound)
        assert isinstance(end.reason, NobodyToAsk)

    def test_the_trace_tells_every_step(
        self,
        harbor_place: HarborPlace,
        look: Look,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        pair = harbor_place.onboard()
        harbor_place.keep_stored(pair)
        monkeypatch.setenv("DOCKER_CREDENTIAL_HARBOR_TRACE", "1")
        run.until_answered(look())
        told = capsys.readouterr().err
        for step in ("probe", "read pair kind", "hand out"):
            assert f"trace: {harbor_place.name}: {step}\n" in told
        assert pair.secret not in told


class TestFaults:
    def test_harbor_is_away(self, harbor_place: HarborPlace, look: Look) -> None:
        """The known pair goes out, and nobody is asked for another one."""
        harbor_place.configure(SOMEBODY)
        harbor_place.harbor.down()
        end = run.until_answered(look())
        assert isinstance(end, NotFound)
        assert type(end.reason) is Unreachable
        harbor_place.keep_sign_in(Credentials("alice-h", "CliSecret1"))
        end = run.until_answered(look())
        assert isinstance(end, HandOut)
        assert type(end.unverified) is Unreachable

    def test_a_refusal_stops_it(self, harbor_place: HarborPlace, look: Look) -> None:
        harbor_place.configure(SOMEBODY)
        harbor_place.harbor.auth_mode = "db_auth"
        end = run.until_answered(look())
        assert isinstance(end, NotFound)
        assert end.reason.code == "not-oidc-mode"

    def test_of_what_nobody_foresaw_nothing_is_concluded(
        self, harbor_place: HarborPlace, look: Look, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harbor_place.configure(SOMEBODY)
        harbor_place.keep_sign_in(harbor_place.onboard())
        monkeypatch.setattr(harbor, "probe", breaks)
        end = run.until_answered(look())
        assert isinstance(end, HandOut)
        assert isinstance(end.unverified, BrokeOff)
        assert "TheSecret1" not in str(end.unverified)

    def test_what_breaks_at_a_ticket_leaves_the_person(
        self, harbor_place: HarborPlace, look: Look, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        harbor_place.configure(f'{SOMEBODY}\nnegotiate = "auto"')
        monkeypatch.setattr(gssapi, "ticket", breaks)
        made = look()
        assert run.until_answered(made) is Step.SIGN_IN
        assert (made.known.has_ticket, made.known.unreachable, made.known.stopped) == (False, None, None)

    def test_a_harbor_that_is_silent_and_yet_there(self, harbor_place: HarborPlace, look: Look) -> None:
        """It waits for its provider without a limit of time."""
        over = threading.Event()

        def silent(_: Asked) -> Reply:
            over.wait(60)
            return (503, {}, "")

        with answers_server() as server:
            server.replies["/api/v2.0/systeminfo"] = (200, {}, {"auth_mode": "oidc_auth"})
            server.replies[PROBE] = silent
            harbor_place.configure("timeout = 2", url=server.url)
            harbor_place.keep_stored(Credentials("alice-h", "CliSecret1"), PairKind.PERSON)
            end = run.until_answered(look(asked=True))
            over.set()
        assert isinstance(end, HandOut)
        assert isinstance(end.unverified, HarborCannotReachProvider)


class TestWithPerson:
    """How asking the person ended, as one finding."""

    known = Known(Registry("h", "https://h"))

    @pytest.mark.parametrize("asked", list(Ending))
    def test_what_came_of_it(self, asked: Ending) -> None:
        signed_in = run.with_person(self.known, Ended(Step.SIGN_IN, asked, None))
        assert signed_in == self.known._replace(sign_in=asked)
        walked = run.with_person(self.known, Ended(Step.RENEW_HARBOR_SIDE, asked, None))
        assert walked == self.known._replace(walk=asked)

    @pytest.mark.parametrize("step", [Step.SIGN_IN, Step.RENEW_HARBOR_SIDE])
    @pytest.mark.parametrize(
        ("failure", "field"),
        [
            (Unreachable(host="h", reason="refused"), "unreachable"),
            (FoundOut(Unreachable.code, "h cannot be reached"), "unreachable"),
            (SignInDeclined(registry="h", reason="access_denied"), "stopped"),
            (FoundOut(StillRefused.code, "h still refuses it"), "stopped"),
            (ClientUnknown(issuer="i", client_id="c", registry="h", url="u", redirect_uri="r"), "stopped"),
        ],
    )
    def test_or_why_nothing_did(self, step: Step, failure: Exception, field: str) -> None:
        known = run.with_person(self.known, Ended(step, None, failure))  # type: ignore[arg-type]
        assert known == self.known._replace(**{field: failure})  # type: ignore[arg-type]
