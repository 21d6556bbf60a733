"""An inquiry about a registry whose Harbor and provider answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docker_credential_harbor.inquiry.state import Inquiry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.harbor_place import HarborPlace

    Look = Callable[..., Inquiry]


@pytest.fixture
def look(harbor_place: HarborPlace) -> Look:
    """Makes one from what is kept by then; Harbor's requests are counted from here on."""

    def begin(*, asked: bool = False, trust: bool = True) -> Inquiry:
        made = Inquiry(harbor_place.account(harbor_place.context(asked=asked)), trust=trust)
        harbor_place.harbor.clear_requests()
        return made

    return begin
