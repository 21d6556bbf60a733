"""What a warm `get` needs of os, from the built-in module beneath it: importing os costs more than all of our own.

Where os is imported already (Python's site does that), and on other systems, it is os itself.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.platform != "linux" or "os" in sys.modules:
    import os as calls
else:
    import posix as calls

__all__ = ["calls", "variable"]


def variable(name: bytes) -> "bytes | None":
    """The environment variable as it is now; None: it is not set."""
    os = sys.modules.get("os")
    if os is None:
        return calls.environ.get(name)  # type: ignore[call-overload, no-any-return] # posix has it in bytes
    value = os.environ.get(os.fsdecode(name))
    return None if value is None else os.fsencode(value)
