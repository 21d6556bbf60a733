"""`make bench`: what a `get` costs, as ratios within one run, since times alone say more of the machine.

The warm `get` of the installed console script against the barest start of the same interpreter, alternating, so that
both meet the same weather; and how many requests each kind of `get` sends to Harbor and to the provider. It prints and
writes build/bench.json; it asserts nothing.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.demo_lab import HARBOR_NAME, DemoLab

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 60
RESULT = Path("build/bench.json")
CACHE_TTL = "DOCKER_CREDENTIAL_HARBOR_CACHE_TTL"


def main() -> None:
    """Measures and prints."""
    with DemoLab() as lab:
        lab.call(["setup", lab.harbor.url])
        requests = count_requests(lab)
        times = measure_warm(lab)
    bare, warm = (statistics.median(times[name]) for name in ("bare", "warm"))
    result = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "runs": RUNS,
        "milliseconds": {name: round(statistics.median(values), 2) for name, values in times.items()},
        "tenth_percentile_milliseconds": {
            name: round(statistics.quantiles(values, n=10)[0], 2) for name, values in times.items()
        },
        "warm_get_to_bare_start": round(warm / bare, 2),
        "requests": requests,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    show(result)


def show(result: dict[str, object]) -> None:
    """The figures, as the README states them."""
    milliseconds, requests = result["milliseconds"], result["requests"]
    assert isinstance(milliseconds, dict)
    assert isinstance(requests, dict)
    print(f"{result['machine']}; medians of {RUNS} alternating runs\n")
    print(f"  {'python3 -I -S -c pass':<40}{milliseconds['bare']:>8} ms")
    print(f"  {'warm get, console script':<40}{milliseconds['warm']:>8} ms")
    print(f"  {'ratio':<40}{result['warm_get_to_bare_start']:>8}\n")
    print(f"  {'requests of a get':<40}{'Harbor':>8}{'provider':>10}")
    for kind, (harbor, provider) in requests.items():
        print(f"  {kind:<40}{harbor:>8}{provider:>10}")
    print(f"\n{RESULT}")


def measure_warm(lab: DemoLab) -> dict[str, list[float]]:
    """Milliseconds of a bare start and of a warm `get`, taken in turns."""
    lab.home.environment.pop(CACHE_TTL, None)
    get(lab)
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    warm = [lab.helper.program, "get"]
    times: dict[str, list[float]] = {"bare": [], "warm": []}
    for _ in range(RUNS):
        times["bare"].append(milliseconds_of(bare, lab.home.environment, b""))
        times["warm"].append(milliseconds_of(warm, lab.home.environment, lab.name.encode()))
    return times


def milliseconds_of(command: list[str], environment: dict[str, str], payload: bytes) -> float:
    """The time of one process from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, input=payload, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def count_requests(lab: DemoLab) -> dict[str, tuple[int, int]]:
    """Requests to Harbor and to the provider, by kind of `get`; those of the person's browser are not counted."""
    counted: dict[str, tuple[int, int]] = {}

    def count(kind: str, prepare: Callable[[], object] = lambda: None) -> None:
        prepare()
        lab.harbor.clear_requests()
        lab.provider.agents.clear()
        get(lab)
        counted[kind] = (
            sum(is_the_helpers(agent_of(request.headers)) for request in lab.harbor.requests),
            sum(is_the_helpers(agent) for agent in lab.provider.agents),
        )

    def without_trust() -> None:
        lab.home.environment[CACHE_TTL] = "0"

    count("first, with the sign-in")
    count("warm")
    count("verified", without_trust)
    count("secret replaced", lambda: lab.harbor.set_secret(HARBOR_NAME, "Another-Secret-0123456789"))
    count("Harbor's side renewed", lambda: lab.harbor.kill_stored_token(HARBOR_NAME))
    return counted


def agent_of(headers: dict[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "user-agent"), "")


def is_the_helpers(agent: str) -> bool:
    """Whether the helper sent the request, and not a browser or Harbor."""
    return agent.startswith("docker-credential-harbor/")


def get(lab: DemoLab) -> None:
    """A `get` that must give the pair."""
    call = lab.call("get", lab.name)
    if call.status:
        raise SystemExit(f"bench: get failed: {call.errors}")


if __name__ == "__main__":
    main()
