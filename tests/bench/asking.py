"""A `get` that asks, over TLS on loopback with the store in a file: one that probes, and a cold one.

Probing: the trust window of the stored sign-in's pair is over, which takes one request. Cold: our ID token has expired
and the secret was replaced; the provider is known.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.bench.lab import BenchLab
from tests.bench.requests_of_get import agent_of, is_the_helpers
from tests.bench.timing import Contestant, in_turns, instructions, median, peak_memory
from tests.lab.demo_lab import HARBOR_NAME
from tests.lab.workplace import let_id_token_expire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PROBING, COLD = "probing get", "cold get"
PATIENT = {"DOCKER_CREDENTIAL_HARBOR_TIMEOUT": "300"}  # under valgrind everything takes its time


def measure(program: Path, runs: int, cold_runs: int, others: Sequence[Contestant]) -> dict[str, Any]:
    """Medians in milliseconds, the probing one in turns with others; the cold one's requests; what the first takes."""
    with lab_that_asks(program) as lab:
        probing = contestant(lab, [str(program)], PROBING)
        times = in_turns([probing, *others], runs)
        patient = Contestant(PROBING, probing.command, {**probing.environment, **PATIENT}, probing.payload)
        return {
            "milliseconds": {name: median(values) for name, values in times.items()},
            "cold_milliseconds": median([_cold(lab, program) for _ in range(cold_runs)]),
            "cold_requests": asked(lab),
            "probing_instructions": instructions(patient),
            "probing_memory_mib": peak_memory(probing),
        }


@contextmanager
def lab_that_asks(program: Path) -> Iterator[BenchLab]:
    """In it somebody is signed in, and every `get` asks."""
    with BenchLab(program, tls=True) as lab:
        lab.get()
        lab.trust_nothing()
        lab.harbor.provider.kept_seconds = math.inf  # its own questions are not what is measured
        yield lab


def contestant(lab: BenchLab, command: list[str], name: str) -> Contestant:
    """A `get` of the lab's registry."""
    return Contestant(name, [*command, "get"], dict(lab.home.environment), lab.name.encode())


def make_cold(lab: BenchLab, secret: str) -> None:
    """The next `get` refreshes, and finds another secret; what was asked before is forgotten."""
    let_id_token_expire(lab.home)
    lab.harbor.set_secret(HARBOR_NAME, secret)
    forget_requests(lab)


def forget_requests(lab: BenchLab) -> None:
    lab.harbor.clear_requests()
    lab.provider.requests.clear()
    lab.provider.agents.clear()


def asked(lab: BenchLab) -> list[str]:
    """The paths that the helper asked for, at the provider, then at Harbor."""
    by_whom = zip(lab.provider.requests, lab.provider.agents, strict=True)
    at_harbor = [request for request in lab.harbor.requests if is_the_helpers(agent_of(request.headers))]
    at_provider = [path for path, agent in by_whom if is_the_helpers(agent)]
    return [*at_provider, *(request.path.partition("?")[0] for request in at_harbor)]


def _cold(lab: BenchLab, program: Path) -> float:
    make_cold(lab, f"Replaced-Secret-{id(object()):x}")
    [milliseconds] = in_turns([contestant(lab, [str(program)], COLD)], 1, warm_up_runs=0)[COLD]
    return milliseconds
