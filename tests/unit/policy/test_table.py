"""The table of what `get` does in docs/development.md is what the policy decides."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.model import Credentials, LoginRedirect, PairKind, Registry
from docker_credential_harbor.policy import next_step
from docker_credential_harbor.policy.known import Asked, HandOut, Known, NotFound, Probe, Refresh, Step, User

PAGE = Path(__file__).parents[3] / "docs" / "development.md"
ROWS = re.findall(
    r"^\| .+ \| ((?:`\w+(?:=\w+)?` ?)*)\| (hand out|hand out, unverified|not found|[A-Z_]+) \|$",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE,
)
SIGNED_IN = Known(
    Registry("harbor.example.com", "https://harbor.example.com"),
    pair=Credentials("alice", "secret"),
    signed_in=True,
    person="alice",
)
# What a field is where the table only names it.
NAMED: dict[str, Any] = {
    "redirect": LoginRedirect("https://sso.example.com/auth", "harbor", ("openid",)),
    "unreachable": errors.Unreachable(host="harbor.example.com", reason="connection refused"),
    "nobody_to_ask": "CI is set",
    "paused_seconds": 59,
}
VALUES: dict[str, Any] = {
    "pair_kind": PairKind,
    "probe": Probe,
    "user": User,
    "refresh": Refresh,
    "walk": Asked,
}


def field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        return name, NAMED.get(name, True)
    return name, {"None": None, "False": False}[value] if value in ("None", "False") else VALUES[name][value]


def in_words(end: Step | HandOut | NotFound) -> str:
    if isinstance(end, HandOut):
        return "hand out, unverified" if end.unverified else "hand out"
    return "not found" if isinstance(end, NotFound) else end.name


def test_the_table_names_every_step() -> None:
    assert {then for _, then in ROWS} >= {step.name for step in Step} - {"LOOK_FOR_TICKET"}


@pytest.mark.parametrize(("fields", "then"), ROWS)
def test_a_row(fields: str, then: str) -> None:
    known = SIGNED_IN._replace(**dict(map(field, re.findall(r"`(.+?)`", fields))))
    assert in_words(next_step.decide(known)) == then
