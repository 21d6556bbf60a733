"""How many: in full where SOAK is set (`make soak`), else so few that they fit into every run of the tests."""

import os

FULL = bool(os.environ.get("SOAK"))


def count(full: int, sampled: int) -> int:
    """The number for this run."""
    return full if FULL else sampled
