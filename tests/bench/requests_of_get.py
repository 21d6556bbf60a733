"""How many requests each kind of `get` sends to Harbor and to the provider; those of the browser are not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.demo_lab import HARBOR_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.lab import BenchLab


def count(lab: BenchLab) -> dict[str, tuple[int, int]]:
    """Requests to Harbor and to the provider, by kind of `get`."""
    counted: dict[str, tuple[int, int]] = {}

    def note(kind: str, prepare: Callable[[], object] = lambda: None) -> None:
        prepare()
        lab.harbor.clear_requests()
        lab.provider.agents.clear()
        lab.get()
        counted[kind] = (
            sum(is_the_helpers(agent_of(request.headers)) for request in lab.harbor.requests),
            sum(is_the_helpers(agent) for agent in lab.provider.agents),
        )

    note("first, with the sign-in")
    note("warm")
    note("verified", lab.trust_nothing)
    note("secret replaced", lambda: lab.harbor.set_secret(HARBOR_NAME, "Another-Secret-0123456789"))
    note("Harbor's side renewed", lambda: lab.harbor.kill_stored_token(HARBOR_NAME))
    lab.trust_again()
    return counted


def agent_of(headers: dict[str, str]) -> str:
    """The User-Agent; "" where there is none."""
    return next((value for name, value in headers.items() if name.lower() == "user-agent"), "")


def is_the_helpers(agent: str) -> bool:
    """Whether the helper sent the request, and not a browser or Harbor."""
    return agent.startswith("docker-credential-harbor/")
