"""A file system of its own with little room, to be filled, and made read-only: a tmpfs (tmpfs(5), mount(8))."""

import errno
import subprocess
from pathlib import Path


class SmallDisk:
    """Mounted on a folder until `close`."""

    def __init__(self, folder: Path, options: str = "size=256k") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=0700", "tmpfs", folder], check=True)
        self._filler = folder / "filler"

    @classmethod
    def possible(cls, folder: Path) -> bool:
        """Whether this process may mount one."""
        try:
            cls(folder).close()
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def fill(self) -> None:
        """To the last block and inode."""
        self._filler.mkdir(exist_ok=True)
        number = len(list(self._filler.iterdir()))
        try:
            while True:
                number += 1
                with (self._filler / str(number)).open("wb", buffering=0) as file:
                    while True:
                        file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        try:
            while True:
                number += 1
                (self._filler / str(number)).touch()
                if number > 5000:
                    return  # as many inodes as one likes
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise

    def free(self) -> None:
        """Takes away what `fill` has put there."""
        for path in self._filler.iterdir():
            path.unlink()
        self._filler.rmdir()

    def make_read_only(self, read_only: bool = True) -> None:
        mode = "ro" if read_only else "rw"
        subprocess.run(["mount", "-o", f"remount,{mode}", self.folder], check=True)

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)
