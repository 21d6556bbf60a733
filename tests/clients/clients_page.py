"""docs/clients.md, from what a run has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.clients.situations import REFUSED
from tests.clients.what_each_must_do import MUST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.clients.client import Client
    from tests.clients.situations import Finding

BEFORE = """# Clients

Made by `make clients`: each of these asked the helper, with a registry behind a stand-in Harbor and a real Keycloak,
in every situation of the second table that it has a command for. Had one ended otherwise, the page would not have been
written.

"""
HEAD = (
    "client",
    "version",
    "a pull asks the helper",
    "a pull from elsewhere",
    "`login` with a name",
    "why there is no pair",
    "to know",
)
WHERE_TO_LOOK = "`status` tells"


class Row(NamedTuple):
    """What a run has found of a client."""

    client: Client
    version: str
    found: Mapping[str, Finding]


def text(rows: Iterable[Row]) -> str:
    """The whole page."""
    clients = [HEAD, ("---",) * len(HEAD), *map(_cells, rows)]
    situations = [("situation", "the client's command", "windows that open"), ("---",) * 3]
    situations += [(name, "succeeds" if must.works else "fails", str(must.windows)) for name, must in MUST.items()]
    return f"{BEFORE}{_table(clients)}\n## Situations\n\n{_table(situations)}"


def _cells(row: Row) -> tuple[str, ...]:
    found = row.found
    login = _asked(found["login"]) if "login" in found else "has none"
    cause = "is shown" if found[REFUSED].cause_is_shown else WHERE_TO_LOOK
    pull, elsewhere = _asked(found["warm"]), _asked(found["another registry"])
    return (row.client.name, row.version, pull, elsewhere, login, cause, row.client.to_know)


def _asked(finding: Finding) -> str:
    """The verbs, and how often each."""
    verbs = [asked.partition(" ")[0] for asked in finding.asked]
    told = [
        f"`{verb}`" + (f" {verbs.count(verb)} times" if verbs.count(verb) > 1 else "") for verb in dict.fromkeys(verbs)
    ]
    return ", ".join(told) or "nothing"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
