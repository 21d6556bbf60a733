"""Puts the clocks of this process forward by the seconds in a file, which the environment names (clock.py).

Clocks that only measure how long something takes stay as they are.
"""

import os
import time

FILE = os.environ["HARBOR_LAB_CLOCK"]
PUT_FORWARD = {time.CLOCK_REALTIME, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_REALTIME)}
machines_time, machines_clock = time.time, time.clock_gettime


def seconds_forward() -> float:
    """Read each time: a process may be under way when it changes."""
    with open(FILE) as file:  # noqa: PTH123 - before everything else, so that a warm `get` stays one
        return float(file.read())


def put_forward(clock: int) -> float:
    """As `time.clock_gettime`."""
    return machines_clock(clock) + (seconds_forward() if clock in PUT_FORWARD else 0)


time.time = lambda: machines_time() + seconds_forward()
time.clock_gettime = put_forward
