"""`make bench`: what a `get` costs, as ratios within one run, since times alone say more of the machine.

It prints, and writes build/bench.json and docs/bench.svg; it asserts nothing. Needs what `make package` has built.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import asking, closed_keyring, killed_caller, naive, peers, requests_of_get, timeline
from tests.bench.chart import chart
from tests.bench.lab import BenchLab
from tests.bench.timing import Contestant, in_turns, instructions, median, peak_memory, tenth_percentile
from tests.lab.workplace import learn_life

RUNS = int(os.environ.get("BENCH_RUNS") or 60)
COLD_RUNS = max(2, RUNS // 3)
PACKAGED, BARE, SCRIPT, NAIVE = "packaged get", "bare python", "console script get", "naive one-file get"
WHAT = {
    PACKAGED: "packaged executable, warm get",
    BARE: "python3 -I -S -c pass, the bundled one",
    SCRIPT: "console script (pip install), warm get",
    NAIVE: "naive one-file build, warm get",
    **{name: name for name in peers.NAMES},
}
ASKING = {
    asking.PROBING: "packaged executable, probing get",
    asking.COLD: "packaged executable, cold get",
}
MEBIBYTE = 1 << 20
RESULT, CHART = Path("build/bench.json"), Path("docs/bench.svg")


def main() -> None:
    """Measures, prints and writes."""
    packaged, python = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="harbor-bench-") as folder, peers.peers(Path(folder)) as others:
        with BenchLab(packaged) as lab:
            counted = requests_of_get.count(lab)
            contestants = [*own(lab, packaged, python), *others]
            times = in_turns(contestants, RUNS)
            counts = {contestant.name: instructions(contestant) for contestant in contestants[:2]}
            memory = peak_memory(contestants[0])
            parts = timeline.measure(contestants[0])
        asks = asking.measure(packaged, RUNS, COLD_RUNS, others)
        without_keyring = closed_keyring.measure(packaged, python, RUNS)
        refresh = killed_caller.measure(RUNS)
    result: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "runs": RUNS,
        "milliseconds": {name: median(values) for name, values in times.items()},
        "tenth_percentile_milliseconds": {name: tenth_percentile(values) for name, values in times.items()},
        "warm_get_to": {name: round(median(times[PACKAGED]) / median(values), 2) for name, values in times.items()},
        "instructions": counts,
        "timeline": parts,
        "asking": asks,
        "memory_mib": {PACKAGED: memory, asking.PROBING: asks["probing_memory_mib"]},
        "size_mib": size(packaged.parent),
        "closed_keyring_milliseconds": without_keyring,
        "refresh_milliseconds": refresh,
        "requests": counted,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    asked = {
        ASKING[asking.PROBING]: asks["milliseconds"][asking.PROBING],
        ASKING[asking.COLD]: asks["cold_milliseconds"],
    }
    drawn = {WHAT[name]: value for name, value in result["milliseconds"].items()}
    CHART.write_text(chart({**drawn, **asked}, result["machine"]))
    show(result)


def own(lab: BenchLab, packaged: Path, python: Path) -> list[Contestant]:
    """The product in the forms that people may have it in, warm, and the barest start of what it is written in."""
    learn_life(lab.home)
    lab.get()  # from now on it is remembered
    environment, server = lab.warm_environment, lab.name.encode()
    script = Path(sys.executable).parent / packaged.name
    return [
        Contestant(PACKAGED, [str(packaged), "get"], environment, server),
        Contestant(BARE, [str(python.resolve()), "-I", "-S", "-c", "pass"], environment),
        Contestant(SCRIPT, [str(script), "get"], environment, server),
        Contestant(NAIVE, [str(naive.build(python)), "get"], environment, server),
    ]


def show(result: dict[str, Any]) -> None:
    """The figures, as docs/measured.md states them."""
    print(f"{result['machine']}; medians of {RUNS} runs, taken in turns\n")
    print(f"  {'':<48}{'ms':>8}{'packaged get to it':>22}")
    for name, milliseconds in result["milliseconds"].items():
        print(f"  {WHAT[name]:<48}{milliseconds:>8}{result['warm_get_to'][name]:>22}")
    for name in peers.NAMES:
        if name not in result["milliseconds"]:
            print(f"  {name}: not on this machine ({peers.HOW_TO_INSTALL})")
    for name, count in result["instructions"].items():
        print(f"  instructions of {WHAT[name]:<48}{f'{count / 1e6:.1f} million' if count else 'no valgrind':>14}")
    print("\n  the packaged get in parts, under strace" if result["timeline"] else "  no strace")
    for part, milliseconds in (result["timeline"] or {}).items():
        print(f"  {part:<68}{milliseconds:>8} ms")
    show_asking(result["asking"])
    print(f"\n  in memory at most, warm{result['memory_mib'][PACKAGED]:>46} MiB")
    print(f"  in memory at most, probing{result['memory_mib'][asking.PROBING]:>43} MiB")
    print(f"  the program folder{result['size_mib']:>51} MiB\n")
    print("  where the kernel's keyring is closed, a warm get from")
    for name, milliseconds in result["closed_keyring_milliseconds"].items():
        print(f"  {name:<68}{milliseconds:>8} ms")
    print("\n  a refresh and its save")
    for name, milliseconds in result["refresh_milliseconds"].items():
        print(f"  {name:<68}{milliseconds:>8} ms")
    print(f"\n  {'requests of a get':<40}{'Harbor':>8}{'provider':>10}")
    for kind, (harbor, provider) in result["requests"].items():
        print(f"  {kind:<40}{harbor:>8}{provider:>10}")
    print(f"\n{RESULT}, {CHART}")


def show_asking(asks: dict[str, Any]) -> None:
    """What asks Harbor, beside the peers in the same turns."""
    own = asks["milliseconds"][asking.PROBING]
    print(f"\n  {'':<48}{'ms':>8}{'probing get to it':>22}")
    for name, milliseconds in asks["milliseconds"].items():
        print(f"  {ASKING.get(name, name):<48}{milliseconds:>8}{round(own / milliseconds, 2):>22}")
    print(f"  {ASKING[asking.COLD]:<48}{asks['cold_milliseconds']:>8}")
    print(f"  its requests: {', '.join(asks['cold_requests'])}")
    count = asks["probing_instructions"]
    print(f"  instructions of the probing get{f'{count / 1e6:.1f} million' if count else 'no valgrind':>47}")


def size(folder: Path) -> float:
    """MiB of all files in it."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEBIBYTE, 1)


if __name__ == "__main__":
    main()
