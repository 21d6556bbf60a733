"""Fuzzes the targets with atheris, one after the other: `make fuzz`.

FUZZ_SECONDS each (300); FUZZ_TARGETS: names, all by default. What is found lies in build/fuzz/TARGET as a file
crash-…, and so does what reached further than the corpus did. A find is reproduced by its name as a second argument.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SEEDS = Path(__file__).with_name("corpus")
RESULTS = Path("build", "fuzz")
LONGEST = 4096  # bytes of an input
HANGS_AFTER = 30  # seconds


def main() -> int:
    """Each target in a process of its own, since libFuzzer ends the process that it runs in."""
    if len(sys.argv) > 1:
        return fuzz(*sys.argv[1:])
    from tests.fuzz.targets import TARGETS

    names = os.environ.get("FUZZ_TARGETS", "").split() or list(TARGETS)
    failed = [name for name in names if subprocess.run([sys.executable, "-m", "tests.fuzz.run", name]).returncode]
    sys.stderr.write(f"finds in: {', '.join(failed)}; see {RESULTS}\n" if failed else "nothing was found\n")
    return bool(failed)


def fuzz(name: str, find: str = "") -> int:
    """One target, or one find of it."""
    import atheris

    with atheris.instrument_imports(include=["docker_credential_harbor", "joserfc", "tomlkit"]):
        from tests.fuzz.targets import TARGETS
    found = RESULTS / name
    found.mkdir(parents=True, exist_ok=True)
    seconds = os.environ.get("FUZZ_SECONDS", "300")
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={HANGS_AFTER}"]
    inputs = [find] if find else [str(found), str(SEEDS / name)]
    options = ["-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={found}/"]
    atheris.Setup([sys.argv[0], *limits, *options, *inputs], TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
