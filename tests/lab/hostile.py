"""Words as a hostile server would choose them, and what a person's terminal must never get of them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.lab.realm import HARBOR_CLIENT

if TYPE_CHECKING:
    from tests.lab.faults import Fault, FaultProxy
    from tests.lab.web import Exchange, WebServer

PROMISE = "[ok] all is well here"  # what must not stand at the beginning of a line
EVIL = (
    f"x\x1b[31m\x1b[2J\x1b]8;;https://evil.example/\x07link\x1b]8;;\x07\r\n{PROMISE}\n\x9b1A\x85\u2028{PROMISE}\u2029"
    "\u202egnp\u202c\u2066\u2069\u200f\u061c\u200b\u2060\ufeff\u3164\U000e0041\ue000\x00\x7f\b"
)
FILLER = "A" * 10_000
EVIL_LINE = EVIL + FILLER  # 10 kB
HALF = EVIL + "\ud83d"  # and half a character, which JSON can hold

UNSEEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
FILLERS = "\u034f\u115f\u1160\u3164\uffa0"
# What is written to terminals on purpose (ECMA-48 8.3.117, 8.3.41).
OWN_SEQUENCES = re.compile(r"\x1b\[(?:3[123]|0)m|\r\x1b\[K|\r(?=\n)")


def check(text: str, *, terminal: bool = False) -> None:
    """Nothing that a terminal obeys or does not show, no line of a server's making, and none of its long ones."""
    if terminal:
        text = OWN_SEQUENCES.sub("", text)
    odd = {c for c in text if c != "\n" and (unicodedata.category(c) in UNSEEN or c in FILLERS)}
    assert not odd, (odd, text)
    assert not [line for line in text.splitlines() if line.lstrip().startswith(PROMISE)], text
    assert FILLER[:500] not in text


def leads_to(endpoint: str, **parameters: str) -> Fault:
    """As Harbor's login redirect, to there and with those."""

    def fault(exchange: Exchange, server: FaultProxy | WebServer) -> None:
        query = {
            "client_id": HARBOR_CLIENT,
            "redirect_uri": f"{server.url}/c/oidc/callback",
            "response_type": "code",
            "scope": "openid",
            "state": "s",
            **parameters,
        }
        exchange.redirect(f"{endpoint}?{urlencode(query)}")

    return fault
