"""A configuration file before and after: to be shown, or carried out.

Other programs change these files, too, and none of them takes a lock (`docker login` does not). So a file is looked at
once more when all is ready for the rename, and what was changed meanwhile is not written over, but read anew.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from docker_credential_harbor.config import preview
from docker_credential_harbor.errors import ChangedMeanwhile, Failure
from docker_credential_harbor.system import files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterator, Sequence

T = TypeVar("T")
MOST_ATTEMPTS = 10


class Change(NamedTuple):
    """``before`` None: there is no file. ``what`` is for the person, whether anything changes or not.

    ``says`` reads such a file, and ``ours`` are the values that `setup` writes into it.
    """

    path: Path
    before: bytes | None
    after: bytes
    what: str
    mode: int = files.PRIVATE_FILE  # of a file that is not there yet, as that of its folders
    folder_mode: int = files.PRIVATE_FOLDER
    says: Callable[[bytes], object] = preview.of_json
    ours: Collection[str] = ()

    @property
    def is_none(self) -> bool:
        """Whether all is as it should be."""
        return (self.before or b"") == self.after

    def and_then(self, second: Change) -> Change:
        """Both in one. ``second`` is of what this one leaves of the file."""
        told = [each.what for each in (self, second) if not each.is_none] or [second.what]
        return self._replace(after=second.after, what="; ".join(told), ours={*self.ours, *second.ours})

    def carry_out(self) -> None:
        """Raises ChangedMeanwhile, NotWritable, NotReadable."""
        if not self.is_none:
            files.replace_keeping_link(self.path, self.after, self.mode, self.folder_mode, self.check)

    def carry_out_or_remove(self) -> None:
        """A file in which nothing is left goes, unless it is a link. Raises as ``carry_out``."""
        if self.is_none or self.after.strip() not in (b"", b"{}") or self.path.is_symlink():
            self.carry_out()
        else:
            self.check()
            files.remove(self.path)

    def take_back(self) -> None:
        """What was carried out, as far as that is possible, and unless somebody else changed it since."""
        with suppress(OSError, Failure):
            there = files.read_bytes(self.path)
            if self.before is None and there == self.after:
                Path(os.path.realpath(self.path)).unlink()
            elif self.before is not None and there in (self.after, None):
                files.replace_keeping_link(self.path, self.before)

    def check(self) -> None:
        """Whether the file is as it was. Raises ChangedMeanwhile, NotReadable."""
        if files.read_bytes(self.path) != self.before:
            raise ChangedMeanwhile(path=self.path)

    def preview(self) -> list[str]:
        """Lines for a person: the file, and what changes in it (preview.py); none where nothing does."""
        if self.is_none:
            return []
        old, new = (self.says(content) if content else {} for content in (self.before, self.after))
        found = preview.lines(old, new, self.ours) or ["(written anew, with the same in it)"]
        return [f"{self.path}{' (new)' if self.before is None else ''}", *(f"  {line}" for line in found)]


def none(path: Path, what: str) -> Change:
    """All is as it should be."""
    return Change(path, None, b"", what)


def previews(changes: Sequence[Change]) -> Iterator[str]:
    """Lines for a person: what would change in all of them, or that nothing would."""
    for change in changes:
        yield from change.preview()
    if all(change.is_none for change in changes):
        yield "nothing would change"


def carry_out(changes: Sequence[Change], *, may_go: Container[Path] = ()) -> None:
    """All of them or none. ``may_go``: the files that need not stay where nothing is left in them.

    Raises ChangedMeanwhile, NotWritable, NotReadable.
    """
    begun: list[Change] = []
    try:
        for change in changes:
            begun.append(change)
            if change.path in may_go:
                change.carry_out_or_remove()
            else:
                change.carry_out()
    except BaseException as fault:  # Ctrl-C, too, which may come once the new file is in its place
        for change in reversed(begun[:-1] if isinstance(fault, Failure) else begun):
            change.take_back()
        raise


def made_anew(attempt: Callable[[], T]) -> T:
    """What the attempt gives, which begins with reading; it is made again where somebody changed a file since.

    Raises ChangedMeanwhile where that happens each time.
    """
    for _ in range(MOST_ATTEMPTS - 1):
        with suppress(ChangedMeanwhile):
            return attempt()
    return attempt()
