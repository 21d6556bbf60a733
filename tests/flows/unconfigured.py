"""A workplace where `setup` was not run yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.workplace import Workplace


def unconfigured(workplace: Workplace) -> Workplace:
    """The same without a configuration of ours."""
    workplace.helper.home.environment.pop("DOCKER_CREDENTIAL_HARBOR_CONFIG")
    workplace.helper.home.environment["DOCKER_CREDENTIAL_HARBOR_STORAGE"] = "file"
    return workplace


def ours(workplace: Workplace) -> str:
    """What stands in the user's own file; "": there is none."""
    file = workplace.helper.home.folders["XDG_CONFIG_HOME"] / "docker-credential-harbor" / "config.toml"
    return file.read_text() if file.exists() else ""
