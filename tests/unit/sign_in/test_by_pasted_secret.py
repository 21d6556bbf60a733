"""A person copies the CLI secret from Harbor's page: what they are asked, and what is made of what they enter."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from docker_credential_harbor.errors import (
    HarborCannotReachProvider,
    NothingEntered,
    NotOidcMode,
    PastedPairRefused,
    Unreachable,
)
from docker_credential_harbor.model import Credentials, PairKind, StoredPair
from docker_credential_harbor.remote.web.transport import Transport
from docker_credential_harbor.sign_in import by_pasted_secret
from tests.unit.harbor_place import ROBOT, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.harbor_place import HarborPlace

WRONG = ("alice-h", "WrongSecret1")


@dataclass
class Prompt:
    """Somebody who enters this, pair by pair, and gives up after that."""

    enters: list[tuple[str, str]]
    opened: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    secrets_asked: int = 0
    before: Callable[[], None] = lambda: None

    def ask(self, _: str) -> str:
        self.before()
        if not self.enters:
            raise EOFError
        return self.enters[0][0]

    def ask_secret(self, _: str) -> str:
        self.secrets_asked += 1
        return self.enters.pop(0)[1]

    def sign_in(self, place: HarborPlace) -> tuple[StoredPair, float]:
        return by_pasted_secret.sign_in(
            Transport(10),
            place.registry(),
            open_url=self.opened.append,
            ask=self.ask,
            ask_secret=self.ask_secret,
            tell=self.told.append,
        )


def test_the_persons_own(harbor_place: HarborPlace) -> None:
    pair = harbor_place.onboard()
    prompt, began_at = Prompt([(f" {USERNAME}\n", f"\t{pair.secret} ")]), time.time()
    stored, asked_at = prompt.sign_in(harbor_place)
    assert stored == StoredPair(pair, PairKind.PERSON)
    assert began_at <= asked_at <= time.time()
    assert len(prompt.told) == 1
    assert pair.secret not in prompt.told[0]


@pytest.mark.parametrize(
    ("pair", "kind"), [(ROBOT, PairKind.ROBOT), (Credentials("admin", "AdminSecret1"), PairKind.LOCAL)]
)
def test_of_another_account_the_kind_is_known_from_then_on(
    harbor_place: HarborPlace, pair: Credentials, kind: PairKind
) -> None:
    harbor_place.harbor.add_robot(*ROBOT)
    harbor_place.harbor.add_local("admin", "AdminSecret1")
    assert Prompt([pair]).sign_in(harbor_place)[0] == StoredPair(pair, kind)


def test_harbors_page_opens_by_way_of_its_login(harbor_place: HarborPlace) -> None:
    """So that Harbor's own token is fresh, by which it judges the secret."""
    pair = harbor_place.onboard()
    prompt = Prompt([pair])
    prompt.sign_in(harbor_place)
    [opened] = prompt.opened
    parts = urlsplit(opened)
    assert (f"{parts.scheme}://{parts.netloc}", parts.path) == (harbor_place.harbor.url, "/c/oidc/login")
    assert parse_qs(parts.query) == {"redirect_url": ["/harbor/projects"]}
    assert harbor_place.person.walk_to(opened, "nowhere") == f"{harbor_place.harbor.url}/harbor/projects"


class TestTries:
    def test_the_third_counts(self, harbor_place: HarborPlace) -> None:
        pair = harbor_place.onboard()
        prompt = Prompt([WRONG, WRONG, pair])
        assert prompt.sign_in(harbor_place)[0].pair == pair
        assert prompt.told[1:] == ["Harbor refuses that user name and CLI secret; copy both once more"] * 2
        assert len(prompt.opened) == 1

    def test_there_is_no_fourth(self, harbor_place: HarborPlace) -> None:
        pair = harbor_place.onboard()
        prompt = Prompt([WRONG, WRONG, WRONG, pair])
        with pytest.raises(PastedPairRefused):
            prompt.sign_in(harbor_place)
        assert prompt.enters == [pair]
        assert len(prompt.told) == 3, "after the last there is nothing to be copied once more"


class TestNothingEntered:
    @pytest.mark.parametrize(
        ("enters", "secrets_asked"), [([(" ", "x")], 0), ([(USERNAME, " ")], 1), ([], 0), ([WRONG], 1)]
    )
    def test_is_the_end(self, harbor_place: HarborPlace, enters: list[tuple[str, str]], secrets_asked: int) -> None:
        prompt = Prompt(enters)
        with pytest.raises(NothingEntered):
            prompt.sign_in(harbor_place)
        assert prompt.secrets_asked == secrets_asked


class TestNobodyIsSentThere:
    def test_where_harbor_signs_people_in_otherwise(self, harbor_place: HarborPlace) -> None:
        harbor_place.harbor.auth_mode = "db_auth"
        prompt = Prompt([WRONG])
        with pytest.raises(NotOidcMode):
            prompt.sign_in(harbor_place)
        assert (prompt.opened, prompt.told, prompt.secrets_asked) == ([], [], 0)

    def test_where_harbor_is_away(self, harbor_place: HarborPlace) -> None:
        harbor_place.harbor.down()
        prompt = Prompt([WRONG])
        with pytest.raises(Unreachable):
            prompt.sign_in(harbor_place)
        assert prompt.opened == []


def test_a_pair_is_not_blamed_where_harbor_would_refuse_every_one(harbor_place: HarborPlace) -> None:
    """Its provider went away while the person was copying."""
    pair = harbor_place.onboard()
    harbor_place.harbor.expire_stored_access_token(USERNAME)
    prompt = Prompt([pair], before=lambda: harbor_place.harbor.provider.connect_through("http://127.0.0.1:9"))
    with pytest.raises(HarborCannotReachProvider):
        prompt.sign_in(harbor_place)
    assert len(prompt.told) == 1
