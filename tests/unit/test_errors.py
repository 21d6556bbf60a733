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


LONG = {
    "registry": "harbor.team-platform.eu-west.example.com",
    "other": "registry.team-security.eu-west.example.com",
    "harbor_client_id": "harbor-of-team-security-eu-west",
    "issuer": "https://sso.eu-west.example.com/auth/realms/team-platform",
    "pinned": "https://sso.eu-west.example.com/auth/realms/team-security",
}


@pytest.mark.parametrize("cause", [errors.AudienceShared, errors.AudienceUnknown, errors.AnotherIssuer])
def test_a_line_stays_one_that_can_be_read_with_long_names(cause: type[Failure]) -> None:
    assert len(str(cause(**LONG))) < 280
