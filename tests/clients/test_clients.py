"""Each client against the helper, in each situation of the table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients import clients_page, situations
from tests.clients.clients_page import Row
from tests.clients.place import Place
from tests.clients.what_each_must_do import CLIENTS, must
from tests.conftest import need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.client import Client
    from tests.conftest import MakeHarbor
    from tests.lab.desk import Desk

TRIED = [client for client in CLIENTS if client.quick or os.environ.get("CLIENTS_PAGE")]
PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


@pytest.fixture(scope="session")
def rows() -> Iterator[list[Row]]:
    """What was found, written into the page by `make clients`, where all of them were there."""
    found: list[Row] = []
    yield found
    if (place := os.environ.get("CLIENTS_PAGE")) and len(found) == len(CLIENTS):
        Path(place).write_text(clients_page.text(found), encoding="utf-8")


@pytest.fixture
def place(client: Client, make_desk: Callable[..., Desk], make_harbor: MakeHarbor, tmp_path: Path) -> Place:
    need(client.name, client.install, client.program())
    desk = make_desk(harbor={"host": client.host})
    elsewhere = make_harbor(desk.workplace.realm, host=client.host)
    return Place(desk, elsewhere, tmp_path, client.artifact)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("client", TRIED, ids=lambda client: client.name)
def test_every_situation(client: Client, place: Place, rows: list[Row]) -> None:
    with place:
        found = situations.tried(place, client)
        version = client.version(place.seat)
    told = {name: (finding.works, finding.windows) for name, finding in found.items()}
    assert told == {name: must(client, name) for name in found}, found
    assert found[situations.REFUSED].is_kept
    rows.append(Row(client, version, found))


@pytest.mark.skipif(bool(os.environ.get("CLIENTS_PAGE")), reason="it is written at the end of this run")
def test_the_page_has_them_all() -> None:
    """It is made by a run; what was added since is not in it."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    told = [line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")]
    assert told[1:].index("---") == 0
    assert [client.name for client in CLIENTS] == told[2 : 2 + len(CLIENTS)]
