"""Programs for arm64 on another machine: the kernel starts them by qemu's emulator of user space.

Source: binfmt_misc in the kernel's admin-guide (register, and `-1` to take it back), Debian's qemu-user-static.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HANDLERS = Path("/proc/sys/fs/binfmt_misc")
HANDLER = HANDLERS / "qemu-aarch64"
DESCRIPTION = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")  # with F: the kernel has opened it before anybody's chroot
INSTALL = "apt-get install qemu-user-static"


@contextmanager
def emulated() -> Iterator[None]:
    """While it is needed the kernel knows of the emulator, where it did not before. For root."""
    if HANDLER.exists():
        yield
        return
    mounted = (HANDLERS / "register").exists()
    if not mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "none", HANDLERS], check=True)
    try:
        (HANDLERS / "register").write_text(DESCRIPTION.read_text(encoding="ascii"), encoding="ascii")
        try:
            yield
        finally:
            HANDLER.write_text("-1", encoding="ascii")
    finally:
        if not mounted:
            subprocess.run(["umount", HANDLERS], check=True)
