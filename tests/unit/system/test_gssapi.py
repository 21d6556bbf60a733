"""A Kerberos ticket, and a token made from it: real ones of a real KDC, by the system's own library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.system import gssapi
from docker_credential_harbor.system.gssapi import NoTicketError, Ticket
from tests.lab.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.kerberos import Kdc

ASN_1_APPLICATION = b"\x60"  # of an initial context token (RFC 2743 3.1)
CALLS: list[Callable[[], object]] = [gssapi.ticket, lambda: gssapi.token("127.0.0.1")]


@pytest.mark.parametrize(
    ("username", "is_theirs"),
    [("alice", True), ("ALICE", True), ("alic", False), ("alice@CORP.TEST", False), ("", False)],
)
def test_whose_it_is_without_its_realm(username: str, is_theirs: bool) -> None:
    assert Ticket("Alice@CORP.TEST", 60).is_of(username) is is_theirs


def test_of_a_principal_with_two_signs_the_last_begins_the_realm() -> None:
    assert Ticket("alice@example.com@CORP.TEST", 60).is_of("alice@example.com")


def test_the_ticket_that_is_there(tickets: Kdc) -> None:
    tickets.sign_in("alice", life="1h")
    found = gssapi.ticket()
    assert found.principal == "alice@CORP.TEST"
    assert 3000 < found.life_seconds <= 3600
    tickets.sign_in("bob")
    assert gssapi.ticket().principal == "bob@CORP.TEST"


def is_none() -> bool:
    try:
        gssapi.ticket()
    except NoTicketError:
        return True
    return False


def test_one_that_has_expired_is_none(tickets: Kdc) -> None:
    tickets.sign_in("alice", life="1s")
    wait_until(is_none, "the ticket to expire")


def test_a_token_for_a_service_that_the_kdc_knows(tickets: Kdc) -> None:
    tickets.sign_in("alice")
    made = gssapi.token("127.0.0.1")
    assert made[:1] == ASN_1_APPLICATION
    assert gssapi.SPNEGO in made[:20]
    assert gssapi.KRB5 in made
    assert gssapi.NTLM_MARK not in made
    assert gssapi.token("127.0.0.1") != made, "each is good once"


@pytest.mark.usefixtures("tickets")
class TestNone:
    @pytest.mark.parametrize("call", CALLS)
    def test_without_a_ticket(self, call: Callable[[], object]) -> None:
        with pytest.raises(NoTicketError, match="GSS-API status 0x"):
            call()

    @pytest.mark.parametrize("call", CALLS)
    def test_without_a_configuration_of_kerberos(
        self, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]
    ) -> None:
        monkeypatch.setenv("KRB5_CONFIG", "/nowhere")
        monkeypatch.setenv("KRB5CCNAME", "FILE:/nowhere")
        with pytest.raises(NoTicketError):
            call()

    @pytest.mark.parametrize("host", ["nowhere.test", "", "ü" * 300])
    def test_for_a_service_that_the_kdc_does_not_know(self, tickets: Kdc, host: str) -> None:
        tickets.sign_in("alice")
        with pytest.raises(NoTicketError):
            gssapi.token(host)
        assert gssapi.ticket().principal == "alice@CORP.TEST"


@pytest.mark.parametrize("call", CALLS)
def test_without_the_library(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
    monkeypatch.setattr(gssapi, "LIBRARY", "libgssapi_nowhere.so.2")
    with pytest.raises(NoTicketError, match=r"libgssapi_nowhere\.so\.2 is not installed"):
        call()


@pytest.mark.parametrize("system", ["darwin", "win32"])
@pytest.mark.parametrize("call", CALLS)
def test_other_systems_have_others(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object], system: str) -> None:
    monkeypatch.setattr("sys.platform", system)
    with pytest.raises(NoTicketError, match="not on this system"):
        call()
