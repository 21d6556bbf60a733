"""What the three installations have in common: how time passes, and what a person sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.sealed_home import Home


@pytest.fixture(autouse=True)
def _kept_in_a_file(home: Home) -> None:
    """Not in the kernel, where it would outlive the test."""
    home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
