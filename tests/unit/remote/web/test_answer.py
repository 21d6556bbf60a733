"""What a server answered: an object or a fault, and no secret in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.errors import BrokenAnswer, ServerFault
from docker_credential_harbor.remote.web.transport import Transport

if TYPE_CHECKING:
    from tests.unit.loopback import Answers


@pytest.mark.parametrize("body", ["", "no json", "[1]", '"text"', '{"cut": ', "\xff", "[" * 100_000])
def test_anything_but_a_json_object(server: Answers, body: str) -> None:
    server.replies["/"] = (200, {}, body)
    with pytest.raises(BrokenAnswer):
        Transport(10).request("GET", f"{server.url}/").json_object()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_server_faults(server: Answers, status: int) -> None:
    server.replies["/"] = (status, {}, "")
    answer = Transport(10).request("GET", f"{server.url}/")
    with pytest.raises(ServerFault, match=str(status)):
        answer.raise_for_server_fault()


def test_other_statuses_are_no_server_fault(server: Answers) -> None:
    Transport(10).request("GET", f"{server.url}/").raise_for_server_fault()


def test_secrets_stay_out_of_repr(server: Answers) -> None:
    server.replies["/"] = (200, {"X-Secret": "hidden"}, {"token": "hidden"})
    assert "hidden" not in repr(Transport(10).request("GET", f"{server.url}/?code=hidden"))
