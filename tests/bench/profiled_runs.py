"""The runs that `make interpreter-profile` counts: a `get` that is warm, one that probes and a cold one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.asking import PATIENT, PROBING, contestant, lab_that_asks, make_cold
from tests.lab.demo_lab import HARBOR_NAME
from tests.lab.workplace import learn_life

A_DAY = 86400
WARM_RUNS, PROBING_RUNS, COLD_RUNS = 6, 3, 2


def main(program: Path, counts: Path) -> None:
    """Each run leaves a file in `counts`."""
    os.environ["LLVM_PROFILE_FILE"] = os.devnull  # of all other runs
    with lab_that_asks(program) as lab:
        lab.home.environment["LLVM_PROFILE_FILE"] = os.devnull
        get = contestant(lab, [str(program)], PROBING)

        def run(environment: dict[str, str], name: str) -> None:
            counting = {**environment, **PATIENT, "LLVM_PROFILE_FILE": str(counts / name)}
            subprocess.run(get.command, env=counting, input=get.payload, stdout=subprocess.DEVNULL, check=True)

        for number in range(PROBING_RUNS):
            run(get.environment, f"probing-{number}")
        for number in range(COLD_RUNS):
            make_cold(lab, f"Replaced-{number}-{os.urandom(8).hex()}")
            run(get.environment, f"cold-{number}")
        lab.harbor.kill_stored_token(HARBOR_NAME)
        lab.get()  # a walk: from then on it is known how old Harbor's token is
        lab.trust_again()
        learn_life(lab.home, A_DAY)
        lab.get()
        for number in range(WARM_RUNS):
            run(lab.warm_environment, f"warm-{number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
