"""What `make package` leaves in dist/, by name; for another machine in a folder there."""

from __future__ import annotations

from pathlib import Path

from tests.lab.sealed_home import NAME

REPOSITORY = Path(__file__).parents[2]


class Built:
    """The results in one checkout; ``machine``: for another one than this."""

    def __init__(self, repository: Path, machine: str = "") -> None:
        self.dist = repository / "dist" / machine
        self.work = repository / "build" / "package" / machine
        self.folder = self.dist / NAME
        self.program = self.folder / NAME
        self.deb = self._only("*.deb")
        self.rpm = self._only("*.rpm")
        self.archive = self._only("*.tar.gz")
        self.bill = self._only("*.cdx.json")

    def _only(self, pattern: str) -> Path:
        [path] = self.dist.glob(pattern)
        return path
