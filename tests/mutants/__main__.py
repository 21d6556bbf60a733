"""`make mutants`: all mutants, or those of the parts that are named; prints each that no test notices.

Exit status 1: one of them is not explained on the page, or of all too few were noticed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants import judge
from tests.mutants.parts import PAGE, PARTS

WANTED = 0.9
MEMORY = Path("/dev/shm")  # where fsync costs nothing


def main() -> int:
    """``--some``: of each part only so many, by ``--seed`` always the same ones."""
    parser = argparse.ArgumentParser(prog="tests.mutants")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--some", type=int, default=0)
    parser.add_argument("--seed", default="")
    arguments = parser.parse_args()
    judge.prepare()
    good = [_judged(name, arguments.some, arguments.seed) for name in arguments.parts or PARTS]
    return 0 if all(good) else 1


def _judged(name: str, some: int, seed: str) -> bool:
    part, began = PARTS[name], time.monotonic()
    mutants = judge.mutants(part, some, seed)
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        bench = judge.Judge(part, Path(folder))
        bench.check()
        if not some:
            bench.check_imports(part)
        survived = []
        for mutant in mutants:
            if not bench.notices(mutant):
                print(f"{'' if mutant.name in page else 'NOT EXPLAINED: '}{mutant.name}", flush=True)
                survived.append(mutant)
    share = 1 - len(survived) / len(mutants)
    seconds = time.monotonic() - began
    print(
        f"{name}: {len(mutants) - len(survived)} of {len(mutants)} noticed, {share:.1%}, in {seconds:.0f} s", flush=True
    )
    return all(mutant.name in page for mutant in survived) and (bool(some) or share >= WANTED)


if __name__ == "__main__":
    sys.exit(main())
