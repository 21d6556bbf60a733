"""docs/security.md names the test that shows each defence: every one named is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
NAMED = sorted(set(re.findall(r"`((?:tests/)?\w+(?:/\w+)+\.py(?:::\w+)*)`", PAGE.read_text(encoding="utf-8"))))


def test_many_are_named() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize("name", NAMED)
def test_it_is_there(name: str) -> None:
    file, *path = name.removeprefix("tests/").split("::")
    scope: ast.AST = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    for part in path:
        scope = next(node for node in ast.iter_child_nodes(scope) if getattr(node, "name", None) == part)
    assert not path or path[-1].startswith(("test_", "Test"))


def test_the_page_at_the_top_leads_there() -> None:
    assert "docs/security.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
