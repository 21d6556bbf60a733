"""Where a Kerberos token goes, and what stops the walk: real tickets, servers that misbehave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import ServerFault
from docker_credential_harbor.model import LoginRedirect, Registry
from docker_credential_harbor.remote import negotiate
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.system import gssapi
from tests.unit.loopback import Answers, Asked, Reply, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.kerberos import Kdc

AUTH = "/realms/r/protocol/openid-connect/auth"
NEGOTIATE: Reply = (401, {"WWW-Authenticate": "Negotiate"}, "")


@pytest.fixture
def ticket(kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    kdc.add_person("kate")
    kdc.sign_in("kate")
    for name, value in kdc.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def harbor() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


@pytest.fixture
def provider() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


@pytest.fixture
def foreign() -> Iterator[Answers]:
    with answers_server() as answers:
        answers.url = answers.url.replace("127.0.0.1", "localhost")  # a service that the KDC knows as well
        yield answers


def tokens_in(answers: Answers) -> list[str]:
    return [asked.headers["authorization"] for asked in answers.asked if "authorization" in asked.headers]


def walk(harbor: Answers, provider: Answers) -> None:
    to_provider = {"Location": f"{provider.url}{AUTH}?x=1", "Set-Cookie": "sid=s; Path=/; HttpOnly"}
    harbor.replies["/c/oidc/login"] = (302, to_provider, "")
    registry = Registry("harbor.example.com", harbor.url)
    negotiate.walk_harbors_login(Transport(10), registry, LoginRedirect(provider.url + AUTH, "harbor", ("openid",)))


def takes_a_token(then: Reply) -> object:
    def reply(asked: Asked) -> Reply:
        return then if asked.headers.get("authorization", "").startswith("Negotiate ") else NEGOTIATE

    return reply


@pytest.mark.usefixtures("ticket")
class TestWalk:
    def test_one_token_for_the_provider_and_harbors_cookie_for_harbor(self, harbor: Answers, provider: Answers) -> None:
        back = f"{harbor.url}/c/oidc/callback?code=c&state=s"
        provider.replies[AUTH] = takes_a_token((302, {"Location": back}, ""))  # type: ignore[assignment]
        harbor.replies["/c/oidc/callback"] = (302, {"Location": "/"}, "")
        walk(harbor, provider)
        assert len(tokens_in(provider)) == 1
        assert tokens_in(harbor) == []
        assert harbor.asked[-1].headers["cookie"] == "sid=s"
        assert all("cookie" not in asked.headers for asked in provider.asked)

    def test_a_foreign_host_gets_no_token(self, harbor: Answers, provider: Answers, foreign: Answers) -> None:
        provider.replies[AUTH] = (302, {"Location": f"{foreign.url}/auth"}, "")
        foreign.replies["/auth"] = NEGOTIATE
        with pytest.raises(negotiate.Stopped, match="status 401"):
            walk(harbor, provider)
        assert len(foreign.asked) == 1
        assert tokens_in(foreign) == []

    def test_nor_after_the_provider_had_one(self, harbor: Answers, provider: Answers, foreign: Answers) -> None:
        there: Reply = (302, {"Location": f"{foreign.url}/auth"}, "")
        provider.replies[AUTH] = takes_a_token(there)  # type: ignore[assignment]
        foreign.replies["/auth"] = NEGOTIATE
        with pytest.raises(negotiate.Stopped):
            walk(harbor, provider)
        assert tokens_in(foreign) == []

    def test_a_second_token_is_not_made(self, harbor: Answers, provider: Answers) -> None:
        provider.replies[AUTH] = NEGOTIATE
        with pytest.raises(negotiate.Stopped, match="status 401"):
            walk(harbor, provider)
        assert len(tokens_in(provider)) == 1

    @pytest.mark.parametrize(
        ("reply", "said"),
        [
            ((200, {}, "<form>"), "shows a page instead"),
            ((400, {}, ""), "status 400"),
            ((401, {"WWW-Authenticate": "Basic"}, ""), "status 401"),
            ((302, {"Location": "http://example.com/"}, ""), "must not be asked"),
            ((302, {"Location": AUTH}, ""), "too many redirects"),
        ],
    )
    def test_anything_else_is_a_stop(self, harbor: Answers, provider: Answers, reply: Reply, said: str) -> None:
        provider.replies[AUTH] = reply
        with pytest.raises(negotiate.Stopped, match=said):
            walk(harbor, provider)
        assert tokens_in(provider) == []

    @pytest.mark.parametrize("status", [431, 500, 502, 429])
    def test_a_fault_of_the_request_with_the_token_is_a_stop(
        self, harbor: Answers, provider: Answers, status: int
    ) -> None:
        provider.replies[AUTH] = takes_a_token((status, {}, ""))  # type: ignore[assignment]
        with pytest.raises(negotiate.Stopped, match=f"status {status}"):
            walk(harbor, provider)
        assert len(tokens_in(provider)) == 1

    @pytest.mark.parametrize("status", [502, 429])
    def test_one_of_a_request_without_it_is_not(self, harbor: Answers, provider: Answers, status: int) -> None:
        provider.replies[AUTH] = (status, {}, "")
        with pytest.raises(ServerFault):
            walk(harbor, provider)
        back = f"{harbor.url}/c/oidc/callback?code=c&state=s"
        provider.replies[AUTH] = takes_a_token((302, {"Location": back}, ""))  # type: ignore[assignment]
        harbor.replies["/c/oidc/callback"] = (status, {}, "")
        with pytest.raises(ServerFault):
            walk(harbor, provider)

    @pytest.mark.parametrize("target", ["/oidc-onboard?username=kate", None])
    def test_what_harbor_has_to_ask_is_a_stop(self, harbor: Answers, provider: Answers, target: str | None) -> None:
        back = f"{harbor.url}/c/oidc/callback?code=c&state=s"
        provider.replies[AUTH] = takes_a_token((302, {"Location": back}, ""))  # type: ignore[assignment]
        harbor.replies["/c/oidc/callback"] = (302, {"Location": target}, "") if target else (409, {}, "already exists")
        with pytest.raises(negotiate.Stopped):
            walk(harbor, provider)


@pytest.mark.usefixtures("ticket")
class TestTicket:
    def test_whose_it_is(self) -> None:
        found = negotiate.ticket(5)
        assert found.principal == "kate@CORP.TEST"
        assert found.life_seconds > 0
        assert found.is_of("Kate")
        assert not found.is_of("kat")

    def test_none(self, kdc: Kdc) -> None:
        kdc.sign_out()
        with pytest.raises(negotiate.Stopped):
            negotiate.ticket(5)

    def test_no_token_for_a_service_that_the_kdc_does_not_know(self) -> None:
        with pytest.raises(gssapi.NoTicketError):
            gssapi.token("nowhere.test")


def test_another_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(negotiate.Stopped, match="not on this system"):
        negotiate.ticket(5)
