"""A cold `get`: our ID token has expired and the secret was replaced, over TLS on loopback; the provider is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tests.bench.lab import BenchLab
from tests.bench.requests_of_get import agent_of, is_the_helpers
from tests.bench.timing import Contestant, in_turns, median
from tests.lab.demo_lab import HARBOR_NAME
from tests.lab.workplace import let_id_token_expire

if TYPE_CHECKING:
    from pathlib import Path


def measure(program: Path, runs: int) -> dict[str, Any]:
    """The median in milliseconds, and the paths of its requests to the provider, then to Harbor."""
    with BenchLab(program, tls=True) as lab:
        lab.get()
        lab.trust_nothing()
        lab.harbor.provider.kept_seconds = math.inf  # its own questions are not what is measured
        contestant = Contestant("cold", [str(program), "get"], dict(lab.home.environment), lab.name.encode())
        times = []
        asked: list[str] = []
        for run in range(runs):
            let_id_token_expire(lab.home)
            lab.harbor.set_secret(HARBOR_NAME, f"Replaced-Secret-{run:04}")
            lab.harbor.clear_requests()
            lab.provider.requests.clear()
            lab.provider.agents.clear()
            times += in_turns([contestant], 1, warm_up_runs=0)["cold"]
            at_harbor = [request for request in lab.harbor.requests if is_the_helpers(agent_of(request.headers))]
            by_whom = zip(lab.provider.requests, lab.provider.agents, strict=True)
            at_provider = [path for path, agent in by_whom if is_the_helpers(agent)]
            asked = [*at_provider, *(request.path.partition("?")[0] for request in at_harbor)]
    return {"milliseconds": median(times), "requests": asked}
