"""The commands in a page of the documentation, block by block: ```sh fences, and lines indented by four spaces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
FENCE = re.compile(r"^ *```(.*)$")
INDENTED = re.compile(r"^ {4,}(\S.*)$")
SHELL = "sh"
NO_SHELL = ("json", "text", "toml", "yaml")  # in any other fence a command might hide


class Block(NamedTuple):
    """Commands that a reader enters one after the other; ``line`` is the first one's."""

    page: Path
    line: int
    commands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def of_page(page: Path, text: str | None = None) -> list[Block]:
    """The blocks of a page, in its order. Raises ValueError for a fence of a kind that is not known."""
    found: list[tuple[int, str]] = []
    fence = ""
    for number, line in enumerate((text or page.read_text(encoding="utf-8")).splitlines(), 1):
        mark = FENCE.match(line)
        if mark:
            fence = "" if fence else mark[1].strip() or "none"
            if fence and fence not in (SHELL, *NO_SHELL):
                raise ValueError(f"{page.name}:{number}: a fence of kind {fence!r}")
        elif fence == SHELL and line.strip():
            found.append((number, line.strip()))
        elif not fence and (indented := INDENTED.match(line)):
            found.append((number, indented[1]))
    return [
        Block(page, numbers[0], tuple(command for number, command in found if number in numbers))
        for numbers in _runs([number for number, _ in found])
    ]


def _runs(numbers: list[int]) -> list[list[int]]:
    """Numbers that follow one another, together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
