"""What holds for all causes."""

from __future__ import annotations

import pytest

from docker_credential_harbor import errors
from docker_credential_harbor.errors import Failure, FoundOut


def kinds(cause: type[Failure]) -> list[type[Failure]]:
    return [cause, *(kind for child in cause.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("cause", kinds(Failure), ids=lambda cause: cause.__name__)
def test_another_process_concludes_the_same_from_a_noted_cause(cause: type[Failure]) -> None:
    """However deep a kind lies below Unreachable."""
    assert FoundOut(cause.code, "text").unreachable is issubclass(cause, errors.Unreachable)
