"""Run by the tool's own Python: the mutants of some files, one JSON object a line; all, or so many by a seed.

mutmut makes them. Of a string the one with other text in it is taken, and not those in other cases.
"""

from __future__ import annotations

import json
import random
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Any

import libcst
from mutmut.mutation.file_mutation import create_mutations


def main(some: str, seed: str, *paths: str) -> None:
    """Prints them in the order of the files; ``some`` 0: all."""
    found: list[tuple[str, Any, Any]] = []
    for path in paths:
        module, mutations, *_ = create_mutations(path, Path(path).read_text(encoding="utf-8"))
        found += [(path, module, mutation) for mutation in mutations if is_taken(mutation)]
    if int(some):
        found = random.Random(seed).sample(found, min(int(some), len(found)))  # noqa: S311 - no secret
    for path, module, mutation in found:
        mutated = module.deep_replace(mutation.original_node, mutation.mutated_node).code
        before, after = changed(module.code, mutated)
        print(json.dumps({"path": path, "before": before, "after": after, "source": mutated}))


def is_taken(mutation: Any) -> bool:
    """Whether it is no string in other letters."""
    return not isinstance(mutation.mutated_node, libcst.SimpleString) or "XX" in mutation.mutated_node.value


def changed(source: str, mutated: str) -> tuple[str, str]:
    """The lines that differ, each side in one."""
    lines = list(unified_diff(source.splitlines(), mutated.splitlines(), n=0))[3:]
    sides = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    before, after = (" ".join(side) for side in sides)
    return before, after


if __name__ == "__main__":
    main(*sys.argv[1:])
