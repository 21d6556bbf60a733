"""What several of these files start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.browser_place import KEY, Place
from tests.unit.loopback import Answers, answers_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Answers]:
    with answers_server() as answers:
        yield answers


@pytest.fixture
def place() -> Iterator[Place]:
    with answers_server() as answers:
        made = Place(answers)
        answers.replies["/token"] = made.token
        answers.replies["/certs"] = (200, {}, {"keys": [KEY.as_dict(private=False)]})
        yield made
