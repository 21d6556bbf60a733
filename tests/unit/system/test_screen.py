"""How much room there is below what is written, for a caller that draws over it."""

from __future__ import annotations

import pytest

from docker_credential_harbor.system.screen import Screen


@pytest.mark.parametrize(
    ("rows", "lines", "room"),
    [(20, 3, 9), (24, 3, 13), (24, 20, 0), (40, 3, 25), (64, 3, 40), (64, 24, 32), (1, 1, 0)],
)
def test_as_much_as_leaves_all_lines_on_the_screen(rows: int, lines: int, room: int) -> None:
    assert Screen(80, rows, "utf-8").room_below(["x"] * lines) == room


def test_long_lines_are_folded() -> None:
    at = Screen(80, 24, "utf-8")
    assert at.rows_of(["x" * 80, "x" * 81, "", "x"]) == 5
    assert Screen(0, 24, "utf-8").rows_of(["ab"]) == 2
