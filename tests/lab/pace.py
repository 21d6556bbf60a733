"""Limits for what has to be waited out: as short as they were measured to do, and longer on a slower machine."""

from __future__ import annotations

import functools
import subprocess
import sys
import time

IMPORTS = "import docker_credential_harbor.inquiry.run, requests"
MEASURED_SECONDS = 0.5  # for these, where the limits were chosen, with both cores busy
ANEW_SECONDS = 60  # after which it is measured once more: a machine has other work at times
LONGEST_SECONDS = 45  # Helper.run gives up after 60


def paced(seconds: float) -> int:
    """What so many seconds are there, here; never fewer."""
    took_seconds = _import_seconds(int(time.monotonic()) // ANEW_SECONDS)
    return min(LONGEST_SECONDS, round(seconds * max(1.0, took_seconds / MEASURED_SECONDS)))


@functools.cache
def _import_seconds(_now: int) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.monotonic() - began
