"""`make bench-compare BASE=commit`: what a `get` takes now and at that commit, in figures that no other load changes.

Instructions of the whole process by callgrind, modules that are imported, requests; both from sources, by one
interpreter: what packaging makes of them is the bench's to show.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.asking import PATIENT, asked, forget_requests, lab_that_asks, make_cold
from tests.bench.timing import Contestant, instructions
from tests.lab.demo_lab import HARBOR_NAME
from tests.lab.workplace import learn_life

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_TREE, NOW_TREE = Path("build/bench/base"), Path()
WARM, PROBING, COLD = "warm", "probing", "cold"
A_DAY = 86400
# Before whatever else has a product: the folder that this runs in, and what is installed.
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from docker_credential_harbor.__main__ import main; sys.exit(main())"
)


class Taken(NamedTuple):
    """By one `get`. ``instructions`` None: no valgrind here."""

    instructions: int | None
    modules: int
    requests: int


def main(base: str) -> None:
    """Prints one line for each kind of `get`."""
    _check_out(base)
    try:
        with ThreadPoolExecutor() as both:
            before, now = both.map(measure, (BASE_TREE.resolve(), NOW_TREE.resolve()))
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(BASE_TREE)], check=True)
    print(f"a get at {base}, and now; run from sources\n")
    print(f"  {'':<10}{'million instructions':>34}{'modules':>16}{'requests':>14}")
    for kind, then in before.items():
        print(f"  {kind:<10}{_millions(then, now[kind]):>34}", end="")
        print(f"{f'{then.modules} -> {now[kind].modules}':>16}{f'{then.requests} -> {now[kind].requests}':>14}")


def measure(tree: Path) -> dict[str, Taken]:
    """What each kind takes with the product of that tree."""
    program = BASE_TREE.resolve().with_name(f"get-of-{tree.name}")
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{tree}" exec "{sys.executable}" -m docker_credential_harbor "$@"\n')
    program.chmod(0o755)
    with lab_that_asks(program) as lab:

        def taken(environment: dict[str, str], prepare: Callable[[], None]) -> Taken:
            started, url = ["-c", START, str(tree), "get"], lab.name.encode()
            with_times = [sys.executable, "-X", "importtime", *started]
            prepare()
            done = subprocess.run(with_times, env=environment, input=url, capture_output=True, check=True)
            modules, requests = done.stderr.count(b"import time:") - 1, len(asked(lab))
            prepare()
            get = Contestant("", [sys.executable, *started], environment, url)
            return Taken(instructions(get), modules, requests)

        patient = {**lab.home.environment, **PATIENT}
        probing = taken(patient, lambda: forget_requests(lab))
        cold = taken(patient, lambda: make_cold(lab, f"Replaced-{os.urandom(8).hex()}-A"))
        lab.harbor.kill_stored_token(HARBOR_NAME)
        lab.get()  # a walk: from then on it is known how old Harbor's token is
        lab.trust_again()
        learn_life(lab.home, A_DAY)  # under valgrind minutes have passed
        lab.get()
        return {WARM: taken(lab.warm_environment, lambda: forget_requests(lab)), PROBING: probing, COLD: cold}


def _check_out(base: str) -> None:
    BASE_TREE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "worktree", "remove", "--force", str(BASE_TREE)], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(BASE_TREE), base], check=True)
    trees = [str(tree / "docker_credential_harbor") for tree in (BASE_TREE, NOW_TREE)]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *trees], check=True)


def _millions(before: Taken, now: Taken) -> str:
    if before.instructions is None or now.instructions is None:
        return "no valgrind"
    change = round(100 * (now.instructions / before.instructions - 1), 1)
    return f"{before.instructions / 1e6:.1f} -> {now.instructions / 1e6:.1f} ({change:+} %)"


if __name__ == "__main__":
    main(sys.argv[1])
